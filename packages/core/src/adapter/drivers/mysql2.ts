import { addCallers } from '../../pipeline/error-stack.ts'
import { registerOwnFrames } from '../../pipeline/frame-packages.ts'
import { lateStack } from '../../pipeline/origin-stacks.ts'
import type { Connection } from '../../schema/connection.ts'
import { afterCaller, CallerWaits } from '../after-caller.ts'
import { type AdapterClient, attachClient } from '../attach-client.ts'
import { isInstrumented, markInstrumented } from '../instrumented-clients.ts'
import { takeUntil } from '../own-connections.ts'
import { type ReadForm, readForm } from '../read-form.ts'
import { ReplicaConnections } from '../replica-connections.ts'
import type { SqlRow } from '../select/outputs.ts'
import { sending } from '../sending.ts'
import {
  type Mysql2Answer,
  type Mysql2Call,
  type Mysql2Form,
  type Mysql2Object,
  send,
} from './mysql2-call.ts'
import type { Mysql2Place } from './mysql2-command.ts'
import { Mysql2Connections, running } from './mysql2-connections.ts'
import {
  coreOf,
  defaultsOf,
  isCorePool,
  mysql2PoolState,
  mysql2Query,
  mysql2ReplicaDriver,
  mysql2ReplicaTargets,
  timeMysql2Requests,
} from './mysql2-core.ts'
import { Mysql2LazyConnection } from './mysql2-lazy-connection.ts'
import { Mysql2Conversions, mysql2Settings, optionsOfPool } from './mysql2-settings.ts'
import { Mysql2Statements } from './mysql2-statements.ts'
import { copyColumns, decodedColumns, type PoolDescription, sessionOf, standInFor } from './pool.ts'

registerOwnFrames(import.meta.url, 'mysql2')

type Method = (...args: unknown[]) => unknown

/** Options of a read that goes through Sluice. Any other can change its result, or how it is sent. */
const READ_OPTIONS: ReadonlySet<string> = new Set(['rowsAsArray', 'typeCast'])

/** Maximum number of SQL strings whose result columns are stored. Each refers to the packet it came in. */
const MAX_FIELDS = 500

/** Whether an object is a pool of `mysql2`, with promises or callbacks. */
export function isMysql2Pool(client: object | undefined): boolean {
  return client !== undefined && isCorePool(coreOf(client as Mysql2Object))
}

/**
 * Returns a stand-in for a pool of `mysql2`, with promises or callbacks, through which Sluice sees every
 * statement. Reads of `pool.query` are batched, prefetched and cached. Prepared statements (`execute`),
 * streams, and statements on a connection of `pool.getConnection` are sent unchanged. The pool's own
 * `getConnection` is replaced until `end`, to measure how long callers wait; nothing else of the pool is
 * modified. A pool that is already a stand-in is returned unchanged.
 *
 * The listeners of the pool's events receive connections without Sluice.
 *
 * @throws InvalidArgumentError if `sluice` is not a Sluice.
 * @example
 * ```ts
 * const pool = sluiceMysql2Pool(mysql.createPool({ uri }), createSluice({ mode: 'optimize' }))
 * const [rows] = await pool.query('SELECT * FROM city WHERE id = ?', [7])
 * ```
 */
export function sluiceMysql2Pool<TPool extends object>(
  pool: TPool,
  sluice: object,
  options: PoolDescription = {},
): TPool {
  if (isInstrumented(pool, sluice)) return pool
  const created = new PoolStandIn(pool as unknown as Mysql2Object, sluice, options)
  markInstrumented(created.standIn, sluice)
  pools.set(created.standIn, created)
  return created.standIn as TPool
}

/** By stand-in. */
const pools = new WeakMap<object, PoolStandIn>()

/** Returns the stand-in for a connection with callbacks that the pool of a stand-in has created. */
export function mysql2ConnectionOf(poolStandIn: object, connection: object): object {
  return pools.get(poolStandIn)?.connections.withCallbacks(connection as Mysql2Object) ?? connection
}

