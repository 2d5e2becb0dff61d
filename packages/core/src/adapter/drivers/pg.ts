import { captureStack } from '../../pipeline/call-site.ts'
import type { Stack } from '../../pipeline/execution-group.ts'
import { registerOwnFrames } from '../../pipeline/frame-packages.ts'
import type { Connection } from '../../schema/connection.ts'
import { createHash } from '../../shared/late-modules.ts'
import { afterCaller } from '../after-caller.ts'
import { type AdapterClient, attachClient } from '../attach-client.ts'
import type { EqualitySelect } from '../equality-select.ts'
import type { SentStatement } from '../sent-statement.ts'
import type { SqlRow } from '../sql-read.ts'
import { isPgPool, pgPoolState, timePgConnects } from './pg-pool-state.ts'

registerOwnFrames(import.meta.url, 'pg', 'pg-pool')

/** A query in the form that `pg` accepts. */
interface QueryConfig {
  readonly text: string
  readonly values?: readonly unknown[]
  readonly name?: string
  readonly rowMode?: string
  readonly types?: unknown
}

interface QueryResult {
  readonly command: string
  readonly rowCount: number | null
  readonly rows: readonly SqlRow[]
  readonly fields: readonly unknown[]
}

type Callback = (...args: unknown[]) => unknown
type Query = (...args: unknown[]) => unknown

/** The members of `pg.Pool` and `pg.Client` that Sluice calls. */
interface Queryable extends Record<PropertyKey, unknown> {
  query: Query
}
interface PgPool extends Queryable {
  connect(...args: unknown[]): unknown
  on(event: string, listener: Callback): unknown
  removeListener(event: string, listener: Callback): unknown
}

export interface PoolDescription {
  /** The name of the ORM above the driver. Default: `pg`. */
  readonly orm?: string
  /** `import.meta.url` of the adapter. Default: of this file. */
  readonly moduleUrl?: string
  /** Returns code in the ORM's syntax that runs a repeated select once, for an array `keys`. */
  fix?(select: EqualitySelect): string | undefined
  /** Identifies the options of the ORM that change its results. Default: there are none. */
  settings?(): string | undefined
  /**
   * Whether queries are sent by builders that users await: their call sites are known two microtasks later.
   * Default: `false`.
   */
  readonly isAwaited?: boolean
  /**
   * Identifies the type parsers of a query that has its own. `undefined`: the query is sent unchanged.
   * Default: only queries without their own type parsers go through Sluice.
   */
  parsersOf?(types: object): string | undefined
}

/** Types whose values `pg` or an app may parse: those of every database, and arrays of them. */
const TYPES = [
  ...[
    16, 17, 20, 21, 23, 25, 26, 114, 142, 600, 601, 603, 700, 701, 718, 790, 869, 1033, 1042, 1043, 1082,
    1083, 1114, 1184, 1186, 1266,
  ],
  ...[
    1560, 1562, 1700, 2950, 3802, 199, 1000, 1001, 1005, 1007, 1014, 1015, 1016, 1021, 1022, 1028, 1115, 1182,
    1183, 1185, 1187, 1231,
  ],
  ...[2951, 3807],
]

/** Represents the SQL of a cursor that does not expose it: it may write anything. */
const UNREADABLE = 'UNREADABLE CURSOR'

/** Maximum number of SQL strings whose result columns are stored. */
const MAX_TEMPLATES = 2000

/**
 * Returns a stand-in for a pool of `pg`, through which Sluice sees every statement. Reads of `pool.query` are
 * batched, prefetched and cached. Statements on a client of `pool.connect` are sent unchanged, because its
 * session belongs to the caller. The pool itself is not modified.
 *
 * The listeners of the pool's events receive clients without Sluice.
 *
 * @throws InvalidArgumentError if `sluice` is not a Sluice.
 * @example
 * ```ts
 * const pool = sluicePool(new pg.Pool({ connectionString }), createSluice({ mode: 'optimize' }))
 * const { rows } = await pool.query('SELECT * FROM city WHERE id = $1', [7])
 * ```
 */
export function sluicePool<TPool extends object>(
  pool: TPool,
  sluice: object,
  options: PoolDescription = {},
): TPool {
  return new PoolStandIn(pool as unknown as PgPool, sluice, options).standIn as unknown as TPool
}

class PoolStandIn {
  readonly standIn: PgPool
  readonly #client: AdapterClient
  /** One stand-in for each client, because code above the driver stores things by client. */
  readonly #clients = new WeakMap<object, Queryable>()
  /** Results without rows, by SQL string and row form. */
  readonly #templates = new Map<string, QueryResult>()
  readonly #restore: () => void
  /** The client that was in use last. */
  #used: WeakRef<Queryable> | undefined
  readonly #parsers = new WeakMap<object, { readonly ownTypes: readonly number[]; readonly hash: string }>()

