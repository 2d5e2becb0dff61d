import type { Stack } from '../../pipeline/execution-group.ts'
import { registerOwnFrames } from '../../pipeline/frame-packages.ts'
import { lateStack } from '../../pipeline/origin-stacks.ts'
import type { TransactionReads } from '../../pipeline/transaction-reads.ts'
import { afterCaller, CallerWaits } from '../after-caller.ts'
import { type AdapterClient, attachClient } from '../attach-client.ts'
import { isInstrumented, markInstrumented } from '../instrumented-clients.ts'
import { ReplicaConnections } from '../replica-connections.ts'
import { isSending, sending } from '../sending.ts'
import type { SentStatement } from '../sent-statement.ts'
import { bindsDate, dateFormOf, valueMapperOf } from './pg-dates.ts'
import { type LazyPool, PgLazyClient } from './pg-lazy-client.ts'
import {
  isPgPool,
  pgConnection,
  pgPoolAccess,
  pgReplicaDriver,
  pgReplicaTargets,
  type ReplicaClient,
  timePgConnects,
} from './pg-pool.ts'
import {
  answerCallback,
  isPlain,
  isSubmittable,
  type PgQuery,
  pgQuery,
  type QueryConfig,
  type Submittable,
} from './pg-query.ts'
import { copyResult, type QueryResult } from './pg-result.ts'
import { PgTransactions } from './pg-transactions.ts'
import { PgTypeParsers } from './pg-type-parsers.ts'
import { beginStream, copyColumns, type PoolDescription, standInFor } from './pool.ts'

registerOwnFrames(import.meta.url, 'pg', 'pg-pool')

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

/** Represents the SQL of a cursor that does not expose it: it may write anything. */
const UNREADABLE = 'UNREADABLE CURSOR'

/** Maximum number of SQL strings whose result columns are stored. */
const MAX_TEMPLATES = 2000

/**
 * Returns a stand-in for a pool of `pg`, through which Sluice sees every statement. Reads of `pool.query` are
 * batched, prefetched and cached. Statements on a client of `pool.connect` are sent unchanged, because its
 * session belongs to the caller. The pool's own `connect` is replaced until `end`, to measure how long
 * callers wait; nothing else of the pool is modified. A pool that is already a stand-in is returned
 * unchanged.
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
  if (isInstrumented(pool, sluice)) return pool
  const { standIn, client } = new PoolStandIn(pool as unknown as PgPool, sluice, options)
  markInstrumented(standIn, sluice)
  clients.set(standIn, client)
  return standIn as unknown as TPool
}

/** By stand-in. */
const clients = new WeakMap<object, AdapterClient>()

/**
 * Returns a client that takes its connection of the pool with the first statement that is not certainly a
 * read. For ORMs that take a connection for each query, and never for a caller that asks for a connection
 * itself.
 *
 * @param pool - A stand-in that `sluicePool` has returned.
 * @returns `undefined` if reads do not go through Sluice, or the pool has only one connection.
 */
export function lazyPgClient(pool: object): PgLazyClient | undefined {
  const client = clients.get(pool)
  if (client === undefined || !client.isActive || client.order.isSingle) return undefined
  return new PgLazyClient(pool as LazyPool, (sql) => client.onlyReads(sql))
}

class PoolStandIn {
  readonly standIn: PgPool
  readonly client: AdapterClient
  /** One stand-in for each client, because code above the driver stores things by client. */
  readonly #clients = new WeakMap<object, Queryable>()
  /** Results without rows, by SQL string and row form. */
  readonly #templates = new Map<string, QueryResult>()
  readonly #restore: () => void
  readonly #replicas: ReplicaConnections<ReplicaClient> | undefined
  /** By client that a caller has taken from a pool of one: the function that ends the reservation. */
  readonly #reserved = new WeakMap<object, () => void>()
  /** The client that was in use last. */
  #used: WeakRef<Queryable> | undefined
  readonly #parsers: PgTypeParsers
  readonly #valueMapper: ReturnType<typeof valueMapperOf>
  readonly #transactions: PgTransactions
  readonly #callers = new CallerWaits((sql) => this.client.needsCaller(sql))

