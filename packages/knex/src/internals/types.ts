import type { Knex } from 'knex'

/**
 * Undocumented parts of Knex. All access to them is in this folder. Readers fail closed: a builder that
 * contains anything unknown to them is described as `undefined`, and passed through unchanged.
 */

/** A client as an instrumented prototype sees it. */
export interface ClientInternals {
  readonly dialect?: string
  readonly driverName?: string
  readonly config: {
    /** Null while a migration runs. */
    readonly wrapIdentifier?: WrapIdentifier | null
    readonly postProcessResponse?: unknown
    readonly migrations?: { readonly tableName?: string }
    readonly connection?: unknown
    /** A pool that the app created, since Knex 3.3. */
    readonly connectionPool?: unknown
    readonly pool?: { readonly afterCreate?: unknown }
  }
  readonly connectionSettings?: unknown
  readonly driver?: unknown
  readonly pool?: unknown
  readonly transacting?: boolean
  _query(connection: object, query: QueryObject): Promise<QueryObject>
  _stream(connection: object, query: QueryObject, stream: object, options: unknown): Promise<unknown>
  runner(builder: BuilderInternals): RunnerInternals
  queryBuilder(): BuilderInternals
  raw(...args: readonly unknown[]): BuilderInternals
  processResponse(query: QueryObject, runner: RunnerInternals): unknown
  on?(event: 'query-error', listener: (error: unknown, query: object) => void): void
  off?(event: 'query-error', listener: (error: unknown, query: object) => void): void
  postProcessResponse(response: unknown, queryContext: unknown): unknown
  transaction(container: Container | undefined, ...options: readonly unknown[]): Emitter
  acquireConnection(): Promise<object>
  releaseConnection(connection: object): Promise<void>
  /** Creates a connection outside the pool. */
  acquireRawConnection(): Promise<object>
  destroyRawConnection(connection: object): Promise<void>
  /** Set if a function provides the settings of connections. */
  readonly connectionConfigProvider?: unknown
  positionBindings(sql: string): string
  destroy(callback?: unknown): Promise<void>
}

type WrapIdentifier = (value: string, original: (value: string) => string, queryContext: unknown) => string

/** Emits `start` events, whose listeners can change builders. */
export interface Emitter {
  listenerCount?(event: string): number
}

/** The function that receives the transaction object. */
export type Container = (transactor: Emitter & { readonly client: ClientInternals }) => unknown

/** The query that is sent to the driver; the driver's response is stored in it. */
export interface QueryObject {
  readonly sql: string
  readonly bindings?: readonly unknown[]
  readonly method?: string
  readonly response?: unknown
  readonly timeout?: unknown
}

export interface RunnerInternals {
  run(): Promise<unknown>
  query(sent: object): Promise<unknown>
  stream(...args: unknown[]): unknown
}

/** A clause of a builder, as Knex stores it. */
export type Statement = Readonly<Record<string, unknown>>

export interface BuilderInternals {
  readonly client: ClientInternals
  readonly _method?: string
  readonly _single?: Readonly<Record<string, unknown>>
  readonly _statements?: readonly Statement[]
  readonly _events?: object
  readonly _comments?: readonly unknown[]
  readonly _options?: unknown
  readonly _timeout?: unknown
  readonly _connection?: unknown
  /** With `asyncStackTraces`: the stack for errors, without so many lines at its start. */
  readonly _asyncStack?: { lines: number }
  queryContext(): unknown
  toSQL(): unknown
  emit(event: string, query: object): unknown
  clone(): BuilderInternals & Knex.QueryBuilder
}
