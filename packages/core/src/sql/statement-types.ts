import type { StatementNames } from './statement-names.ts'

/**
 * A value that a column is compared with: the index of a bound value, starting at 0, or the source of a
 * number or a string.
 */
export type ConditionValue = number | string

/** `column = value` or `column IN (values)`. */
export interface Condition {
  /** Case-folded as the dialect compares names. */
  readonly column: string
  readonly values: readonly ConditionValue[]
}

/** One SELECT whose rows come from rows of one table, possibly joined with others. */
export interface Listing {
  readonly table: readonly string[]
  /** Conditions that hold for every row that it reads from the table. */
  readonly conditions: readonly Condition[]
  /**
   * Whether each row of the result is one row of the table; otherwise one table row can produce several
   * result rows.
   */
  readonly isPlain: boolean
}

/** One table that a statement writes. */
export interface TableWrite {
  /** The name's parts, case-folded as in the dialect. */
  readonly name: readonly string[]
  /** `replace` deletes conflicting rows; `merge` can insert, update and delete. */
  readonly how:
    | 'insert'
    | 'upsert'
    | 'replace'
    | 'update'
    | 'delete'
    | 'merge'
    | 'truncate'
    | 'truncate-cascade'
    | 'refresh'
  /** For an update, and for an upsert's update: the columns in its SET, if they can be determined. */
  readonly columns?: readonly string[]
  /**
   * For an update, an upsert's update and a delete: the conditions that hold for every row that it changes.
   */
  readonly conditions?: readonly Condition[]
}

export type TransactionControl =
  /** `isolation`: its isolation level, if the statement sets it. Default: that of the session. */
  | { readonly kind: 'begin'; readonly isolation?: 'read committed' | 'other' }
  /** `chain`: the next transaction begins immediately. */
  | { readonly kind: 'commit' | 'rollback'; readonly chain?: true }
  | { readonly kind: 'savepoint' | 'release' | 'rollback-to'; readonly name: string }

/** The effect of a statement on a session setting. Names are in lower case. */
export type SessionChange =
  | { readonly kind: 'set'; readonly name: string }
  | { readonly kind: 'reset'; readonly name: string }
  /** All except the role and the user. */
  | { readonly kind: 'reset-all' }
  | { readonly kind: 'discard-all' }

/** The reads and writes of one or more SQL statements in a string, as far as the SQL alone shows. */
export interface Statement {
  /**
   * The leading keyword of each statement, in upper case, including the bodies of common table expressions.
   */
  readonly kinds: readonly string[]
  /** Set only if the string contains several statements, so that a driver may return several results. */
  readonly several?: true
  /**
   * The tables it reads, each as the parts of its name, case-folded as in the dialect: PostgreSQL
   * lower-cases, the others preserve the case.
   */
  readonly reads: readonly (readonly string[])[]
  readonly writes: readonly TableWrite[]
  /**
   * Set only for a string that is one SELECT with conditions on single columns, and reads each table in one
   * place.
   */
  readonly listing?: Listing
  /**
   * Number of values that it binds to `?`. Omitted if it cannot be determined, or if parameters have numbers.
   */
  readonly placeholders?: number
  /** The functions that it calls and that are not known to be pure, schema-qualified as written. */
  readonly functions: ReadonlySet<string>
  /**
   * Whether its result depends on more than tables: the clock, random values, the session, the server's
   * state.
   */
  readonly volatile: boolean
  /**
   * Columns whose values the statement may read as times that depend on the clock: on PostgreSQL if they
   * contain strings, on MySQL and MariaDB if they are a `TIME`, which is completed with the current date.
   */
  readonly timed: readonly string[]
  /**
   * The names in it. Only for PostgreSQL, where a statement can call functions that its grammar does not
   * show.
   */
  readonly names: StatementNames
  /**
   * The session settings that it changes, in order, except settings that affect no result, and settings of
   * the transaction only.
   */
  readonly session: readonly SessionChange[]
  /** Whether it locks the rows that it reads. */
  readonly locks: boolean
  readonly ddl: boolean
  /** The temporary tables and views that it creates: from now on they hide others of the same name. */
  readonly temporary: readonly string[]
  /**
   * The tables on which it creates temporary triggers; `undefined` for a trigger whose table cannot be
   * determined.
   */
  readonly triggered: readonly (string | undefined)[]
  /**
   * Whether it can end the open transaction in addition to its other effects: MySQL commits implicitly before
   * many statements, and a string can contain a COMMIT.
   */
  readonly mayCommit: boolean
  /** Why its effects cannot be determined. The other properties are then incomplete. */
  readonly opaque?: string
  /**
   * Set only for statements that Sluice itself sends on a connection of the app: no cached result depends on
   * their writes.
   */
  readonly isOwn?: true
  /** Set only if the string is exactly one transaction-control statement. */
  readonly transaction?: TransactionControl
}
