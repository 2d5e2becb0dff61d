import pg from 'pg'
import { onPostgres } from '../services/postgres.ts'
import { databaseOf, randomSuffix, withDatabase } from '../services/service.ts'
import type { Database } from './database.ts'

/** A new database on the PostgreSQL server of the tests. */
export async function createPostgresDatabase(serviceUrl: string): Promise<Database> {
  const name = `${databaseOf(serviceUrl)}_${randomSuffix()}`
  await onPostgres(serviceUrl, `CREATE DATABASE ${name}`)
  const url = withDatabase(serviceUrl, name)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return {
    dialect: 'postgresql',
    url,
    knexConfig: () => ({ client: 'pg', connection: url }),
    async exec(script) {
      await client.query(script)
    },
    async query(sql, params = []) {
      const { rows } = await client.query<Record<string, unknown>>(sql, [...params])
      return rows
    },
    async drop() {
      await client.end()
      await onPostgres(serviceUrl, whenUnused(name))
      await onPostgres(serviceUrl, `DROP DATABASE ${name} WITH (FORCE)`)
    },
  }
}

/**
 * Waits up to a second for connections that are being closed: a pool of `pg` has ended before its clients
 * have, and a client that is closing throws the server's error.
 */
function whenUnused(database: string): string {
  return `DO $$ BEGIN
    FOR attempt IN 1..40 LOOP
      EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '${database}');
      PERFORM pg_sleep(0.025), pg_stat_clear_snapshot();
    END LOOP;
  END $$`
}
