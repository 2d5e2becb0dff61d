/** An operation that asks for rows by key. Lookups of one group, issued together, may become one query. */
export interface Lookup<TResult = unknown> {
  /** Equal for lookups that differ in their key only: the client, the shape, every constant, the transaction. */
  readonly group: string
  readonly key: LookupKey
  /** The most keys that one query may carry. */
  readonly maxKeys: number
  /**
   * Asks for many keys at once. The answer has an entry, by `key.text`, for each key that it is sure of;
   * what it leaves out is asked singly. `undefined`: sure of none.
   */
  runMany(keys: readonly LookupKey[]): Promise<ReadonlyMap<string, TResult> | undefined>
  /** An independent copy, for callers that asked for the same key. */
  copy(value: TResult): TResult
}

/** A key's values, and the canonical text that tells keys apart. Composite keys have several values. */
export interface LookupKey {
  readonly values: readonly unknown[]
  readonly text: string
}
