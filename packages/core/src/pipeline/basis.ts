/** Follows what a value is made from, while it is made: every read must be known, or the value cannot be kept. */
export interface Basis {
  /** An operation is on its way. Unless it is told of otherwise, what it gives is not known to stay true. */
  begin(): void
  /** Something happened after which the value must not be kept. @param reason - A short word that statistics count by. */
  spoil(reason: string): void
}

const open = new Set<Basis>()

/** A value is being made. */
export function openBasis(basis: Basis): void {
  open.add(basis)
}

export function closeBasis(basis: Basis): void {
  open.delete(basis)
}

/** Whether any value is being made. */
export function hasOpenBasis(): boolean {
  return open.size > 0
}

/** A read or write belongs to no scope: it may be part of any value that is being made. */
export function spoilOpen(reason: string): void {
  for (const basis of open) basis.spoil(reason)
}
