/**
 * Tracks the reads of a value while it is computed: every read must be known, otherwise the value cannot be
 * cached.
 */
export interface Basis {
  /** An operation begins. Unless it is reported otherwise, it is unknown whether its result stays valid. */
  begin(): void
  /**
   * Something happened after which the value must not be cached.
   *
   * @param reason - The code that statistics count by.
   */
  spoil(reason: string): void
}

const open = new Set<Basis>()

/** A value is being computed. */
export function openBasis(basis: Basis): void {
  open.add(basis)
}

export function closeBasis(basis: Basis): void {
  open.delete(basis)
}

/** Whether any value is being computed. */
export function hasOpenBasis(): boolean {
  return open.size > 0
}

/** A read or write belongs to no scope: it can be part of any value that is being computed. */
export function spoilOpen(reason: string): void {
  for (const basis of open) basis.spoil(reason)
}
