/**
 * How many distinct values a column has, from those of a sample: the estimator Duj1 of Haas and Stokes ("Estimating the number of classes in a finite
 * population", IBM Research Report RJ 10025), which PostgreSQL's ANALYZE uses, too.
 *
 * @param counts - How often each distinct value is in the sample.
 * @param rows - Rows of the whole table that have a value.
 * @returns At least the number of values seen, and 1; at most `rows`, where that is more.
 */
export function estimateDistinct(counts: Iterable<number>, rows: number): number {
  let seen = 0
  let once = 0
  let size = 0
  for (const count of counts) {
    seen++
    size += count
    if (count === 1) once++
  }
  if (size === 0) return 1
  const all = Math.max(rows, size)
  const estimate = (size * seen) / (size - once + (once * size) / all)
  return Math.max(1, seen, Math.min(all, Math.round(estimate)))
}
