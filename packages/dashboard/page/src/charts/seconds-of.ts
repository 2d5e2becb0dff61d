/**
 * One value for each of the last seconds, the oldest first; `null` where there is none: missing is not zero.
 *
 * @param at - The end, in milliseconds since 1970.
 */
export function secondsOf(
  points: readonly (readonly [at: number, value: number])[],
  at: number,
  seconds: number,
): readonly (number | null)[] {
  const end = Math.floor(at / 1_000)
  const values = new Array<number | null>(seconds).fill(null)
  for (const [when, value] of points) {
    const index = seconds - 1 - (end - Math.floor(when / 1_000))
    if (index >= 0 && index < seconds) values[index] = value
  }
  return values
}
