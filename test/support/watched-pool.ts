import pg from 'pg'
import { type OnSent, readsCatalog } from './on-sent.ts'

/** A pool of `pg` with four connections, which reports the app's statements. */
export function watchedPool(connectionString: string, onSent: OnSent): pg.Pool {
  class WatchedClient extends pg.Client {
    override query(...args: readonly unknown[]): never {
      const [given, second] = args
      const { text = '', values = second } =
        typeof given === 'string' ? { text: given } : ((given ?? {}) as Partial<pg.QueryConfig<unknown[]>>)
      if (!readsCatalog(text)) onSent(text, Array.isArray(values) ? values.length : 0)
      return (super.query as (...args: readonly unknown[]) => never)(...args)
    }
  }
  const pool = new pg.Pool({ connectionString, max: 4, Client: WatchedClient })
  // `end()` resolves before the sockets are closed, and the database is dropped afterwards.
  pool.on('error', () => {})
  return pool
}
