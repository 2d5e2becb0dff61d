const FIRST_MS = 500
const MOST_MS = 30_000

/**
 * How long to wait before the next attempt to connect: doubled each time, up to 30 s, and between half of that and all of it, so that
 * the browsers of a team do not come back together.
 *
 * @param attempt - Attempts that failed one after the other, from 1.
 * @param random - From 0 to 1.
 */
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 16))
  return full / 2 + (random * full) / 2
}
