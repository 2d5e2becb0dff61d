import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { openPool, openSqlite } from './drivers.ts'
import type { postgresqlTables } from './drizzle-postgresql.ts'
import type { BenchSluice, DatabaseName, OpenedOrm } from './opened-orm.ts'
import { programsOf } from './programs.ts'

type Tables = typeof postgresqlTables

export async function openDrizzle(database: DatabaseName, sluice?: BenchSluice): Promise<OpenedOrm> {
  const { withSluice } = sluice === undefined ? {} : await import('@sluice/drizzle')
  if (database === 'SQLite') {
    const { drizzle } = await import('drizzle-orm/better-sqlite3')
    const { sqliteTables } = await import('./drizzle-sqlite.ts')
    const client = await openSqlite()
    const db = drizzle({ client: withSluice?.(client, sluice) ?? client })
    // Drizzle's databases have a class for each driver, with the same methods for the programs.
    const programs = await drizzlePrograms(db as unknown as NodePgDatabase, sqliteTables as unknown as Tables)
    return { programs, end: async () => void client.close() }
  }
  const { drizzle } = await import('drizzle-orm/node-postgres')
  const { postgresqlTables } = await import('./drizzle-postgresql.ts')
  const pool = openPool()
  const db = drizzle({ client: withSluice?.(pool, sluice) ?? pool })
  return { programs: await drizzlePrograms(db, postgresqlTables), end: () => pool.end() }
}

async function drizzlePrograms(
  db: NodePgDatabase,
  { authors, posts }: Tables,
): Promise<OpenedOrm['programs']> {
  const { asc, count, eq } = await import('drizzle-orm')
  const one = (id: number) => db.select().from(authors).where(eq(authors.id, id)).limit(1)
  return programsOf({
    one,
    async five(id) {
      await one(id)
      await db.select().from(posts).where(eq(posts.authorId, id)).orderBy(asc(posts.id)).limit(10)
      await db.update(posts).set({ views: id }).where(eq(posts.id, id))
      await db.select({ n: count() }).from(posts).where(eq(posts.authorId, id))
      await db.select().from(posts).where(eq(posts.id, id)).limit(1)
    },
  })
}