  constructor(
    private readonly pool: PgPool,
    sluice: object,
    private readonly options: PoolDescription,
  ) {
    const { orm = 'pg', moduleUrl = import.meta.url, fix } = options
    const held = new WeakRef(pool)
    const state = () => {
      const living = held.deref()
      return living !== undefined && isPgPool(living) ? pgPoolState(living) : undefined
    }
    this.#client = attachClient(sluice, {
      ...{ orm, dialect: 'postgresql', moduleUrl, connection: () => connectionOf(held.deref()) },
      ...(fix === undefined ? {} : { fix: fix.bind(options) }),
      settings: (ownTypes) => this.#settings(ownTypes),
      ...(isPgPool(pool) ? { pool: state } : {}),
    })
    this.#restore = isPgPool(pool)
      ? timePgConnects(
          pool,
          (ms, was) => this.#client.waited(ms, was),
          () => performance.now(),
        )
      : () => {}
    const using: Callback = (client) => {
      if (this.#used?.deref() !== client) this.#used = new WeakRef(client as Queryable)
    }
    pool.on('acquire', using)
    this.standIn = standInFor(pool, {
      query: (...args) => this.#query(pool, {}, args, true),
      connect: (...args) => this.#connect(args),
      end: (...args) => {
        this.#client.detach()
        this.#restore()
        pool.removeListener('acquire', using)
        return (pool.end as Query)(...args)
      },
    })
  }

  /**
   * Identifies the type parsers, because processes may parse the same types differently. `undefined` until a
   * connection was used, from which Sluice reads the parsers of this process.
   */
  #settings(ownTypes: readonly number[]): string | undefined {
    const { settings, parsersOf } = this.options
    const client = this.#used?.deref()
    const own =
      settings === undefined ? (parsersOf === undefined ? '' : undefined) : settings.call(this.options)
    if (own === undefined || typeof client?.getTypeParser !== 'function') return undefined
    let parsers = this.#parsers.get(client)
    if (parsers?.ownTypes !== ownTypes) {
      const getTypeParser = client.getTypeParser.bind(client) as (oid: number) => unknown
      const text = [...TYPES, ...ownTypes].map((oid) => String(getTypeParser(oid))).join()
      parsers = { ownTypes, hash: createHash('sha256').update(text).digest('base64url') }
      this.#parsers.set(client, parsers)
    }
    return `${own} ${parsers.hash}`
  }

  #connect(args: readonly unknown[]): unknown {
    const [callback, ...rest] = args
    if (typeof callback !== 'function')
      return (this.pool.connect(...args) as Promise<Queryable>).then((client) => this.#clientOf(client))
    const told: Callback = (error, client, ...others) =>
      callback(error, client === undefined ? client : this.#clientOf(client as Queryable), ...others)
    return this.pool.connect(told, ...rest)
  }

  #clientOf(client: Queryable): Queryable {
    const known = this.#clients.get(client)
    if (known !== undefined) return known
    const standIn = standInFor(client, { query: (...args) => this.#query(client, client, args, false) })
    this.#clients.set(client, standIn)
    return standIn
  }

  /** @param connection - Whose transaction the statement belongs to. */
  #query(target: Queryable, connection: object, args: readonly unknown[], isPooled: boolean): unknown {
    const [first, second] = args
    const callback = args.at(-1)
    if (isSubmittable(first)) return this.#submit(target, connection, args, first)
    const given = typeof first === 'string' ? { text: first } : (first as QueryConfig | null)
    // Let `pg` reject invalid arguments itself.
    if (typeof given?.text !== 'string') return target.query(...args)
    const values = Array.isArray(second) ? second : given.values
    const config: QueryConfig = values === undefined ? given : { ...given, values }
    const sent = this.#sent(target, connection, config, isPooled)
    if (typeof callback !== 'function') return sent
    sent.then(
      (result) => process.nextTick(callback as Callback, undefined, result),
      (error: unknown) => process.nextTick(callback as Callback, error),
    )
    return undefined
  }

  async #sent(
    target: Queryable,
    connection: object,
    config: QueryConfig,
    isPooled: boolean,
  ): Promise<QueryResult> {
    if (this.options.isAwaited === true) await afterCaller()
    const parsers = this.#parsersOf(config)
    const isRead =
      isPooled && this.#client.isActive && parsers !== undefined && this.#client.onlyReads(config.text)
    return isRead ? this.#read(target, config, parsers) : this.#statement(target, connection, config)
  }

  #statement(
    target: Queryable,
    connection: object,
    config: QueryConfig,
    stack?: () => Stack,
  ): Promise<QueryResult> {
    const sent: SentStatement<Promise<QueryResult>> = {
      sql: config.text,
      params: config.values ?? [],
      send: () => target.query(config) as Promise<QueryResult>,
      rows: (result) => (Array.isArray(result.rows) ? result.rows.length : 0),
      isRolledBack: ({ command }) => command === 'ROLLBACK',
      rollBack: () => target.query('ROLLBACK') as Promise<unknown>,
      // Reads of a connection with a transaction never go through the pipeline.
      isKnown: connection === target,
    }
    return this.#client.statement(connection, stack === undefined ? sent : { ...sent, stack })
  }

  async #read(target: Queryable, config: QueryConfig, parsers: string): Promise<QueryResult> {
    const taken = captureStack()
    const stack = () => taken
    const rowForm = config.rowMode === 'array' ? 'arrays' : 'objects'
    const key = `${rowForm} ${parsers} ${config.text}`
    const rows = await this.#client.read({
      sql: config.text,
      params: config.values ?? [],
      rows: rowForm,
      inTransaction: false,
      stack,
      ...(parsers === '' ? {} : { settings: parsers }),
      ask: async (sql, values, helpers) => {
        // The name of a prepared statement must only be used with its own SQL.
        const { name, ...unnamed } = config
        const query = sql === config.text ? { ...config, values } : { ...unnamed, text: sql, values }
        const result = await this.#statement(target, {}, query, stack)
        this.#remember(key, result, helpers)
        return result.rows
      },
    })
    const template = this.#templates.get(key)
    // The rows come from another process, and the columns are unknown.
    if (template === undefined) return this.#statement(target, {}, config, stack)
    return Object.assign(Object.create(Object.getPrototypeOf(template)), template, {
      rows,
      rowCount: rows.length,
    })
  }

  #remember(key: string, result: QueryResult, helpers: number): void {
    if (this.#templates.size >= MAX_TEMPLATES) this.#templates.clear()
    const fields = result.fields.slice(0, result.fields.length - helpers)
    this.#templates.set(
      key,
      Object.assign(Object.create(Object.getPrototypeOf(result)), result, { rows: [], fields }),
    )
  }

  /** A cursor or a stream, which the caller reads. */
  #submit(target: Queryable, connection: object, args: readonly unknown[], query: Submittable): unknown {
    const text = query.text ?? query.cursor?.text
    const { ready, end } = this.#client.stream(connection, { sql: text ?? UNREADABLE, params: [] })
    if (ready !== undefined) {
      ready.then(() => end(undefined, 0)).catch(() => {})
      throw new TypeError(
        'A cursor cannot write if other processes must be notified first. Send the statement with query().',
      )
    }
    let isOver = false
    const over = (error?: unknown) => {
      if (!isOver) void end(error, 0)
      isOver = true
    }
    const submitted = target.query(...args)
    query.once?.('error', over)
    for (const event of ['end', 'close']) query.once?.(event, () => over())
    return submitted
  }

  #parsersOf({ types }: QueryConfig): string | undefined {
    if (typeof types !== 'object' || types === null) return ''
    return this.options.parsersOf?.(types)
  }
}

