import type { Sluice } from '@sluice/core'
import { isSending, sending, sluicePool } from '@sluice/core/adapter'
import type { Orm } from './callers.ts'
import { type DriverAttachment, DriverClient } from './driver-clients.ts'
import { drizzleClient } from './drizzle.ts'
import { driverDescription } from './orms/driver-description.ts'

type Method = (...args: unknown[]) => unknown

export interface PgPool {
  readonly totalCount?: number
  query: Method
  connect: Method
  end: Method
}

type PgCalls = Pick<PgPool, 'query' | 'connect'>

export interface PgClient {
  query: Method
  readonly host?: unknown
  readonly port?: unknown
  readonly database?: unknown
  readonly user?: unknown
}

const pools = new WeakMap<PgPool, PoolSeam>()

/**
 * Returns what receives the call of a pool that is made now.
 *
 * @param original - The methods of a pool without Sluice.
 */
export function poolNow(pool: PgPool, original: PgPool): PgCalls {
  let seam = pools.get(pool)
  if (seam === undefined) {
    seam = new PoolSeam(pool, original)
    pools.set(pool, seam)
  }
  return (isSending() ? undefined : seam.client.standInNow()) ?? seam.unseen
}

/** The stand-in for a pool that an ORM uses. */
export function poolStandIn(pool: PgPool, orm: Orm): object | undefined {
  return pools.get(pool)?.client.standInFor(orm)
}

/** The app ends a pool. */
export function releasePool(pool: PgPool): void {
  pools.get(pool)?.client.attachment?.release()
}

class PoolSeam {
  readonly client: DriverClient<PgPool>
  /** The pool without Sluice. */
  readonly unseen: PgCalls

  constructor(pool: PgPool, original: PgPool) {
    const connect: Method = (...args) => original.connect.apply(pool, args)
    this.unseen = { query: unseenQuery(pool, original, connect), connect }
    this.client = new DriverClient('pg.Pool', (sluice, orm) => {
      // The stand-in replaces `connect`, which the app must not notice.
      const members: Record<string, unknown> = {
        connect,
        query: unseenQuery(pool, original, (...args) => (members.connect as Method)(...args)),
        // The stand-in is released before the pool itself ends.
        end: () => {},
      }
      const view = viewOf(pool, members)
      const standIn =
        orm === 'Drizzle'
          ? drizzleClient(view, sluice)
          : sluicePool(view, sluice, driverDescription('pg', orm))
      return { standIn, release: () => void standIn.end() }
    })
  }
}

/** The method `query` of a pool, whose clients do not see its statements again. */
function unseenQuery(pool: PgPool, { query }: PgPool, connect: Method): Method {
  const connectUnseen: Method = (callback, ...rest) =>
    connect((...results: unknown[]) => sending({ send: () => (callback as Method)(...results) }), ...rest)
  const view = viewOf(pool, { connect: connectUnseen })
  return (...args) => query.apply(view, args)
}

/** A pool with other members, which can be replaced without a change to the pool. */
export function viewOf(pool: PgPool, members: Record<string, unknown>): PgPool {
  const has = (name: PropertyKey): name is string => typeof name === 'string' && Object.hasOwn(members, name)
  return new Proxy(pool, {
    get(_, name) {
      if (has(name)) return members[name]
      const value: unknown = Reflect.get(pool, name)
      return typeof value === 'function' ? value.bind(pool) : value
    },
    set(_, name, value) {
      return Reflect.set(has(name) ? members : pool, name, value)
    },
  })
}

type StandInOf = (client: PgClient) => PgClient

/** By database: the clients that no pool has created. */
const databases = new Map<string, DriverClient<StandInOf>>()

/**
 * Returns the stand-in for a client and the call that is made now; `undefined`: a pool or an adapter sees the
 * statement.
 */
export function clientNow(client: PgClient): PgClient | undefined {
  if (isSending()) return undefined
  const { host, port, database, user } = client
  const key = [host, port, database, user].join('\n')
  let clients = databases.get(key)
  if (clients === undefined) {
    clients = new DriverClient('pg.Client', clientStandIns)
    databases.set(key, clients)
  }
  return clients.standInNow()?.(client)
}

/** Attaches clients of one database that no pool has created: their stand-ins are those of a pool. */
export function clientStandIns(sluice: Sluice, orm: Orm | undefined): DriverAttachment<StandInOf> {
  let current: PgClient | undefined
  // It is ending: it has no client for statements of Sluice itself.
  const clients = {
    ending: true,
    connect: (take: Method) => take(undefined, current),
    on() {},
    removeListener() {},
    end() {},
  }
  const pool = sluicePool(clients, sluice, driverDescription('pg', orm))
  const standIns = new WeakMap<PgClient, PgClient>()
  const standInOf: StandInOf = (client) => {
    const known = standIns.get(client)
    if (known !== undefined) return known
    let standIn = client
    current = client
    pool.connect((_: unknown, taken: unknown) => {
      standIn = taken as PgClient
    })
    current = undefined
    standIns.set(client, standIn)
    return standIn
  }
  return { standIn: standInOf, release: () => pool.end() }
}