  constructor(
    private readonly pool: PgPool,
    sluice: object,
    private readonly options: PoolDescription,
  ) {
    const { orm = 'pg', moduleUrl = import.meta.url, fix, replicas } = options
    const pools = [pool, ...(replicas?.pools ?? []).map(({ client }) => client)]
    this.#parsers = new PgTypeParsers(options.parsersOf?.bind(options), () => this.#clientsOf(pools))
    this.#valueMapper = valueMapperOf(pool)
    const held = new WeakRef(pool)
    this.client = attachClient(sluice, {
      orm,
      dialect: 'postgresql',
      moduleUrl,
      connection: (closing) => pgConnection(held.deref(), closing),
      ...(fix === undefined ? {} : { fix: fix.bind(options) }),
      settings: (ownTypes) => this.#settings(ownTypes),
      ...(isPgPool(pool) ? { ...pgPoolAccess(pool), isSingle: () => pool.options.max === 1 } : {}),
      ...(replicas && { replicas: { options: replicas.options, targets: pgReplicaTargets(replicas) } }),
    })
    this.#transactions = new PgTransactions(this.client)
    this.#replicas = replicas && new ReplicaConnections(pgReplicaDriver(replicas))
    this.#restore = isPgPool(pool) ? timePgConnects(pool, this.client.waits) : () => {}
    const using: Callback = (client) => {
      if (this.#used?.deref() !== client) this.#used = new WeakRef(client as Queryable)
    }
    pool.on('acquire', using)
    this.standIn = standInFor(pool, {
      query: (...args) => this.#query(pool, {}, args, true),
      connect: (...args) => this.#connect(args),
      end: (...args) => {
        this.client.detach()
        this.#restore()
        pool.removeListener('acquire', using)
        return (pool.end as Query)(...args)
      },
    })
  }

  /** `undefined` until a connection was used, from which Sluice reads the type parsers of this process. */
  #settings(ownTypes: readonly number[]): string | undefined {
    const { settings } = this.options
    const own = settings === undefined ? '' : settings.call(this.options)
    const parsers = own === undefined ? undefined : this.#parsers.ofClients(ownTypes)
    return parsers === undefined ? undefined : `${own} ${parsers}`
  }

