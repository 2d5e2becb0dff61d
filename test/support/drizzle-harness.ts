import type { Sluice } from '@sluice/core'
import type { ContractClient } from '@sluice/core/adapter-contract'
import { withSluice } from '@sluice/drizzle'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { type Harness, harness } from './contract-tables.ts'
import type { Database } from './database.ts'
import type { DrizzleVersion } from './drizzle-versions.ts'
import { watchedMysqlPool } from './watched-mysql-pool.ts'
import { watchedPool } from './watched-pool.ts'

export function drizzleHarness(version: DrizzleVersion): Harness {
  return async (database) =>
    harness(
      database,
      true,
      async (sluice) =>
        database.dialect === 'mysql'
          ? openMysql(version, database, sluice)
          : openPostgres(version, database, sluice),
      import.meta.filename,
    )
}

function openPostgres(
  version: DrizzleVersion,
  { url }: Database,
  sluice: Sluice | undefined,
): ContractClient {
  let sent = 0
  const bare = watchedPool(url, () => {
    sent += 1
  })
  const client = sluice === undefined ? bare : withSluice(bare, sluice)
  const tables = postgresTables(version)
  const db = version.nodePg.drizzle({ client, ...version.relational(tables) }) as unknown as Db
  return { ...drizzleClient({ version, tables, sent: () => sent }, db), close: () => client.end() }
}

function openMysql(version: DrizzleVersion, { url }: Database, sluice: Sluice | undefined): ContractClient {
  let sent = 0
  const pool = watchedMysqlPool(url, () => {
    sent += 1
  })
  // Drizzle 1.0 accepts pools with callbacks, too.
  const bare = version.name === '0.45' ? pool.promise() : pool
  const client = (sluice === undefined ? bare : withSluice(bare, sluice)) as typeof pool
  const tables = mysqlTables(version)
  const db = version.mysql2.drizzle({ client, ...version.relational(tables) } as never) as unknown as Db
  const close = async () =>
    version.name === '0.45' ? client.end() : new Promise<void>((ended) => client.end(() => ended()))
  return { ...drizzleClient({ version, tables, sent: () => sent }, db, true), close }
}

function postgresTables({ pgCore: { integer, pgTable, text } }: DrizzleVersion) {
  const posts = pgTable('posts', {
    id: integer().primaryKey(),
    slug: text(),
    title: text(),
    views: integer(),
    authorId: integer('author_id'),
  })
  const authors = pgTable('authors', {
    id: integer().primaryKey(),
    email: text(),
    fullName: text('full_name'),
  })
  const memberships = pgTable('memberships', {
    orgId: text('org_id'),
    userId: integer('user_id'),
    role: text(),
  })
  return { posts, authors, memberships }
}

type Tables = ReturnType<typeof postgresTables>
type Db = NodePgDatabase<Tables>

/** The same tables. Their types are those of PostgreSQL, for one client for both databases. */
function mysqlTables({ mysqlCore: { int, mysqlTable, text } }: DrizzleVersion): Tables {
  const posts = mysqlTable('posts', {
    id: int().primaryKey(),
    slug: text(),
    title: text(),
    views: int(),
    authorId: int('author_id'),
  })
  const authors = mysqlTable('authors', {
    id: int().primaryKey(),
    email: text(),
    fullName: text('full_name'),
  })
  const memberships = mysqlTable('memberships', {
    orgId: text('org_id'),
    userId: int('user_id'),
    role: text(),
  })
  return { posts, authors, memberships } as unknown as Tables
}

interface Opened {
  readonly version: DrizzleVersion
  readonly tables: Tables
  sent(): number
}

