import type { Sluice } from '@sluice/core'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice as withSluiceKysely } from '@sluice/kysely'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'

/** The tables as Kysely sees them. */
interface Tables {
  readonly items: { id: number; code: string; v: number; group_id: number }
  readonly groups: { id: number; v: number }
}

export const items = pgTable('items', {
  id: integer().primaryKey(),
  code: text().notNull(),
  v: integer().notNull(),
  groupId: integer('group_id').notNull(),
})

export const groups = pgTable('groups', { id: integer().primaryKey(), v: integer().notNull() })

const schema = { items, groups }

/** Kysely and Drizzle on one database. */
export interface NewerClients {
  readonly kysely: Kysely<Tables>
  readonly drizzle: NodePgDatabase<typeof schema>
}

const MAX_CONNECTIONS = 4

/** @param sluice - Omitted: the clients are without Sluice. */
export function openNewer(databaseUrl: string, sluice?: Sluice): NewerClients {
  const dialect = new PostgresDialect({ pool: openPool(databaseUrl) })
  const pool = openPool(databaseUrl)
  return {
    kysely: new Kysely({ dialect: sluice === undefined ? dialect : withSluiceKysely(dialect, sluice) }),
    drizzle: drizzle({ client: sluice === undefined ? pool : withSluiceDrizzle(pool, sluice), schema }),
  }
}

/** Connections are lost on purpose: without listeners, the first loss would end the process. */
function openPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: MAX_CONNECTIONS })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}
