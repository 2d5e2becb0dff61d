import { bothChanges, type OwnChange } from '../sql/triggers/own-change.ts'

/** The changes of triggers in their own table, by the kind of write that fires them. */
export type TriggeredChanges = Readonly<Partial<Record<'insert' | 'update' | 'delete', OwnChange>>>

/** The changes of the triggers that two catalogs show. */
export function allTriggered(
  left: TriggeredChanges | undefined,
  right: TriggeredChanges | undefined,
): TriggeredChanges | undefined {
  if (left === undefined || right === undefined) return left ?? right
  const merged: { -readonly [K in keyof TriggeredChanges]: OwnChange } = {}
  for (const kind of ['insert', 'update', 'delete'] as const) {
    const change = bothChanges(left[kind], right[kind])
    if (change !== undefined) merged[kind] = change
  }
  return merged
}
