import type { ReplicaTarget } from '../../pipeline/read-routing.ts'
import type { Connection } from '../../schema/connection.ts'
import type { ReplicaDriver } from '../replica-connections.ts'
import type { PoolReplicas, ReplicaPool } from './pool-description.ts'

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
      const client = await (pool as PgPool).connect()
      // The read rejects as well. Without a listener, the event would end the process.
      client.on('error', ignore)
      return client
    },
    release(client) {
      client.release(abandoned.has(client))
      client.removeListener('error', ignore)
    },
    query: async (client, sql) => (await client.query({ text: sql })).rows,
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
      (await pool.query({ text: sql, values: [...values] })).rows
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
