import type { WriteEffect } from '../schema/catalog.ts'
import type { TableId } from '../schema/catalog-data.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { CacheControl } from './cache-control.ts'
import type { Gain } from './gain.ts'
import type { Lookup, ReadRequirements } from './lookup.ts'
import type { ClientErrors } from './outcome.ts'
import type { SoleWriter } from './sole-writer.ts'
import type { TransactionReads } from './transaction-reads.ts'
import type { TransactionWrites } from './writes.ts'

/** An instrumented client. Operations of different sources are never combined. */
export interface Source {
  readonly id: string
  /** Lowercase name of the ORM, shown in labels. */
  readonly orm: string
  readonly dialect: Dialect
  /** Whether Sluice sees its statements on their connection. If not, each execution counts as one query. */
  readonly seesStatements: boolean
  /** Reads the ORM's own errors. Omit it if the client throws the driver's errors unchanged. */
  readonly errors?: ClientErrors
  /**
   * The name that it has in every process that sends the same queries to the same database and gets the same
   * results: its ORM, its schema, its database. `undefined` while that is unknown: none of its results are
   * shared then.
   */
  sharedName?(): string | undefined
  /**
   * The proof that only this process writes to the database, and that its reads see all writes; `undefined`:
   * there is none.
   */
  soleWriter?(): SoleWriter | undefined
}

export type OperationKind = 'read' | 'write' | 'other'

export interface Refusal {
  /** The code of the reason why the operation passes through, with a detail after a colon if it has one. */
  readonly refused: string
}

export function refuse(reason: string): Refusal {
  return { refused: reason }
}

export function isRefusal(value: object): value is Refusal {
  return 'refused' in value
}

/**
 * The normalized query of an operation, without its values. One object for all operations of a fingerprint.
 */
export interface Shape {
  readonly fingerprint: string
  /** Display name: `City.findMany where regionId`, or the SQL without its values. */
  readonly label: string
  readonly kind: OperationKind
  /** The main table, if there is one. */
  readonly table?: TableId | undefined
  /** The columns by which it selects, if it is a keyed lookup. */
  readonly keyColumns?: readonly string[] | undefined
  /** Whether the ORM itself batches operations of this kind that are issued together: they count once. */
  readonly mergedByOrm?: boolean
  /** Whether it follows a relation of the listing's rows, as far as is known. */
  follows?(listing: Shape): boolean
  /**
   * Code of the ORM that queries once instead of many times.
   *
   * @param parent - The listing that came before, if it is known.
   */
  fix?(parent: Shape | undefined): string | undefined
}

/** A read whose result may be cached. */
export interface CacheRequest<TResult> {
  /** Canonical and complete: equal keys mean identical queries to the same database. */
  readonly key: string
  /** Every table that the result depends on. */
  readonly tables: readonly TableId[]
  /**
   * The same object for all requests of one normalized query in one version of the catalogs: what follows
   * from their tables and their statement is determined once. Default: it is determined for each request.
   */
  readonly plan?: object
  /**
   * For tables of which the result depends only on these rows, selected by their whole primary key: each row
   * as its `rowBucket`. Includes rows that do not exist. For other tables, the result depends on any row.
   */
  readonly rows?: ReadonlyMap<TableId, readonly number[]> | undefined
  /** With `rows`: whether each of them was found. If one was not, an insert can change the result. */
  isComplete?(value: TResult): boolean
  /**
   * Whether a value can be the result of the query. Other programs can write to a shared store: an entry that
   * is not accepted counts as missing. Default: any value can.
   */
  accepts?(value: unknown): boolean
  /**
   * An independent copy, or `undefined` if the value cannot be copied exactly. Default: a copy of plain data,
   * dates, bytes and decimals.
   */
  copy?(value: TResult): { readonly value: TResult } | undefined
  /**
   * A copy of the result of `copy`, if no other code has received that since. Default: `copy`, which checks
   * it again.
   */
  recopy?(value: TResult): TResult
  /** The SQL statement, if the names of fields in the result can differ from those of their columns. */
  readonly statement?: string
  /** Classes of values that a shared store cannot create itself. */
  readonly types?: ValueTypes
  /** The app's cache options for this read. */
  readonly control?: CacheControl | undefined
}

