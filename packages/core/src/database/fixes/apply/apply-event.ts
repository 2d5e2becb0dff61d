import type { SchemaChange } from '../fix.ts'

/** What happens while changes are applied, in order. */
export type ApplyEvent =
  | { readonly kind: 'locked' }
  /** A change does not need to be made, or cannot be any more. */
  | { readonly kind: 'skipped'; readonly change: SchemaChange; readonly why: string }
  /** A statement is sent. */
  | { readonly kind: 'running'; readonly change: SchemaChange; readonly sql: string }
  /** An index was dropped that a build had left unfinished. */
  | { readonly kind: 'cleaned'; readonly change: SchemaChange; readonly name: string }
  /** A change is made, and was looked at. */
  | { readonly kind: 'done'; readonly change: SchemaChange }
  /** A change failed; those after it are not tried. */
  | { readonly kind: 'failed'; readonly change: SchemaChange; readonly error: unknown }

/** What became of changes. */
export interface ApplyResult {
  readonly done: readonly SchemaChange[]
  readonly skipped: readonly { readonly change: SchemaChange; readonly why: string }[]
  readonly failed?: {
    readonly change: SchemaChange
    readonly error: unknown /** Whether it gave up waiting for a lock. */
    readonly isLockTimeout: boolean
  }
  /** Not tried, because one before failed. */
  readonly remaining: readonly SchemaChange[]
}

export interface ApplyOptions {
  onEvent?(event: ApplyEvent): void
  /**
   * Milliseconds that a statement waits for a lock.
   * @defaultValue 5 minutes where nobody waits behind it (PostgreSQL's concurrent builds), 5 seconds elsewhere
   */
  readonly lockTimeoutMs?: number
}
