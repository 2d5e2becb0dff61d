import type { StatementNames } from './statement-names.ts'

/** A value that a column is compared with: the place of a bound one, from 0, or the text of a number or a string as written. */
export type ConditionValue = number | string

/** `column = value` or `column IN (values)`. */
export interface Condition {
  /** Folded as the dialect compares names. */
  readonly column: string
  readonly values: readonly ConditionValue[]
}

/** One SELECT whose rows are taken from rows of one table, be they joined with others. */
export interface Listing {
  readonly table: readonly string[]
  /** They hold for every row of the table that it takes. */
  readonly conditions: readonly Condition[]
  /** Whether each row of the result is one row of the table; otherwise a row may give several. */
  readonly isPlain: boolean
}

/** One table that a statement writes. */
export interface TableWrite {
  /** The name's parts, folded as the dialect folds them. */
  readonly name: readonly string[]
  /** `replace` deletes rows that stand in the way; `merge` may insert, update and delete. */
  readonly how: 'insert' | 'upsert' | 'replace' | 'update' | 'delete' | 'merge' | 'truncate' | 'truncate-cascade' | 'refresh'
  /** Of an update, and of an upsert's update: the columns that its SET names, when they can be told. */
  readonly columns?: readonly string[]
  /** Of an update, an upsert's update and a delete: what holds for every row that it changes. */
  readonly conditions?: readonly Condition[]
}

export type TransactionControl =
  | { readonly kind: 'begin' }
  /** `chain`: the next transaction begins at once. */
  | { readonly kind: 'commit' | 'rollback'; readonly chain?: true }
  | { readonly kind: 'savepoint' | 'release' | 'rollback-to'; readonly name: string }

/** What a statement does to a setting of its session. Names are in lower case. */
export type SessionChange =
  | { readonly kind: 'set'; readonly name: string }
  | { readonly kind: 'reset'; readonly name: string }
  | { readonly kind: 'reset-all' }

/** What a text of one or more SQL statements touches, as far as the text alone tells. */
export interface Statement {
  /** The leading keyword of each statement, upper case, bodies of common table expressions included. */
  readonly kinds: readonly string[]
  /** The tables it reads, each a name's parts, folded as the dialect folds them: PostgreSQL lower-cases, the others keep the case. */
  readonly reads: readonly (readonly string[])[]
  readonly writes: readonly TableWrite[]
  /** Set only for a text that is one SELECT with conditions on single columns, and reads each table in one place. */
  readonly listing?: Listing
  /** How many values it takes by `?`; left out where that cannot be told, and where parameters have numbers. */
  readonly placeholders?: number
  /** The functions it calls that are not known to be pure, schema-qualified as written. */
  readonly functions: ReadonlySet<string>
  /** Whether its result depends on more than tables: the clock, chance, the session, the server's state. */
  readonly volatile: boolean
  /** The names in it. Only of PostgreSQL, where a statement may call functions that its grammar does not show. */
  readonly names: StatementNames
  /** The settings of the session that it changes, in order, without those that change no result and those of the transaction only. */
  readonly session: readonly SessionChange[]
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
  /** Set only for what Sluice itself sends on a connection of the app: what it writes, nothing that is kept depends on. */
  readonly isOwn?: true
  /** Set only when the text is one transaction-control statement and nothing else. */
  readonly transaction?: TransactionControl
}
