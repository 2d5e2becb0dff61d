const HOUR = 3_600
/** Distances of labels on a time axis, in seconds. */
const TIMES = [1, 5, 15, 30, 60, 120, 300, 600, 1_800, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 24 * HOUR]

/** Returns about `count` round values from `low` to `high`. */
export function valueTicks(low: number, high: number, count: number): readonly number[] {
  const least = (high - low) / count
  const power = 10 ** Math.floor(Math.log10(least))
  const step = ([1, 2, 5].find((one) => one * power >= least) ?? 10) * power
  // Multiples of the step, instead of sums, add no rounding errors.
  return multiples(low, high, step)
}

/**
 * Returns at most `count` round times.
 *
 * @param from - Seconds since 1970.
 * @param offset - Seconds from local time to UTC.
 */
export function timeTicks(from: number, to: number, count: number, offset: number): readonly number[] {
  const step = TIMES.find((one) => (to - from) / one <= count) ?? 24 * HOUR
  return multiples(from - offset, to - offset, step).map((at) => at + offset)
}

function multiples(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step)
  return Array.from(
    { length: Math.max(0, Math.floor(to / step) - first + 1) },
    (_, index) => (first + index) * step,
  )
}