interface Submittable {
  submit(connection: unknown): void
  readonly text?: string
  readonly cursor?: { readonly text?: string }
  once?(event: string, listener: Callback): unknown
}

function isSubmittable(query: unknown): query is Submittable {
  return typeof (query as Partial<Submittable> | null | undefined)?.submit === 'function'
}

/** The target with some methods replaced. Methods that return it return the stand-in. */
function standInFor<T extends Queryable>(target: T, methods: Readonly<Record<string, Query>>): T {
  const bound = new Map<unknown, Query>()
  const standIn: T = new Proxy(target, {
    get(_, name) {
      const own = typeof name === 'string' && Object.hasOwn(methods, name) ? methods[name] : undefined
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      let method = bound.get(value)
      if (method === undefined) {
        method = (...args) => {
          const result: unknown = value.apply(target, args)
          return result === target ? standIn : result
        }
        bound.set(value, method)
      }
      return method
    },
  })
  return standIn
}

function connectionOf(pool: PgPool | undefined): Connection | undefined {
  if (pool === undefined) return undefined
  const on =
    (target: Queryable): Connection['query'] =>
    async (sql, params = []) => {
      const { rows } = (await target.query({ text: sql, values: params })) as QueryResult
      return rows as readonly Readonly<Record<string, unknown>>[]
    }
  return {
    dialect: 'postgresql',
    query: on(pool),
    async session(work) {
      const client = (await pool.connect()) as Queryable & { release(isDiscarded: boolean): void }
      const session: Connection = {
        dialect: 'postgresql',
        query: on(client),
        session: (inner) => inner(session),
      }
      try {
        return await work(session)
      } finally {
        // Session state that the work left behind must not reach the app.
        client.release(true)
      }
    },
  }
}