/**
 * Returns a connection that is taken with the first statement that is not certainly a read. For ORMs that
 * take a connection for each query, and never for a caller that asks for a connection itself.
 *
 * @param pool - A stand-in that `sluiceMysql2Pool` has returned.
 * @param take - Takes a connection with callbacks, through which Sluice sees the statements.
 * @returns `undefined` if reads do not go through Sluice, or the pool has only one connection.
 */
export function lazyMysql2Connection(
  pool: object,
  take: () => Promise<object>,
  release: (connection: object) => void,
): Mysql2LazyConnection | undefined {
  return pools.get(pool)?.lazyConnection(take, release)
}

class PoolStandIn {
  readonly standIn: object
  /** The pool with callbacks. */
  readonly #core: Mysql2Object
  readonly #formOf: (form: Mysql2Form) => Mysql2Object
  readonly #client: AdapterClient
  readonly #callers = new CallerWaits((sql) => this.#client.needsCaller(sql))
  readonly connections: Mysql2Connections
  readonly #statements: Mysql2Statements
  /** Result columns, by SQL string and row form. */
  readonly #fields = new Map<string, readonly unknown[]>()
  readonly #conversions: Mysql2Conversions
  /** The options, as other processes can compare them. */
  #named: { readonly version: string; readonly text: string | undefined } | undefined
  readonly #restore: () => void
  readonly #replicas: ReplicaConnections<Mysql2Object> | undefined

