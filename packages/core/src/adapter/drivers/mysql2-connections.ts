import { type AdapterClient, attachClient } from '../attach-client.ts'
import { sending } from '../sending.ts'
import {
  type Callback,
  type Mysql2Call,
  type Mysql2Object,
  readMysql2Call,
  send,
  withoutCallback,
} from './mysql2-call.ts'
import type { Mysql2Place } from './mysql2-command.ts'
import { Mysql2Statements } from './mysql2-statements.ts'
import { type PoolDescription, standInFor } from './pool.ts'

type Method = (...args: unknown[]) => unknown

type Run = (place: Mysql2Place, call: Mysql2Call) => unknown

/** The members `query` and `execute` of a stand-in. */
export function running(run: Run, place: Mysql2Place): Readonly<Record<'query' | 'execute', Method>> {
  const method =
    (name: 'query' | 'execute'): Method =>
    (...args) => {
      const call = readMysql2Call(name, args)
      // Let `mysql2` reject invalid arguments itself.
      return call === undefined ? (place.target[name] as Method)(...args) : run(place, call)
    }
  return { query: method('query'), execute: method('execute') }
}

/** A client that is only observed. */
export interface MysqlConnections {
  /** Returns the stand-in for a connection with callbacks, of `mysql2` or `mysql`. */
  connectionOf(connection: object): object
  /** Returns what sends the statements of a pool, or of a cluster of pools, unchanged. */
  poolOf(pool: object): Readonly<Record<'query' | 'execute', Method>>
  detach(): void
}

/** Observes connections and pools with callbacks, of `mysql2` or `mysql`. */
export function sluiceMysqlConnections(
  sluice: object,
  { orm = 'mysql2', moduleUrl = import.meta.url, fix }: PoolDescription = {},
): MysqlConnections {
  // An app that has only connections has none for statements of Sluice itself.
  const client = attachClient(sluice, {
    orm,
    dialect: 'mysql',
    moduleUrl,
    connection: () => undefined,
    ...(fix && { fix }),
    isClosed: (connection) => (connection as Mysql2Object)._closing === true,
  })
  const statements = new Mysql2Statements(client)
  const run: Run = (place, call) => statements.run(place, call)
  const connections = new Mysql2Connections(client, run)
  return {
    poolOf: (pool) =>
      running(run, { target: pool as Mysql2Object, form: 'callbacks', connection: undefined }),
    connectionOf: (connection) => connections.withCallbacks(connection as Mysql2Object),
    detach: () => client.detach(),
  }
}

interface Bare {
  readonly connection: object
  statementOf(statement: Mysql2Object): object
}

const bare = new WeakMap<object, Bare>()

/** The connection itself, for a stand-in. */
export function bareMysql2Connection(standIn: object): object {
  return bare.get(standIn)?.connection ?? standIn
}

/** Returns the stand-in for a statement that a connection has prepared. */
export function mysql2StatementOf(connectionStandIn: object, statement: object): object {
  return bare.get(connectionStandIn)?.statementOf(statement as Mysql2Object) ?? statement
}

/**
 * Stand-ins for the connections of a pool, with promises or callbacks. Both forms of a connection share its
 * session, which is identified by the connection with callbacks.
 */
export class Mysql2Connections {
  /** By connection with callbacks that a caller has taken from a pool of one: ends the reservation. */
  readonly reserved: WeakMap<object, () => void> = new WeakMap()
  readonly #standIns = new WeakMap<object, Mysql2Object>()

  constructor(
    private readonly client: AdapterClient,
    private readonly run: Run,
  ) {}

  /** For a connection with callbacks. */
  withCallbacks(connection: Mysql2Object): Mysql2Object {
    const known = this.#standIns.get(connection)
    if (known !== undefined) return known
    const place: Mysql2Place = { target: connection, form: 'callbacks', connection }
    const standIn = standInFor(connection, {
      ...this.#members(place),
      promise: (...args: unknown[]) =>
        this.withPromises((connection.promise as Method)(...args) as Mysql2Object),
    })
    this.#standIns.set(connection, standIn)
    const statementOf = (statement: Mysql2Object) =>
      this.#statement(place, statement, String(statement.query))
    bare.set(standIn, { connection, statementOf })
    return standIn
  }

