const MAX_INT = 2_147_483_647

/** A whole number as a GraphQL `Int`, which has 32 bits: -1 for one that does not fit, as for all that is not known. */
export function toInt(value: number): number {
  return Number.isFinite(value) && Math.abs(value) <= MAX_INT ? Math.round(value) : -1
}
