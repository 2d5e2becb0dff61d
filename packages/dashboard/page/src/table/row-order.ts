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

/** The order in which rows are shown. */
interface RowOrder {
  readonly ids: readonly string[]
  /** Rows that are there and not shown yet. */
  readonly waiting: number
}

/**
 * The order to show next. While somebody points at the table or is inside it, every row stays where it is: new ones wait, and what has
 * gone is shown as it was last. Otherwise the wanted order is taken as it is.
 *
 * @param shown - The ids as they are shown now.
 * @param wanted - The ids in the order that sorting and filters give.
 * @param held - Whether rows must not move.
 */
export function nextOrder(shown: readonly string[], wanted: readonly string[], held: boolean): RowOrder {
  if (!held || shown.length === 0) return { ids: wanted, waiting: 0 }
  const there = new Set(shown)
  return { ids: shown, waiting: wanted.reduce((sum, id) => sum + (there.has(id) ? 0 : 1), 0) }
}