  /** For a connection with promises. */
  withPromises(target: Mysql2Object): Mysql2Object {
    const connection = target.connection as Mysql2Object
    return standInFor(target, {
      ...this.#members({ target, form: 'promises', connection }),
      connection: this.withCallbacks(connection),
    })
  }

  #members(place: Mysql2Place): Readonly<Record<string, Method>> {
    const { query, execute } = running(this.run, place)
    // The driver's own methods would send them unseen.
    const querying =
      (sql: string): Method =>
      (...args) =>
        query(sql, ...args)
    return {
      query,
      execute,
      beginTransaction: querying('START TRANSACTION'),
      commit: querying('COMMIT'),
      rollback: querying('ROLLBACK'),
      reset: (...args) => this.#endSession(place, 'reset', args),
      changeUser: (...args) => this.#endSession(place, 'changeUser', args),
      release: () => this.#left(place, this.#release(place)),
      destroy: (...args) => this.#left(place, (place.target.destroy as Method)(...args)),
      prepare: (...args) => this.#prepare(place, args),
    }
  }

  /** Calls a method that rolls back an open transaction. */
  #endSession({ target, form, connection }: Mysql2Place, name: string, args: readonly unknown[]): unknown {
    const [own, callback = () => {}] = withoutCallback(args)
    const call = (...all: unknown[]) => sending({ send: () => (target[name] as Callback)(...all) })
    if (connection === undefined || !this.client.isOpen(connection)) return call(...args)
    const rollback = { kind: 'rollback' } as const
    if (form === 'promises')
      return this.client.control(connection, rollback, { send: () => call(...own) as Promise<unknown> })
    let returned: unknown
    let results: readonly unknown[] = []
    const sent = this.client.control(connection, rollback, {
      send: () =>
        new Promise<void>((resolve, reject) => {
          returned = call(...own, (...all: unknown[]) => {
            results = all
            if (all[0]) reject(all[0])
            else resolve()
          })
        }),
    })
    const answer = () => process.nextTick(callback, ...results)
    sent.then(answer, answer)
    return returned
  }

  #release({ target, connection }: Mysql2Place): unknown {
    const { _pool: pool } = (connection ?? {}) as {
      readonly _pool?: { readonly config?: { readonly resetOnRelease?: unknown } }
    }
    const release = () => (target.release as Method)()
    if (connection === undefined || pool?.config?.resetOnRelease !== true || !this.client.isOpen(connection))
      return release()
    const sent = this.client.control(
      connection,
      { kind: 'rollback' },
      { send: () => Promise.resolve(release()) },
    )
    sent.catch(() => {})
    return undefined
  }

  #left<T>({ connection = {} }: Mysql2Place, released: T): T {
    this.reserved.get(connection)?.()
    this.reserved.delete(connection)
    return released
  }

  #prepare(place: Mysql2Place, args: readonly unknown[]): unknown {
    const { target, form } = place
    const [own, callback] = withoutCallback(args)
    const [first] = own
    const sql = typeof first === 'string' ? first : (first as { readonly sql?: unknown } | undefined)?.sql
    const standIn = (statement: Mysql2Object) => this.#statement(place, statement, String(sql))
    if (form === 'promises')
      return (send(target, form, 'prepare', args) as Promise<Mysql2Object>).then(standIn)
    return (target.prepare as Method)(...own, (error: unknown, statement: Mysql2Object | undefined) =>
      callback?.(error, statement && standIn(statement)),
    )
  }

  #statement(place: Mysql2Place, statement: Mysql2Object, sql: string): Mysql2Object {
    return standInFor(statement, {
      execute: (...args: unknown[]) => {
        const [own, callback] = withoutCallback(args)
        const [values] = own
        const params = Array.isArray(values) ? values : []
        return this.run(
          { ...place, target: statement, owner: place.target },
          { method: 'execute', sql, params, args: own, options: {}, callback },
        )
      },
    })
  }
}