/** Classes of values that belong to the app or its ORM. */
export interface ValueTypes {
  /** The class of decimal numbers: `new Decimal(text)`. */
  readonly Decimal?: new (
    text: string,
  ) => unknown
}

/**
 * The source of a result's rows, which loops iterate over. One object for all operations of a normalized
 * query.
 */
export interface RowSource {
  readonly table: TableId
  /** Identifies the normalized query of the operation; the same in every process. */
  readonly shape: string
  /** Whether the rows contain every column of their table. */
  readonly isWhole: boolean
  /** The property of a row that contains the value of a column; `undefined` if there is none. */
  property(column: string): string | undefined
  /** Rows within the rows, such as eager-loaded relations: each property contains one row or a list. */
  readonly nested?: readonly { readonly property: string; readonly source: RowSource }[]
}

/** The part of an operation's context that its adapter needs to run it. */
export interface RunContext {
  /** Where a read must be sent; `undefined`: to any server that is current enough. */
  readonly route: ReadRequirements | undefined
}

/** One ORM call in a neutral form, which the adapters create and the core processes. */
export interface Operation<TResult = unknown> {
  readonly source: Source
  readonly kind: OperationKind
  /** Omitted by adapters that record each statement themselves. */
  readonly shape?: Shape | undefined
  /**
   * The same for similar reads, available at no cost: if processing them has no benefit, they pass through.
   * `undefined`: they never do, for example reads whose caching the app configures.
   */
  readonly gain?: Gain | undefined
  /** Whether it runs in a transaction of the app. */
  readonly inTransaction: boolean
  /** The reads of its transaction, if their results can be cached. Default: they cannot. */
  readonly transactionReads?: TransactionReads | undefined
  /** Whether it is raw SQL of the app: it is uncertain what it does in addition to reading. */
  readonly isRaw?: boolean
  /** Queries the database as the ORM would without Sluice. Can be called more than once for reads. */
  run(context: RunContext): Promise<TResult>
  /** How it can be batched with other operations of its group. */
  lookup?(): Lookup<TResult> | Refusal
  cacheRequest?(): CacheRequest<TResult> | Refusal
  /** For writes: the tables and rows that it modifies. Omitted by adapters that follow the SQL instead. */
  effect?(): WriteEffect
  /**
   * For writes that take effect at a later commit: collects their effects until then; `undefined` if the
   * transaction is not followed. Omitted if the result is returned after the commit.
   */
  transactionWrites?(): TransactionWrites | undefined
  /** A stack that leads to the app's call. It is formatted only when a report needs it. */
  stack?(): { readonly stack?: string | undefined } | undefined
  /**
   * Whether the query that was sent differs from the one that the operation described when it was issued.
   * Known once it has run.
   */
  readonly hasChangedQuery?: boolean
  /** Whether the database may return the rows in any order. */
  readonly unordered?: boolean
  /** The source of the rows of its result (one, or a list); `undefined` if they are not rows of one table. */
  rowSource?(): RowSource | undefined
  /**
   * The same operation as it is described now. Called for a read that has waited for the catalog. Omitted if
   * the operation itself is always described by the current catalog.
   */
  afresh?(): Operation<TResult>
  /** Number of rows of a result. */
  rows?(result: TResult): number
}

/** The tables that an operation reads, as far as it reports them. */
export function tablesRead(operation: Operation<unknown>): readonly TableId[] {
  const lookup = operation.lookup?.()
  const request = operation.cacheRequest?.()
  return [
    operation.shape?.table ?? operation.rowSource?.()?.table,
    ...(lookup === undefined || isRefusal(lookup) ? [] : [lookup.target?.table, ...(lookup.reads?.() ?? [])]),
    ...(request === undefined || isRefusal(request) ? [] : request.tables),
  ].flatMap((table) => table ?? [])
}
