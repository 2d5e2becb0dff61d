import type { AdapterClient } from '../attach-client.ts'
import {
  type Mysql2Call,
  type Mysql2Form,
  type Mysql2Object,
  readMysql2Call,
  send,
  toCallback,
  withoutCallback,
} from './mysql2-call.ts'
import { standInFor } from './pool.ts'

type Method = (...args: unknown[]) => unknown

/** Where a call of `query` or `execute` is sent. */
export interface Mysql2Place {
  readonly target: Mysql2Object
  readonly form: Mysql2Form
  /** The connection whose session the call uses; `undefined`: any connection of the pool. */
  readonly connection: object | undefined
  /** The object that runs other statements in the same session. Default: the target. */
  readonly owner?: Mysql2Object
}

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
    const sending =
      (sql: string): Method =>
      (...args) =>
        query(sql, ...args)
    return {
      query,
      execute,
      beginTransaction: sending('START TRANSACTION'),
      commit: sending('COMMIT'),
      rollback: sending('ROLLBACK'),
      reset: (...args) => this.#endSession(place, 'reset', args),
      changeUser: (...args) => this.#endSession(place, 'changeUser', args),
      release: () => this.#left(place, this.#release(place)),
      destroy: (...args) => this.#left(place, (place.target.destroy as Method)(...args)),
      prepare: (...args) => this.#prepare(place, args),
    }
  }

  /** Calls a method that rolls back an open transaction. */
  #endSession({ target, form, connection }: Mysql2Place, name: string, args: readonly unknown[]): unknown {
    const [own, callback] = withoutCallback(args)
    if (connection === undefined || !this.client.isOpen(connection)) return (target[name] as Method)(...args)
    const sent = this.client.control(
      connection,
      { kind: 'rollback' },
      { send: () => send(target, form, name, own) },
    )
    if (form === 'promises') return sent
    return toCallback(sent, callback ?? (() => {}))
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
