import type { TableId } from '../schema/catalog-data.ts'

/** Where a read must go. `primary`: to the primary. `kept`: anywhere whose answer may be returned to others later. */
export type ReadDemand = 'primary' | 'kept'

/** An operation that asks for rows by key. Lookups of one group, issued together, may become one query. */
export interface Lookup<TResult = unknown> {
  /** Equal for lookups that differ in their key only: the client, the shape, every constant, the transaction. */
  readonly group: string
  readonly key: LookupKey
  /** The most keys that one query may carry. */
  readonly maxKeys: number
  /** What the key is compared with. Left out where it is not known: the lookup is merged, and never asked ahead. */
  readonly target?: LookupTarget | undefined
  /**
   * Asks for many keys at once. The answer has an entry, by `key.text`, for each key that it is sure of;
   * what it leaves out is asked singly. `undefined`: sure of none.
   *
   * @param maxRows - Rows that it should not fetch more of, where it can help it; it then throws TooManyRowsError.
   * @param demand - Where the query must go. Default: `kept`, since it answers several.
   */
  runMany(keys: readonly LookupKey[], maxRows?: number, demand?: ReadDemand): Promise<ReadonlyMap<string, TResult> | undefined>
  /** Whether it still asks what it asked when it was issued. Left out: nobody can change it. */
  isUnchanged?(): boolean
  /** An independent copy, for callers that asked for the same key; `undefined` when the value cannot be copied exactly. */
  copy(value: TResult): { readonly value: TResult } | undefined
  /** Every table that the answer depends on; `undefined` when they cannot be told, or when one of them is no base table. */
  reads?(): readonly TableId[] | undefined
}

/** A query for several keys would have brought more rows than it may. */
export class TooManyRowsError extends Error {
  override readonly name = 'TooManyRowsError'
}

/** A key's values, and the canonical text that tells keys apart. Composite keys have several values. */
export interface LookupKey {
  readonly values: readonly unknown[]
  readonly text: string
}

/** The columns that a lookup asks by. One object for all lookups of a shape. */
export interface LookupTarget {
  readonly table: TableId
  /** As the database calls them, in the order of the key's values. */
  readonly columns: readonly string[]
  /** Names the lookup's shape, without values and constants; the same in every process. */
  readonly shape: string
}
