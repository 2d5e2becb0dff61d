import type { RandomSource } from './random.ts'

/** How long to wait before something that failed is tried again. */
export interface BackOff {
  /** Milliseconds after the first failure. */
  readonly baseMs: number
  /** Milliseconds at most. */
  readonly maxMs: number
}

/**
 * The wait after a number of failures in a row: doubled each time, and up to half of it left to chance, so that those who failed together do
 * not try again together.
 *
 * @param failures - From `1`.
 */
export function backOffMs({ baseMs, maxMs }: BackOff, failures: number, random: RandomSource): number {
  const full = Math.min(maxMs, baseMs * 2 ** (failures - 1))
  return full * (1 - random() / 2)
}
