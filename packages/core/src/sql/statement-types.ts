/** One table that a statement writes. */
export interface TableWrite {
  /** The name's parts, folded as the dialect folds them. */
  readonly name: readonly string[]
  /** `replace` deletes rows that stand in the way; `merge` may insert, update and delete. */
  readonly how: 'insert' | 'upsert' | 'replace' | 'update' | 'delete' | 'merge' | 'truncate' | 'truncate-cascade' | 'refresh'
  /** Of an update, and of an upsert's update: the columns that its SET names, when they can be told. */
  readonly columns?: readonly string[]
}

export type TransactionControl =
  | { readonly kind: 'begin' }
  /** `chain`: the next transaction begins at once. */
  | { readonly kind: 'commit' | 'rollback'; readonly chain?: true }
  | { readonly kind: 'savepoint' | 'release' | 'rollback-to'; readonly name: string }

/** What a text of one or more SQL statements touches, as far as the text alone tells. */
export interface Statement {
  /** The leading keyword of each statement, upper case, bodies of common table expressions included. */
  readonly kinds: readonly string[]
  /** The tables it reads, each a name's parts, folded as the dialect folds them: PostgreSQL lower-cases, the others keep the case. */
  readonly reads: readonly (readonly string[])[]
  readonly writes: readonly TableWrite[]
  /** The functions it calls that are not known to be pure, schema-qualified as written. */
  readonly functions: ReadonlySet<string>
  /** Whether its result depends on more than tables: the clock, chance, the session, the server's state. */
  readonly volatile: boolean
  /** Whether it locks the rows it reads. */
  readonly locks: boolean
  readonly ddl: boolean
  /** The tables and views it creates as temporary: from now on they hide others of the same name. */
  readonly temporary: readonly string[]
  /** The tables on which it creates temporary triggers; `undefined` among them for one whose table cannot be told. */
  readonly triggered: readonly (string | undefined)[]
  /** Whether it may end the transaction that is open, besides what it does: MySQL commits before much, and a text may hold a COMMIT. */
  readonly mayCommit: boolean
  /** Why what it touches cannot be told. The rest is then what was seen, and not all. */
  readonly opaque?: string
  /** Set only when the text is one transaction-control statement and nothing else. */
  readonly transaction?: TransactionControl
}