function drizzleClient(opened: Opened, db: Db, streams = false): ContractClient {
  const { version, sent } = opened
  const { posts, authors, memberships } = opened.tables
  const { and, asc, avg, count, desc, eq, gt, max, min, sql, sum } = version.orm
  const prepared = db
    .select()
    .from(posts)
    .where(eq(posts.id, sql.placeholder('id')))
    .prepare('post_by_id')
  return {
    byKey: async (id) => await db.select().from(posts).where(eq(posts.id, id)),
    firstByKey: async (id) => await db.query.posts.findFirst(version.where(posts.id, id)),
    authorByKey: async (id) => await db.select().from(authors).where(eq(authors.id, id)),
    byUniqueText: async (email) =>
      await db
        .select({ id: authors.id, name: authors.fullName })
        .from(authors)
        .where(eq(authors.email, email)),
    byForeignKey: async (id) =>
      await db
        .select({ title: posts.title })
        .from(posts)
        .where(eq(posts.authorId, id))
        .orderBy(desc(posts.id)),
    byForeignKeyAbove: async (id, views) =>
      await db
        .select()
        .from(posts)
        .where(and(eq(posts.authorId, id), gt(posts.views, views)))
        .orderBy(posts.id),
    byCompositeKey: async (organization, author) =>
      await db
        .select({ role: memberships.role })
        .from(memberships)
        .where(and(eq(memberships.userId, author), eq(memberships.orgId, organization))),
    list: async () => {
      const rows = await db.select({ id: posts.id, authorId: posts.authorId }).from(posts).orderBy(posts.id)
      return rows.map(({ id, authorId }) => ({ id, authorId: Number(authorId) }))
    },
    count: async (id) => await db.$count(posts, eq(posts.authorId, id)),
    totals: async (id) => [
      await db
        .select({
          n: streams ? count() : sql<number>`cast(${count()} as int)`,
          sum: sum(posts.views),
          average: avg(posts.views),
          least: min(posts.views),
          most: max(posts.views),
        })
        .from(posts)
        .where(eq(posts.authorId, id)),
    ],
    exists: async (id) =>
      await db.select({ found: sql`1` }).from(posts).where(eq(posts.authorId, id)).limit(1),
    latest: async (id, limit) =>
      await db.select().from(posts).where(eq(posts.authorId, id)).orderBy(desc(posts.id)).limit(limit),
    oldest: async (id) =>
      await db
        .select({ title: posts.title })
        .from(posts)
        .where(eq(posts.authorId, id))
        .orderBy(sql`${posts}.${sql.identifier('created_at')}`)
        .limit(1),
    page: async (id, offset) =>
      await db
        .select()
        .from(posts)
        .where(eq(posts.authorId, id))
        .orderBy(asc(posts.id))
        .limit(2)
        .offset(offset),
    joined: async (id) =>
      await db
        .select()
        .from(posts)
        .innerJoin(authors, eq(authors.id, posts.authorId))
        .where(eq(posts.id, id)),
    joinedByKey: async (id) =>
      await db.select().from(posts).leftJoin(authors, eq(posts.authorId, authors.id)).where(eq(posts.id, id)),
    locked: async (id) => await db.select().from(posts).where(eq(posts.id, id)).for('update'),
    prepared: async (id) => await prepared.execute({ id }),
    ...(streams && {
      stream: async (id) => {
        const query = db.select().from(posts).where(eq(posts.authorId, id)).orderBy(posts.id)
        const rows: unknown[] = []
        for await (const row of (query as unknown as MysqlQuery).iterator()) rows.push(row)
        return rows
      },
    }),
    raw: async (id) => {
      const result = await db.execute(sql`select * from posts where id = ${id}`)
      return result.rows ?? (result as unknown as readonly unknown[])[0]
    },
    execute: async (statement) => await db.execute(sql.raw(statement)),
    insert: async (post) => await db.insert(posts).values(post),
    update: async (id, title) => await db.update(posts).set({ title }).where(eq(posts.id, id)),
    remove: async (id) => await db.delete(posts).where(eq(posts.id, id)),
    transaction: (work) =>
      db.transaction((transaction) => work(inside(opened, transaction as unknown as Db))),
    sent,
    close: async () => {},
  }
}

/** A query on MySQL. */
interface MysqlQuery {
  iterator(): AsyncIterable<unknown>
}

function inside(opened: Opened, db: Db): ContractClient {
  const { sql } = opened.version.orm
  return {
    ...drizzleClient(opened, db),
    nested: (work) => db.transaction((inner) => work(inside(opened, inner as unknown as Db))),
    fail: async () => void (await db.execute(sql`select * from nowhere`).catch(() => {})),
  }
}
