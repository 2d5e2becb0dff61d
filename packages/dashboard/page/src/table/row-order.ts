/** Returns a sorted copy. Missing values come last in both directions, and equal values keep their order. */
export function sortRows<T>(
  rows: readonly T[],
  by: (row: T) => string | number | null,
  isUp: boolean,
): readonly T[] {
  const sign = isUp ? 1 : -1
  return [...rows].sort((left, right) => {
    const [a, b] = [by(left), by(right)]
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
    if (typeof a === 'string' || typeof b === 'string')
      return sign * String(a).localeCompare(String(b), 'en', { numeric: true })
    return sign * (a - b)
  })
}

interface RowOrder {
  readonly ids: readonly string[]
  /** Number of rows that are not shown yet. */
  readonly waiting: number
}

/**
 * Returns the order to show next. While `held`, every row keeps its position: new rows wait, and removed rows
 * are shown with their last data. Otherwise it is the wanted order.
 *
 * @param shown - The IDs that are currently shown.
 * @param sorted - The IDs in the order of sorting and filters.
 * @param held - Whether rows must not move.
 */
export function nextOrder(shown: readonly string[], sorted: readonly string[], held: boolean): RowOrder {
  if (!held || shown.length === 0) return { ids: sorted, waiting: 0 }
  const there = new Set(shown)
  return { ids: shown, waiting: sorted.reduce((sum, id) => sum + (there.has(id) ? 0 : 1), 0) }
}
