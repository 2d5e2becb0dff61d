/** A sorted copy. What has no value comes last, whichever way; equal ones keep their order. */
export function sortRows<T>(rows: readonly T[], by: (row: T) => string | number | null, isUp: boolean): readonly T[] {
  const sign = isUp ? 1 : -1
  return [...rows].sort((left, right) => {
    const [a, b] = [by(left), by(right)]
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
    if (typeof a === 'string' || typeof b === 'string') return sign * String(a).localeCompare(String(b), 'en', { numeric: true })
    return sign * (a - b)
  })
}
