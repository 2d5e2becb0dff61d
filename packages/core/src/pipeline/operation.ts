import type { WriteEffect } from '../schema/catalog.ts'
import type { TableId } from '../schema/catalog-data.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { CacheControl } from './cache-control.ts'
import type { Lookup, ReadDemand } from './lookup.ts'
import type { ClientErrors } from './outcome.ts'
import type { TransactionWrites } from './writes.ts'

/** One instrumented client: operations of different sources never meet. */
export interface Source {
  readonly id: string
  /** The name of the ORM, in lower case: labels show it. */
  readonly orm: string
  readonly dialect: Dialect
  /** Whether its statements are seen on their connection. Where they are not, each execution counts as one query. */
  readonly seesStatements: boolean
  /** Reads the ORM's own errors. Omit it if the client throws the driver's errors unchanged. */
  readonly errors?: ClientErrors
  /**
   * What it is called by every process that asks the same database the same questions and gets the same results for them: its ORM, its schema,
   * its database. `undefined` while that is not known: nothing of it is shared then.
   */
  sharedName?(): string | undefined
}

export type OperationKind = 'read' | 'write' | 'other'

/** Why an operation was left to the database: a short word that statistics count by. */
export interface Refusal {
  readonly refused: string
}

export function refuse(reason: string): Refusal {
  return { refused: reason }
}

export function isRefusal(value: object): value is Refusal {
  return 'refused' in value
}

/** What an operation looks like without its values. One object for all operations of a fingerprint. */
export interface Shape {
  readonly fingerprint: string
  /** What people are shown: `City.findMany where regionId`, or the SQL without its values. */
  readonly label: string
  readonly kind: OperationKind
  /** The main table, when there is one. */
  readonly table?: TableId | undefined
  /** The columns it asks by, when it is a keyed lookup. */
  readonly keyColumns?: readonly string[] | undefined
  /** Whether the ORM itself merges those of this shape that are issued together: they count once. */
  readonly mergedByOrm?: boolean
  /** Whether it asks along a relation of the listing's rows, as far as is known. */
  follows?(listing: Shape): boolean
  /**
   * How its author would ask once instead of many times, as code of the ORM.
   *
   * @param parent - The listing that came before, when it is known.
   */
  fix?(parent: Shape | undefined): string | undefined
}

/** A read whose answer may be kept. */
export interface CacheRequest<TResult> {
  /** Canonical and complete: equal keys mean equal questions to the same database. */
  readonly key: string
  /** Every table that the answer depends on. */
  readonly tables: readonly TableId[]
  /**
   * For tables of which the answer depends on these rows alone, asked for by the whole primary key: each row by its `rowBucket`. Rows that are
   * not there count too. Tables that are not listed: on any row.
   */
  readonly rows?: ReadonlyMap<TableId, readonly number[]>
  /** With `rows`: whether each of them was found. Where one was not, an insert may change the answer. */
  isComplete?(value: TResult): boolean
  /** An independent copy, or `undefined` when the value cannot be copied exactly. */
  copy(value: TResult): { readonly value: TResult } | undefined
  /** A copy of what `copy` returned, if nobody else had it since. Left out: `copy`, which checks it again. */
  recopy?(value: TResult): TResult
  /** The statement's text, where fields of the answer may have other names than the columns that they come from. */
  readonly statement?: string
  /** Classes of values that a shared store cannot make by itself. */
  readonly types?: ValueTypes
  /** What the app said of this read. */
  readonly control?: CacheControl | undefined
}

/** Classes of values that belong to the app or its ORM. */
export interface ValueTypes {
  /** The class of decimal numbers: `new Decimal(text)`. */
  readonly Decimal?: new (
    text: string,
  ) => unknown
}

/** Where a result's rows come from: what loops walk along. One object for all operations of a shape. */
export interface RowSource {
  readonly table: TableId
  /** Names the operation's shape; the same in every process. */
  readonly shape: string
  /** Whether the rows have every column of their table. */
  readonly isWhole: boolean
  /** The property of a row that holds a column's value; `undefined` when it has none. */
  property(column: string): string | undefined
  /** Rows within the rows, as relations that were asked for along with them: one row or a list under a property each. */
  readonly nested?: readonly { readonly property: string; readonly source: RowSource }[]
}

/** The part of an operation's context that its adapter needs to run it. */
export interface RunContext {
  /** Where it must go, if it is a read; `undefined`: to any server that is current enough. */
  readonly route: ReadDemand | undefined
}

/** One ORM call in neutral form: what the adapters make and the core decides about. */
export interface Operation<TResult = unknown> {
  readonly source: Source
  readonly kind: OperationKind
  /** Left out by adapters that record each statement themselves. */
  readonly shape?: Shape | undefined
  /**
   * The same object for reads that are alike, known at no cost: where looking at them brings nothing, they are left alone. `undefined`: never, as those of which
   * the app says how they are kept.
   */
  readonly family?: object | undefined
  /** Whether it runs inside a transaction of the user's. */
  readonly inTransaction: boolean
  /** Whether it is a statement of the app's own: what it does besides reading is not known for certain. */
  readonly isRaw?: boolean
  /** Asks the database, as the bare ORM would. May be called more than once for reads. */
  run(context: RunContext): Promise<TResult>
  /** How it may be merged with others of its group. */
  lookup?(): Lookup<TResult> | Refusal
  cacheRequest?(): CacheRequest<TResult> | Refusal
  /** For writes: what it touches. Left out by adapters that follow the SQL instead. */
  effect?(): WriteEffect
  /**
   * For writes that take effect at a later commit: where effects are gathered until then; `undefined` when nobody follows the transaction.
   * Left out where the result comes after the commit.
   */
  transactionWrites?(): TransactionWrites | undefined
  /** A stack that leads to the user's call; text is read only when a report needs it. */
  stack?(): { readonly stack?: string | undefined } | undefined
  /** Whether what was sent is not what the operation described when it was issued. Known once it has run. */
  readonly hasStrayed?: boolean
  /** Whether the database may return the rows in any order. */
  readonly unordered?: boolean
  /** Where the rows of its result (one, or a list) come from; `undefined` when they are not rows of one table. */
  rowSource?(): RowSource | undefined
  /** How many rows a result holds. */
  rows?(result: TResult): number
}

/** The tables that an operation reads, as far as it says. */
export function tablesRead(operation: Operation<unknown>): readonly TableId[] {
  const lookup = operation.lookup?.()
  const request = operation.cacheRequest?.()
  return [
    operation.shape?.table ?? operation.rowSource?.()?.table,
    ...(lookup === undefined || isRefusal(lookup) ? [] : [lookup.target?.table, ...(lookup.reads?.() ?? [])]),
    ...(request === undefined || isRefusal(request) ? [] : request.tables),
  ].flatMap((table) => table ?? [])
}
