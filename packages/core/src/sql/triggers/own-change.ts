/** The change of a trigger that only changes rows of its own table. */
export interface OwnChange {
  /** The columns that it sets, case-folded as in the dialect. Default: any. */
  readonly columns?: readonly string[]
  /** Whether it changes only rows that the statement itself writes. */
  readonly isOfRow: boolean
}

/** The change of two triggers together. */
export function bothChanges(left: OwnChange | undefined, right: OwnChange): OwnChange
export function bothChanges(left: OwnChange | undefined, right: OwnChange | undefined): OwnChange | undefined
export function bothChanges(
  left: OwnChange | undefined,
  right: OwnChange | undefined,
): OwnChange | undefined {
  if (left === undefined || right === undefined) return left ?? right
  const isOfRow = left.isOfRow && right.isOfRow
  if (left.columns === undefined || right.columns === undefined) return { isOfRow }
  return { columns: [...new Set([...left.columns, ...right.columns])].sort(), isOfRow }
}