  /** The clients that a read can use, as far as the pools expose them. */
  *#clientsOf(pools: readonly object[]): Iterable<unknown> {
    let isExposed = false
    for (const { _clients: clients } of pools as readonly { readonly _clients?: unknown }[]) {
      if (!Array.isArray(clients)) continue
      isExposed = true
      yield* clients
    }
    if (!isExposed) yield this.#used?.deref()
  }

  /** Identifies how the driver converts the values and the rows of a query at this moment. */
  #conversionsOf(config: QueryConfig, params: readonly unknown[]): string | undefined {
    const parsers = isPlain(config) ? this.#parsers.ofQuery(config.types) : undefined
    if (parsers === undefined || !bindsDate(params)) return parsers
    return this.#valueMapper === undefined ? undefined : `${parsers} ${dateFormOf(this.#valueMapper)}`
  }

  #connect(args: readonly unknown[]): unknown {
    if (isSending()) return this.pool.connect(...args)
    const { isActive, order } = this.client
    const [callback, ...rest] = args
    if (isActive && order.isSingle) {
      const connected = this.#reserve()
      return typeof callback === 'function'
        ? answerCallback(connected, callback as Callback, (client) => [client, client.release])
        : connected
    }
    if (isActive) order.dispatch()
    if (typeof callback !== 'function')
      return (this.#take(...args) as Promise<Queryable>).then((client) => this.#clientOf(client))
    const wrapped: Callback = (error, client, ...others) =>
      callback(error, client === undefined ? client : this.#clientOf(client as Queryable), ...others)
    return this.#take(wrapped, ...rest)
  }

  #take(...args: unknown[]): unknown {
    return sending({ send: () => this.pool.connect(...args) })
  }

  /** Takes the only connection, in the order of the app's calls. */
  async #reserve(): Promise<Queryable> {
    // Queries begin as late.
    if (this.options.isAwaited === true) await afterCaller()
    const connect = async () => (await this.#take()) as Queryable
    const { value, leave } = await this.client.order.reserve(connect)
    this.#reserved.set(value, leave)
    return this.#clientOf(value)
  }

  #clientOf(client: Queryable): Queryable {
    const known = this.#clients.get(client)
    if (known !== undefined) return known
    const standIn = standInFor(client, {
      query: (...args) => this.#query(client, client, args, false),
      release: (...args) => {
        const released: unknown = (client.release as Query)(...args)
        this.#reserved.get(client)?.()
        this.#reserved.delete(client)
        return released
      },
    })
    this.#clients.set(client, standIn)
    return standIn
  }

  /** @param connection - Whose transaction the statement belongs to. */
  #query(target: Queryable, connection: object, args: readonly unknown[], isPooled: boolean): unknown {
    if (isSending()) return target.query(...args)
    const [first, second] = args
    const callback = args.at(-1)
    if (isSubmittable(first)) return this.#submit(target, connection, args, first)
    const query = typeof first === 'string' ? { text: first } : (first as QueryConfig | null)
    // Let `pg` reject invalid arguments itself.
    if (typeof query?.text !== 'string') return sending({ send: () => target.query(...args) })
    const values = Array.isArray(second) ? second : query.values
    const config: QueryConfig = values === undefined ? query : { ...query, values }
    const call = pgQuery(config, this.options.writesLiterals === true)
    const sent = this.#sent(target, connection, call, isPooled)
    return typeof callback === 'function'
      ? answerCallback(sent, callback as Callback, (result) => [result])
      : sent
  }

  /** Not an async function: it would cost each query three promises. */
  #sent(target: Queryable, connection: object, call: PgQuery, isPooled: boolean): Promise<QueryResult> {
    const send = () => this.#send(target, connection, call, isPooled)
    return this.options.isAwaited === true ? this.#callers.send(call.sql, send) : send()
  }

  #send(target: Queryable, connection: object, call: PgQuery, isPooled: boolean): Promise<QueryResult> {
    const { isActive, order } = this.client
    const unchanged = () => this.#statement(target, connection, call)
    if (!isPooled) return this.#onClient(target, call, unchanged)
    if (!isActive) return unchanged()
    return this.client.onlyReads(call.sql)
      ? order.read(() => this.#read(target, call), unchanged)
      : order.run(unchanged)
  }

  /** Sends a statement on a client that the caller has taken, or serves a read of its transaction. */
  #onClient(client: Queryable, call: PgQuery, unchanged: () => Promise<QueryResult>): Promise<QueryResult> {
    const { config, sql, params } = call
    const control = this.client.plans.of(sql).analyzed.statement.transaction
    if (control !== undefined) {
      const isUnnamed = isPlain(config) && config.name === undefined && params.length === 0
      const form = { send: unchanged, resultOf: same, answerOf: same }
      return isUnnamed ? this.#transactions.control(client, sql, control, form) : unchanged()
    }
    const reads = this.client.readsOf(client)
    if (reads === undefined) return unchanged()
    // All traffic can be in transactions.
    if (this.client.isActive) void this.client.readCatalog()
    return reads.isClean && this.client.onlyReads(sql) && this.#transactions.follow(client)
      ? this.#read(client, call, reads)
      : reads.follow(unchanged)
  }

  #statement(
    target: Queryable,
    connection: object,
    { config, sql, params }: PgQuery,
    stack?: () => Stack,
  ): Promise<QueryResult> {
    const sent: SentStatement<Promise<QueryResult>> = {
      sql,
      params,
      send: () => {
        const send = () => target.query(config) as Promise<QueryResult>
        return connection === target ? this.#transactions.send(target, send) : send()
      },
      rows: (result) => (Array.isArray(result.rows) ? result.rows.length : 0),
      isRolledBack: ({ command }) => command === 'ROLLBACK',
      rollBack: () => target.query('ROLLBACK') as Promise<unknown>,
      // Reads of a client that a caller has taken know of its transaction.
      isKnown: connection === target,
    }
    // Only statements of reads come with a stack.
    return this.client.statement(connection, stack === undefined ? sent : { ...sent, stack, isRouted: true })
  }

  /** @param reads - Those of the transaction of `target`. */
  async #read(target: Queryable, call: PgQuery, reads?: TransactionReads): Promise<QueryResult> {
    const { config, sql: text, params, literalsFrom } = call
    const stack = lateStack(config.text)
    const rowForm = config.rowMode === 'array' ? 'arrays' : 'objects'
    const connection = reads === undefined ? {} : target
    // How values are converted, if Sluice may optimize the read, and the result of the read itself.
    const known: { conversions?: string | undefined; result?: QueryResult } = {}
    const keyNow = () => this.#templateKey(rowForm, known.conversions, text)
    const rows = await this.client.read({
      sql: text,
      params,
      literalsFrom,
      rows: rowForm,
      inTransaction: reads !== undefined,
      transactionReads: reads,
      stack,
      settings: () => {
        known.conversions = this.#conversionsOf(config, params)
        // If its columns were unknown, they would be queried after later statements of the transaction.
        const isComplete = reads === undefined || this.#templates.has(keyNow() ?? '')
        return isComplete ? known.conversions : undefined
      },
      settingsNow: () => this.#conversionsOf(config, params),
      send: async (sql, values, helpers, replica) => {
        // The name of a prepared statement must only be used with its own SQL.
        const { name, ...unnamed } = config
        const key = keyNow()
        const hasLiterals = literalsFrom !== undefined
        const isOwn = sql === text && (values === params || !hasLiterals)
        const sent = isOwn && hasLiterals ? config : { ...(isOwn ? config : unnamed), text: sql, values }
        const query: PgQuery = { config: sent, sql, params: values, literalsFrom }
        const result =
          replica === undefined || this.#replicas === undefined
            ? await this.#statement(target, connection, query, stack)
            : await this.#replicas.use(replica, (client) => this.#statement(client, client, query, stack))
        if (values === params) known.result = result
        if (key !== undefined) this.#remember(key, result, helpers, config.types !== undefined)
        return result.rows
      },
    })
    if (known.result?.rows === rows) return known.result
    const key = keyNow()
    const template = key === undefined ? undefined : this.#templates.get(key)
    if (template === undefined) {
      // The rows come from another process, and the columns are unknown.
      const result = await this.#statement(target, connection, call, stack)
      if (key !== undefined) this.#remember(key, result, 0, config.types !== undefined)
      return result
    }
    return copyResult(template, { rows, rowCount: rows.length, fields: copyColumns(template.fields) })
  }

  /** The key of a template; `undefined` while the schema is unknown. */
  #templateKey(form: string, conversions: string | undefined, text: string): string | undefined {
    const { schemaFingerprint } = this.client
    if (conversions === undefined || schemaFingerprint === '') return undefined
    // Statements that differ only in random aliases have the same columns.
    return `${form} ${conversions} ${schemaFingerprint} ${this.client.plans.of(text).sql}`
  }

  #remember(key: string, result: QueryResult, helpers: number, hasOwnTypes: boolean): void {
    if (this.#templates.size >= MAX_TEMPLATES) this.#templates.clear()
    // Those of a query are not those of its client.
    this.#parsers.add(result.fields, hasOwnTypes ? [] : result._parsers)
    const fields = copyColumns(result.fields.slice(0, result.fields.length - helpers))
    this.#templates.set(key, copyResult(result, { rows: [], fields }))
  }

  /** A cursor or a stream, which the caller reads. */
  #submit(target: Queryable, connection: object, args: readonly unknown[], query: Submittable): unknown {
    if (connection !== target) this.client.order.dispatch()
    const text = query.text ?? query.cursor?.text
    const kind = { name: 'cursor', instead: 'query()' }
    const over = beginStream(this.client, connection, { sql: text ?? UNREADABLE, params: [] }, kind)
    const submitted = sending({ send: () => target.query(...args) })
    query.once?.('error', over)
    for (const event of ['end', 'close']) query.once?.(event, () => over())
    return submitted
  }
}

const same = (result: QueryResult) => result
