import type { ReplicaTarget } from '../../pipeline/read-routing.ts'
import type { Connection, PoolState } from '../../schema/connection.ts'
import { takeUntil } from '../own-connections.ts'
import type { PoolWaits } from '../pool-waits.ts'
import type { ReplicaDriver } from '../replica-connections.ts'
import { sending } from '../sending.ts'
import { type PoolReplicas, type ReplicaPool, sessionOf, timeRequests } from './pool.ts'

/** The documented members of a pool of `pg` that Sluice uses. */
interface PgPoolCounts {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
  readonly options: { readonly min?: unknown; max: number }
  connect(...args: unknown[]): unknown
}

export function isPgPool(pool: object | undefined): pool is PgPoolCounts {
  const { connect, totalCount, idleCount, waitingCount, options } = (pool ?? {}) as Partial<PgPoolCounts>
  return (
    typeof connect === 'function' &&
    [totalCount, idleCount, waitingCount, options?.max].every((value) => typeof value === 'number')
  )
}

function pgPoolState({
  totalCount,
  idleCount,
  waitingCount,
  options: { min, max },
}: PgPoolCounts): PoolState {
  return {
    min: typeof min === 'number' ? min : 0,
    max,
    used: totalCount - idleCount,
    idle: idleCount,
    waiting: waitingCount,
  }
}

/**
 * Reads the state of a pool, and changes its maximum: `pg` reads it for each request, and closes excess
 * connections once they are idle. Does not keep the pool alive.
 */
export function pgPoolAccess(pool: PgPoolCounts): {
  readonly pool: () => PoolState | undefined
  readonly resizePool: (max: number) => void
} {
  const held = new WeakRef(pool)
  return {
    pool: () => {
      const living = held.deref()
      return living && pgPoolState(living)
    },
    resizePool: (max) => {
      const living = held.deref()
      if (living !== undefined) living.options.max = max
    },
  }
}

/** Measures how long callers of `pool.connect` wait; `pool.query` calls it, too. */
export function timePgConnects(pool: PgPoolCounts, waits: PoolWaits): () => void {
  return timeRequests(pool, 'connect', () => pgPoolState(pool), waits)
}

/** A client of `pg`, outside of a pool or in one. */
interface PgClient {
  query(query: { readonly text: string; readonly values: readonly unknown[] }): Promise<{
    readonly rows: readonly Readonly<Record<string, unknown>>[]
  }>
}

interface PooledClient extends PgClient {
  release(isDiscarded?: boolean): void
}

interface SingleClient extends PgClient {
  connect(): Promise<unknown>
  end(): Promise<void>
  on(event: 'error', listener: () => void): unknown
}

/** The members of a pool of `pg` that Sluice uses for its own statements. */
interface PoolForOwn {
  readonly ending?: unknown
  connect(): Promise<PooledClient>
  listenerCount?(event: string): number
  readonly Client?: new (options: object) => SingleClient
  readonly options?: { readonly max?: unknown; readonly onConnect?: unknown; readonly verify?: unknown }
}

/**
 * The database of a pool without Sluice. A pool of one is left to the app: sessions then use a separate
 * client, unless the app sets up its clients in a way that Sluice cannot repeat.
 *
 * @param closing - Ends the wait for a client.
 */
export function pgConnection(source: object | undefined, closing?: AbortSignal): Connection | undefined {
  const pool = source as PoolForOwn | undefined
  if (pool === undefined || pool.ending === true) return undefined
  const take = () => takeUntil(closing, sending({ send: () => pool.connect() }), (client) => client.release())
  const { Client, options } = pool
  const isBesidePool = Client !== undefined && options !== undefined && isPoolOfOne(pool)
  return {
    dialect: 'postgresql',
    isBesidePool,
    async query(sql, params = []) {
      const client = await take()
      let isDiscarded = true
      try {
        const { rows } = await sending({ send: () => client.query({ text: sql, values: params }) })
        isDiscarded = false
        return rows
      } finally {
        client.release(isDiscarded)
      }
    },
    async session(work) {
      if (isBesidePool) return onSeparateClient(new Client(options), work)
      const client = await take()
      try {
        return await work(clientSession(client))
      } finally {
        // Session state that the work left behind must not reach the app.
        client.release(true)
      }
    },
  }
}

function isPoolOfOne(pool: PoolForOwn): boolean {
  const { max, onConnect, verify } = pool.options ?? {}
  return max === 1 && onConnect === undefined && verify === undefined && pool.listenerCount?.('connect') === 0
}

async function onSeparateClient<T>(
  client: SingleClient,
  work: (session: Connection) => Promise<T>,
): Promise<T> {
  // The query in flight receives the error.
  client.on('error', () => {})
  try {
    await client.connect()
    return await work(clientSession(client))
  } finally {
    await client.end()
  }
}

function clientSession(client: PgClient): Connection {
  return sessionOf(
    'postgresql',
    async (sql, params = []) =>
      (await sending({ send: () => client.query({ text: sql, values: params }) })).rows,
  )
}

type Rows = readonly Readonly<Record<string, unknown>>[]

/** A client of `pg`. */
export interface ReplicaClient extends Record<PropertyKey, unknown> {
  query(...args: unknown[]): Promise<{ readonly rows: Rows }>
  release(isDiscarded?: boolean): void
  on(event: 'error', listener: () => void): unknown
  removeListener(event: 'error', listener: () => void): unknown
  readonly connection?: { readonly stream?: { destroy?(): void } }
}

interface PgPool {
  readonly options?: { readonly host?: unknown; readonly port?: unknown; readonly connectionString?: unknown }
  query(query: object): Promise<{ readonly rows: Rows }>
  connect(): Promise<ReplicaClient>
}

function ignore(): void {}

/** The clients of the replicas' pools. */
export function pgReplicaDriver({ pools }: PoolReplicas): ReplicaDriver<ReplicaClient> {
  const abandoned = new WeakSet()
  return {
    async acquire(index) {
      const { client: pool } = pools[index] as ReplicaPool
      const client = await sending({ send: () => (pool as PgPool).connect() })
      // The read rejects as well. Without a listener, the event would end the process.
      client.on('error', ignore)
      return client
    },
    release(client) {
      client.release(abandoned.has(client))
      client.removeListener('error', ignore)
    },
    query: async (client, sql) => (await sending({ send: () => client.query({ text: sql }) })).rows,
    abandon(client) {
      abandoned.add(client)
      client.connection?.stream?.destroy?.()
    },
  }
}

export function pgReplicaTargets({ pools }: PoolReplicas): readonly ReplicaTarget[] {
  return pools.map(({ client, ...place }) => {
    const pool = client as PgPool
    const query: Connection['query'] = async (sql, values = []) =>
      (await sending({ send: () => pool.query({ text: sql, values: [...values] }) })).rows
    return { ...addressOf(pool), ...place, connection: () => ({ dialect: 'postgresql', query }) }
  })
}

function addressOf({ options = {} }: PgPool): Pick<ReplicaTarget, 'host' | 'port'> {
  const { host, port = 5432, connectionString } = options
  try {
    const url = typeof connectionString === 'string' ? new URL(connectionString) : undefined
    if (url !== undefined) return { host: url.hostname, port: Number(url.port || 5432) }
  } catch {
    // A path of a socket: it is known by its place.
  }
  return typeof host === 'string' ? { host, port: Number(port) } : {}
}
