import { types } from 'node:util'
import type { ReplicaTarget } from '../../pipeline/read-routing.ts'
import type { Connection, PoolState } from '../../schema/connection.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { AdapterClient } from '../attach-client.ts'
import type { EqualitySelect } from '../equality-select.ts'
import type { PoolWaits } from '../pool-waits.ts'
import type { SentStatement } from '../sent-statement.ts'

/** A pool of a replica, with its location. */
export interface ReplicaPool extends Pick<ReplicaTarget, 'region' | 'zone'> {
  readonly client: object
}

/** A connection whose session the caller already has. */
export function sessionOf(dialect: Dialect, query: Connection['query']): Connection {
  const session: Connection = { dialect, query, session: (work) => work(session) }
  return session
}

/** Pools of a database's replicas, each of one server and configured like the pool of the primary. */
export interface PoolReplicas {
  /** `ReplicaOptions`, as the user passed them. */
  readonly options: object
  readonly pools: readonly ReplicaPool[]
}

/** The ORM above the driver of a pool. */
export interface PoolDescription {
  /** The name of the ORM above the driver. Default: the name of the driver. */
  readonly orm?: string
  /** `import.meta.url` of the adapter. Default: of this file. */
  readonly moduleUrl?: string
  /** Returns code in the ORM's syntax that runs a repeated select once, for an array `keys`. */
  fix?(select: EqualitySelect): string | undefined
  /** Pools of the database's replicas. Default: there are none. */
  readonly replicas?: PoolReplicas | undefined
  /** Identifies the options of the ORM that change its results. Default: there are none. */
  settings?(): string | undefined
  /**
   * Whether queries are sent by builders that users await: their call sites are known two microtasks later.
   * Default: `false`.
   */
  readonly isAwaited?: boolean
  /**
   * Whether the ORM writes values into the text of selects, which are then read as parameters. Default:
   * `false`.
   */
  readonly writesLiterals?: boolean
  /**
   * Identifies the type parsers of a query that has its own: `types` of `pg`, `typeCast` of `mysql2`.
   * `undefined`: the query is sent unchanged. Default: only queries without their own type parsers go through
   * Sluice.
   */
  parsersOf?(types: object): string | undefined
}

type Callback = (...args: unknown[]) => unknown

/**
 * Measures how long callers of a pool's method wait for a connection. Replaces the method on this one pool.
 *
 * @returns The function that restores it, unless it was replaced again meanwhile.
 */
export function timeRequests<TName extends string>(
  pool: Readonly<Record<TName, Callback>>,
  name: TName,
  state: () => PoolState | undefined,
  waits: PoolWaits,
): () => void {
  const methods = pool as Partial<Record<string, Callback>>
  const request: Callback = pool[name]
  const isOwn = Object.hasOwn(pool, name)
  let isWatching = true
  const timed = function (this: unknown, ...args: unknown[]): unknown {
    const before = isWatching ? state() : undefined
    const ended = before && waits.request(before)
    if (ended === undefined) return request.apply(this, args)
    const [callback, ...rest] = args
    if (typeof callback === 'function') {
      const wrapped: Callback = (...results) => {
        ended()
        return (callback as Callback)(...results)
      }
      return request.call(this, wrapped, ...rest)
    }
    const requested = request.apply(this, args)
    if (types.isPromise(requested)) requested.then(ended, ended)
    return requested
  }
  methods[name] = timed
  return () => {
    isWatching = false
    if (methods[name] !== timed) return
    if (isOwn) methods[name] = request
    else delete methods[name]
  }
}

/**
 * Begins a statement whose rows the app receives as events.
 *
 * @param kind - Its name, and another way to send a write, for the message.
 * @returns Reports its end. Only the first call counts.
 * @throws TypeError if it may be sent only later, which a stream cannot express.
 */
export function beginStream(
  client: AdapterClient,
  connection: object,
  sent: Pick<SentStatement<unknown>, 'sql' | 'params'>,
  kind: { readonly name: string; readonly instead: string },
): (error?: unknown) => void {
  const { ready, end } = client.stream(connection, sent)
  if (ready !== undefined) {
    ready.then(() => end(undefined, 0)).catch(() => {})
    throw new TypeError(
      `A ${kind.name} cannot write if other processes must be notified first. Send the statement with ${kind.instead}.`,
    )
  }
  let isOver = false
  return (error) => {
    if (!isOver) void end(error, 0)
    isOver = true
  }
}

/** Copies the columns of a result: a caller may change them, and drivers create them for each result. */
export function copyColumns(columns: readonly unknown[]): unknown[] {
  return columns.map(copyColumn)
}

/**
 * Copies the columns of a result whose caller may change them later. `mysql2` decodes some members when they
 * are first read, from bytes that all copies share.
 */
export function decodedColumns(columns: readonly unknown[]): unknown[] {
  const copies = copyColumns(columns)
  for (const copy of copies) {
    const members = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(copy ?? {}) ?? {})
    for (const [name, { get }] of Object.entries(members)) if (name !== '__proto__') get?.call(copy)
  }
  return copies
}

function copyColumn(column: unknown): unknown {
  if (typeof column !== 'object' || column === null) return column
  const copy = Object.create(Object.getPrototypeOf(column))
  const names = Object.keys(column)
  // Descriptors cost several times as much as assignments.
  if (Reflect.ownKeys(column).length > names.length || names.some((name) => name in copy))
    return Object.defineProperties(copy, Object.getOwnPropertyDescriptors(column))
  return Object.assign(copy, column)
}

/**
 * A stand-in for an object with some of its members replaced. Methods that return the object return the
 * stand-in. The object itself is not modified.
 */
export function standInFor<T extends object>(
  target: T,
  members: Readonly<Record<string, object | ((...args: unknown[]) => unknown)>>,
): T {
  const bound = new Map<unknown, (...args: unknown[]) => unknown>()
  const standIn: T = new Proxy(target, {
    get(_, name) {
      if (typeof name === 'string' && Object.hasOwn(members, name)) return members[name]
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
