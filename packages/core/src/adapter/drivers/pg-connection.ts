import type { Connection } from '../../schema/connection.ts'
import { takeUntil } from '../own-connections.ts'

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
  if (source === undefined) return undefined
  const pool = source as PoolForOwn
  const take = () => takeUntil(closing, pool.connect(), (client) => client.release())
  const { Client, options } = pool
  const isBesidePool = Client !== undefined && options !== undefined && isPoolOfOne(pool)
  return {
    dialect: 'postgresql',
    isBesidePool,
    async query(sql, params = []) {
      const client = await take()
      let isDiscarded = true
      try {
        const { rows } = await client.query({ text: sql, values: params })
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
        return await work(sessionOf(client))
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
    return await work(sessionOf(client))
  } finally {
    await client.end()
  }
}

function sessionOf(client: PgClient): Connection {
  const session: Connection = {
    dialect: 'postgresql',
    query: async (sql, params = []) => (await client.query({ text: sql, values: params })).rows,
    session: (inner) => inner(session),
  }
  return session
}
