import type { TableId } from '../schema/catalog-data.ts'

/**
 * Server that a read requires. `primary`: the primary. `kept`: any server whose result may be returned to
 * other callers later.
 */
export type ReadRequirements = 'primary' | 'kept'

/** An operation that selects rows by key. Lookups of one group that are issued together can be batched. */
export interface Lookup<TResult = unknown> {
  /**
   * Equal for lookups that differ only in their key: the client, the normalized query, every constant, the
   * transaction.
   */
  readonly group: string
  readonly key: LookupKey
  /** Maximum number of keys in one query. */
  readonly maxKeys: number
  /**
   * The columns that the key is compared with. Omit it if they are unknown: the lookup can be batched, but is
   * never prefetched.
   */
  readonly target?: LookupTarget | undefined
  /**
   * Queries many keys in one batch. The result contains an entry, by `key.text`, for each key for which it is
   * certain. Omitted keys are queried individually. `undefined`: it is certain for none.
   *
   * @param maxRows - Number of rows above which it should fetch no more, if it can prevent that. It then
   * throws TooManyRowsError.
   * @param demand - Where the query must be sent. Default: `kept`, because its result serves several
   * operations.
   */
  runMany(
    keys: readonly LookupKey[],
    maxRows?: number,
    demand?: ReadRequirements,
  ): Promise<ReadonlyMap<string, TResult> | undefined>
  /** Whether its query is still the one that was issued. Omit it if the query cannot be modified. */
  isUnchanged?(): boolean
  /**
   * An independent copy, for callers that requested the same key; `undefined` if the value cannot be copied
   * exactly.
   */
  copy(value: TResult): { readonly value: TResult } | undefined
  /**
   * Every table that the result depends on; `undefined` if they cannot be determined, or if one of them is
   * not a base table.
   */
  reads?(): readonly TableId[] | undefined
}

/** A query for several keys would have returned more rows than allowed. */
export class TooManyRowsError extends Error {
  override readonly name = 'TooManyRowsError'
}

/**
 * The values of a key, and the canonical string that distinguishes keys. Composite keys have several values.
 */
export interface LookupKey {
  readonly values: readonly unknown[]
  readonly text: string
}

/** The columns by which a lookup selects. One object for all lookups of a normalized query. */
export interface LookupTarget {
  readonly table: TableId
  /** Names in the database, in the order of the key's values. */
  readonly columns: readonly string[]
  /**
   * Identifies the normalized query of the lookup, without values and constants; the same in every process.
   */
  readonly shape: string
}