  constructor(
    pool: Mysql2Object,
    sluice: object,
    private readonly options: PoolDescription,
  ) {
    const { orm = 'mysql2', moduleUrl = import.meta.url, fix, replicas } = options
    const core = coreOf(pool)
    this.#core = core
    const held = new WeakRef(core)
    const state = mysql2PoolState(core)
    this.#conversions = new Mysql2Conversions(() => optionsOfPool(defaultsOf(core), core._allConnections))
    this.#client = attachClient(sluice, {
      orm,
      dialect: 'mysql',
      moduleUrl,
      connection: (closing) => connectionOf(held.deref(), closing),
      ...(fix === undefined ? {} : { fix: fix.bind(options) }),
      ...(state === undefined ? {} : { pool: state, isSingle: () => state()?.max === 1 }),
      isClosed: (connection) => (connection as Mysql2Object)._closing === true,
      settings: () => this.#settings(),
      ...(replicas && { replicas: { options: replicas.options, targets: mysql2ReplicaTargets(replicas) } }),
    })
    this.#replicas = replicas && new ReplicaConnections(mysql2ReplicaDriver(replicas))
    this.#restore = timeMysql2Requests(core, this.#client.waits)
    this.#statements = new Mysql2Statements(this.#client, (place, call) => this.#sent(place, call))
    const run = (place: Mysql2Place, call: Mysql2Call) => this.#statements.run(place, call)
    this.connections = new Mysql2Connections(this.#client, run)
    const withCallbacks = standInFor(core, {
      ...running(run, { target: core, form: 'callbacks', connection: undefined }),
      getConnection: (callback: unknown) => this.#getConnection(callback as Method),
      // It must not get a stand-in into the pool.
      releaseConnection: (connection: unknown) => (connection as { release(): unknown }).release(),
      promise: (...args: unknown[]) => withPromises((core.promise as Method)(...args) as Mysql2Object),
      end: (...args: unknown[]) => this.#end(core, args),
    })
    const withPromises = (target: Mysql2Object): Mysql2Object =>
      standInFor(target, {
        ...running(run, { target, form: 'promises', connection: undefined }),
        getConnection: () =>
          this.#reserve(
            async () => (await (target.getConnection as Method)()) as Mysql2Object,
            (connection) => this.connections.withPromises(connection),
          ),
        pool: withCallbacks,
        end: (...args: unknown[]) => this.#end(target, args),
      })
    this.standIn = core === pool ? withCallbacks : withPromises(pool)
    let promised = core === pool ? undefined : (this.standIn as Mysql2Object)
    this.#formOf = (form) => {
      if (form === 'callbacks') return withCallbacks
      promised ??= withPromises((core.promise as Method)() as Mysql2Object)
      return promised
    }
  }

  lazyConnection(
    take: () => Promise<object>,
    release: (connection: object) => void,
  ): Mysql2LazyConnection | undefined {
    const { isActive, order } = this.#client
    if (!isActive || order.isSingle) return undefined
    return new Mysql2LazyConnection(this.#formOf, take, release, (sql) => this.#client.onlyReads(sql))
  }

  #settings(): string | undefined {
    const { settings } = this.options
    const version = this.#conversions.current()
    if (version === undefined) return undefined
    // The options are read again only if one has changed.
    if (this.#named?.version !== version)
      this.#named = { version, text: mysql2Settings(defaultsOf(this.#core)) }
    const ofPool = this.#named.text
    const own = settings === undefined ? '' : settings.call(this.options)
    return own === undefined || ofPool === undefined ? undefined : `${own} ${ofPool}`
  }

  #getConnection(callback: Method): unknown {
    const { isActive, order } = this.#client
    if (!isActive || !order.isSingle) {
      if (isActive) order.dispatch()
      const taken: Method = (error, connection) =>
        callback(error, connection && this.connections.withCallbacks(connection as Mysql2Object))
      return sending({ send: () => (this.#core.getConnection as Method)(taken) })
    }
    this.#reserve(
      () => send(this.#core, 'callbacks', 'getConnection', []).then((got) => (got as [Mysql2Object])[0]),
      (connection) => this.connections.withCallbacks(connection),
    ).then(
      (connection) => process.nextTick(callback, null, connection),
      (error: unknown) => process.nextTick(callback, error),
    )
    return undefined
  }

  async #reserve(
    connect: () => Promise<Mysql2Object>,
    standInOf: (connection: Mysql2Object) => Mysql2Object,
  ): Promise<Mysql2Object> {
    const { isActive, order } = this.#client
    if (!isActive || !order.isSingle) {
      if (isActive) order.dispatch()
      return standInOf(await connect())
    }
    // Queries begin as late.
    if (this.options.isAwaited === true) await afterCaller()
    const { value, leave } = await order.reserve(connect)
    this.connections.reserved.set((value.connection as object | undefined) ?? value, leave)
    return standInOf(value)
  }

  #end(target: Mysql2Object, args: readonly unknown[]): unknown {
    this.#client.detach()
    this.#restore()
    return (target.end as Method)(...args)
  }

  #sent(place: Mysql2Place, call: Mysql2Call): Promise<Mysql2Answer> {
    const send = () => this.#send(place, call)
    return this.options.isAwaited === true ? this.#callers.send(call.sql, send) : send()
  }

  #send(place: Mysql2Place, call: Mysql2Call): Promise<Mysql2Answer> {
    // Values that are not an array belong to named placeholders.
    const { isActive, order } = this.#client
    const unchanged = () => this.#statements.statement(place, call)
    if (place.connection !== undefined || !isActive) return unchanged()
    const { sql, params } = call
    if (params === undefined || !this.#client.onlyReads(sql)) return order.run(unchanged)
    const form = readForm('mysql', sql, params, this.options.writesLiterals === true)
    return order.read(() => this.#read(place, call, form), unchanged)
  }

  async #read(place: Mysql2Place, call: Mysql2Call, form: ReadForm): Promise<Mysql2Answer> {
    const stack = lateStack(call.sql)
    // For a promise, the driver captures the stack of the call: from here, that of a batch.
    if (place.form === 'promises') stack()
    const { options } = call
    const { sql: text, params, literalsFrom } = form
    const own = literalsFrom === undefined ? call : { ...call, sql: text, params }
    const { rowsAsArray } = 'rowsAsArray' in options ? options : defaultsOf(this.#core)
    const rowForm = rowsAsArray ? 'arrays' : 'objects'
    // How values are converted, if Sluice may optimize the read, and the answer to the read itself.
    const known: { conversions?: string | undefined; answer?: Mysql2Answer } = {}
    const keyNow = () => this.#columnsKey(rowForm, known.conversions, text)
    const rows = await this.#client
      .read({
        sql: text,
        params,
        literalsFrom,
        rows: rowForm,
        inTransaction: false,
        stack,
        settings: () => {
          known.conversions = this.#conversionsOf(call)
          return known.conversions
        },
        settingsNow: () => this.#conversionsOf(call),
        send: async (sql, values, helpers, replica) => {
          const isOwn = sql === text && values === params
          const key = keyNow()
          const unsent = { ...call, send: undefined }
          const sent = isOwn ? own : { ...unsent, sql, params: values, args: [{ ...options, sql, values }] }
          const on = (target: Mysql2Object) =>
            this.#statements.statement(
              { target, form: 'callbacks', connection: target },
              { ...sent, send: undefined },
              stack,
            )
          const answer =
            replica === undefined || this.#replicas === undefined
              ? await this.#statements.statement(place, sent, stack)
              : await this.#replicas.use(replica, on)
          const [found, fields] = answer
          if (isOwn) known.answer = answer
          if (key !== undefined) this.#remember(key, fields, helpers)
          return found as readonly SqlRow[]
        },
      })
      .catch((error: unknown) => {
        if (place.form === 'promises') addCallers(error, stack().stack)
        throw error
      })
    if (known.answer?.[0] === rows) return known.answer
    const key = keyNow()
    const fields = key === undefined ? undefined : this.#fields.get(key)
    if (fields !== undefined) return [rows, copyColumns(fields)]
    // The rows come from another process, and the columns are unknown.
    const answer = await this.#statements.statement(place, own, stack)
    if (key !== undefined) this.#remember(key, answer[1], 0)
    return answer
  }

  /** The key of a statement's columns; `undefined` while the schema is unknown. */
  #columnsKey(form: string, conversions: string | undefined, text: string): string | undefined {
    const { schemaFingerprint } = this.#client
    if (conversions === undefined || schemaFingerprint === '') return undefined
    return `${form} ${conversions} ${schemaFingerprint} ${text}`
  }

  #remember(key: string, fields: unknown, helpers: number): void {
    if (!Array.isArray(fields)) return
    if (this.#fields.size >= MAX_FIELDS) this.#fields.clear()
    this.#fields.set(key, decodedColumns(fields.slice(0, fields.length - helpers)))
  }

  /** Identifies how the driver converts the values and the rows of a call at this moment. */
  #conversionsOf(call: Mysql2Call): string | undefined {
    const parsers = isPlain(call) ? this.#parsersOf(call.options) : undefined
    const ofPool = parsers === undefined ? undefined : this.#conversions.current()
    return ofPool === undefined ? undefined : `${parsers}${ofPool}`
  }

  #parsersOf({ typeCast }: Mysql2Call['options']): string | undefined {
    if (typeCast === undefined || typeCast === true) return ''
    return typeof typeCast === 'function' ? this.options.parsersOf?.(typeCast) : undefined
  }
}

function isPlain({ method, options }: Mysql2Call): boolean {
  // A batched query has a varying number of keys, and each number would be another prepared statement.
  return method !== 'execute' && Object.keys(options).every((name) => READ_OPTIONS.has(name))
}

function connectionOf(pool: Mysql2Object | undefined, closing?: AbortSignal): Connection | undefined {
  if (pool === undefined || pool._closed === true) return undefined
  const release = (taken: unknown) => ((taken as [Mysql2Object])[0].release as Method)()
  const take = async (): Promise<Mysql2Object> => {
    const requested = send(pool, 'callbacks', 'getConnection', [])
    const [connection] = (await takeUntil(closing, requested, release)) as [Mysql2Object]
    return connection
  }
  return {
    dialect: 'mysql',
    async query(sql, params) {
      const connection = await take()
      try {
        return await mysql2Query(connection)(sql, params)
      } finally {
        ;(connection.release as Method)()
      }
    },
    async session(work) {
      const connection = await take()
      try {
        return await work(sessionOf('mysql', mysql2Query(connection)))
      } finally {
        // Session state that the work left behind must not reach the app.
        ;(connection.destroy as Method)()
      }
    },
  }
}
