import type { JobBackend } from '@sluice/core/jobs'
import { type PostgresJobBackendOptions, postgresJobBackend } from '@sluice/core/jobs-postgres'
import pg from 'pg'

/** A different schema from that of the user of the tests, which is on the search path. */
export const SCHEMA = 'jobs'

/** A backend with a separate pool, like in another process; the pool ends with it. */
export function connectPostgres(
  url: string | undefined,
  options: Omit<PostgresJobBackendOptions, 'pool'> = {},
  poolOptions: pg.PoolConfig = {},
): JobBackend {
  const pool = new pg.Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 10_000, ...poolOptions })
  const backend = postgresJobBackend({ pool, schema: SCHEMA, ...options })
  const close = backend.close.bind(backend)
  return Object.assign(backend, {
    close: async () => {
      await close()
      if (!pool.ending) await pool.end()
    },
  })
}

/** For other processes. */
export function connect(url: string): JobBackend {
  return connectPostgres(url)
}
