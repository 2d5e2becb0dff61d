/** The order in which rows are shown. */
export interface RowOrder {
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
