import type { Sluice } from '@sluice/core'
import { sluicePool } from '@sluice/core/adapter'
import type { ContractClient } from '@sluice/core/adapter-contract'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import knex, { type Knex } from 'knex'
import pg from 'pg'
import QueryStream from 'pg-query-stream'
import { type Harness, harness, toRow } from './contract-tables.ts'
import type { Database } from './databases.ts'
import { type PrismaClients, prismaClient, type TestPrismaClient } from './prisma-clients.ts'
import { watchStatements } from './watch-statements.ts'

/** Creates the tables. */
export async function createTables(database: Database): Promise<void> {
  await database.exec((await prismaClient(database.dialect, database)).ddl)
}

export const knexHarness: Harness = async (database) =>
  harness(database, true, async (sluice) => openKnex(database, sluice), import.meta.filename)

function openKnex(database: Database, sluice: Sluice | undefined): ContractClient {
  const bare = knex(database.knexConfig())
  let sent = 0
  bare.on('query', () => {
    sent += 1
  })
  const db = sluice === undefined ? bare : withSluiceKnex(bare, sluice)
  const count = () => sent
  return { ...knexClient(db, count), close: () => bare.destroy() }
}

function knexClient(db: Knex, sent: () => number): ContractClient {
  return {
    byKey: async (id) => await db('posts').where({ id }),
    firstByKey: async (id) => await db('posts').where({ id }).first(),
    authorByKey: async (id) => await db('authors').where({ id }),
    byUniqueText: async (email) => await db('authors').where({ email }).select('id', 'full_name'),
    byForeignKey: async (authorId) =>
      await db('posts').where({ author_id: authorId }).select('title').orderBy('id', 'desc'),
    byForeignKeyAbove: async (authorId, views) =>
      await db('posts').where({ author_id: authorId }).where('views', '>', views).orderBy('id'),
    byCompositeKey: async (org_id, user_id) => await db('memberships').where({ org_id, user_id }),
    list: async () =>
      (await db('posts').select('id', 'author_id').orderBy('id')).map((row) => ({
        id: row.id,
        authorId: row.author_id,
      })),
    count: async (authorId) => await db('posts').where({ author_id: authorId }).count(),
    totals: async (authorId) =>
      await db('posts')
        .where({ author_id: authorId })
        .count('* as n')
        .sum('views as sum')
        .avg('views as average')
        .min('views as least')
        .max('views as most'),
    latest: async (authorId, limit) =>
      await db('posts').where({ author_id: authorId }).orderBy('id', 'desc').limit(limit),
    oldest: async (authorId) =>
      await db('posts').where({ author_id: authorId }).orderBy('created_at').first(),
    page: async (authorId, offset) =>
      await db('posts').where({ author_id: authorId }).orderBy('id').offset(offset).limit(2),
    joined: async (id) =>
      await db('posts')
        .join('authors', 'authors.id', 'posts.author_id')
        .where('posts.id', id)
        .select('title', 'full_name'),
    locked: async (id) => await db('posts').where({ id }).forUpdate(),
    raw: async (id) =>
      await db
        .raw('select * from posts where id = ?', [id])
        .then((result) => result.rows ?? (Array.isArray(result[0]) ? result[0] : result)),
    stream: async (authorId) => {
      const rows: unknown[] = []
      for await (const row of db('posts').where({ author_id: authorId }).orderBy('id').stream())
        rows.push(row)
      return rows
    },
    execute: async (sql) => await db.raw(sql),
    insert: async (post) => await db('posts').insert(toRow(post)),
    update: async (id, title) => await db('posts').where({ id }).update({ title }),
    remove: async (id) => await db('posts').where({ id }).delete(),
    transaction: (work) => db.transaction((transaction) => work(knexClient(transaction, sent))),
    ...(db.isTransaction === true
      ? {
          nested: (work) => db.transaction((transaction) => work(knexClient(transaction, sent))),
          fail: async () => void (await db.raw('select * from nowhere').catch(() => {})),
        }
      : {}),
    sent,
    close: async () => {},
  }
}

export const prismaHarness: Harness = async (database) => {
  const clients = await prismaClient(database.dialect, database)
  return harness(database, true, async (sluice) => openPrisma(clients, sluice), import.meta.filename)
}

function openPrisma(
  { PrismaClient, createAdapter, schema }: PrismaClients,
  sluice: Sluice | undefined,
): ContractClient {
  let sent = 0
  const adapter = watchStatements(createAdapter(), () => {
    sent += 1
  })
  const bare = new PrismaClient({ adapter: sluice === undefined ? adapter : sluiceAdapter(adapter, sluice) })
  const db =
    sluice === undefined
      ? bare
      : (bare.$extends(withSluice(sluice, { schema })) as unknown as TestPrismaClient)
  return { ...prismaClientOf(db, () => sent), close: () => bare.$disconnect() }
}

function prismaClientOf(db: TestPrismaClient, sent: () => number): ContractClient {
  return {
    byKey: async (id) => await db.post.findUnique({ where: { id } }),
    firstByKey: async (id) => await db.post.findFirst({ where: { id } }),
    authorByKey: async (id) => await db.author.findUnique({ where: { id } }),
    byUniqueText: async (email) =>
      await db.author.findUnique({ where: { email }, select: { id: true, name: true } }),
    byForeignKey: async (authorId) =>
      await db.post.findMany({ where: { authorId }, select: { title: true }, orderBy: { id: 'desc' } }),
    byForeignKeyAbove: async (authorId, views) =>
      await db.post.findMany({ where: { authorId, views: { gt: views } }, orderBy: { id: 'asc' } }),
    list: async () =>
      await db.post.findMany({ select: { id: true, authorId: true }, orderBy: { id: 'asc' } }),
    count: async (authorId) => await db.post.count({ where: { authorId } }),
    page: async (authorId, skip) =>
      await db.post.findMany({ where: { authorId }, orderBy: { id: 'asc' }, skip, take: 2 }),
    joined: async (id) => await db.post.findUnique({ where: { id }, include: { author: true } }),
    raw: async (id) => await db.$queryRawUnsafe(`select * from posts where id = ${id}`),
    execute: async (sql) => await db.$executeRawUnsafe(sql),
    insert: async (data) => await db.post.create({ data }),
    update: async (id, title) => await db.post.update({ where: { id }, data: { title } }),
    remove: async (id) => await db.post.delete({ where: { id } }),
    transaction: (work) =>
      db.$transaction((transaction) => work(prismaClientOf(transaction as TestPrismaClient, sent))),
    sent,
    close: async () => {},
  }
}

export const pgHarness: Harness = async (database) =>
  harness(database, false, async (sluice) => openPg(database, sluice), import.meta.filename)

function openPg({ url }: Database, sluice: Sluice | undefined): ContractClient {
  let sent = 0
  class CountedClient extends pg.Client {
    override query(...args: readonly unknown[]): never {
      const text =
        typeof args[0] === 'string' ? args[0] : (args[0] as { readonly text?: string } | undefined)?.text
      if (!/pg_catalog|pg_settings/.test(text ?? '')) sent += 1
      return (super.query as (...args: readonly unknown[]) => never)(...args)
    }
  }
  const bare = new pg.Pool({ connectionString: url, max: 4, Client: CountedClient })
  const pool = sluice === undefined ? bare : sluicePool(bare, sluice)
  return {
    ...pgClient(pool, () => sent),
    async transaction(work) {
      const client = await pool.connect()
      try {
        await client.query('BEGIN')
        const result = await work({
          ...pgClient(client, () => sent),
          nested: savepoints(client, () => sent),
          fail: () => failOn(client),
        })
        await client.query('COMMIT')
        return result
      } catch (error) {
        await client.query('ROLLBACK')
        throw error
      } finally {
        client.release()
      }
    },
    async stream(authorId) {
      const client = await pool.connect()
      try {
        const rows: unknown[] = []
        for await (const row of client.query(
          new QueryStream('select * from posts where author_id = $1 order by id', [authorId]),
        ))
          rows.push(row)
        return rows
      } finally {
        client.release()
      }
    },
    close: () => pool.end(),
  }
}

type PgQueryable = Pick<pg.Pool, 'query'>

function pgClient(db: PgQueryable, sent: () => number): ContractClient {
  const rows = async (text: string, ...values: unknown[]) => (await db.query(text, values)).rows
  /** Objects with the descriptions of their columns. */
  const result = async (text: string, ...values: unknown[]) => {
    const { fields, rows: found } = await db.query(text, values)
    return { fields, found }
  }
  return {
    byKey: (id) => rows('select * from posts where id = $1', id),
    firstByKey: (id) => rows('select * from posts where id = $1 limit $2', id, 1),
    authorByKey: (id) => rows('select id, email, full_name from authors where id = $1', id),
    byUniqueText: (email) => rows('select id, full_name from authors where email = $1', email),
    byForeignKey: async (id) => {
      const query = {
        text: 'select title from posts where author_id = $1 order by id desc',
        values: [id],
        rowMode: 'array' as const,
      }
      return (await db.query(query)).rows
    },
    byForeignKeyAbove: (id, views) =>
      rows('select * from posts where ((author_id = $1) and (views > $2)) order by id', id, views),
    byCompositeKey: (organization, author) =>
      result('select role from memberships where (org_id = $1) and (user_id = $2)', organization, author),
    list: () => rows('select id, author_id as "authorId" from posts order by id'),
    count: (id) => rows('select count(*) from posts where author_id = $1', id),
    totals: (id) =>
      result(
        'select count(*), sum(views), avg(views) as average, min(views), max(views)::text from posts where author_id = $1',
        id,
      ),
    exists: (id) => result('select 1 as found from posts where author_id = $1 limit 1', id),
    latest: (id, limit) =>
      result('select title, views from posts where author_id = $1 order by id desc limit $2', id, limit),
    oldest: (id) => result('select * from posts where (author_id = $1) order by created_at limit 1', id),
    page: (id, offset) =>
      rows('select * from posts where author_id = $1 order by id limit 2 offset $2', id, offset),
    joinedByKey: (id) =>
      result('select * from posts p left join authors a on a.id = p.author_id where p.id = $1', id),
    joined: (id) =>
      rows(
        'select title, full_name from posts join authors on authors.id = posts.author_id where posts.id = $1',
        id,
      ),
    locked: (id) => rows('select * from posts where id = $1 for update', id),
    prepared: async (id) =>
      (await db.query({ name: 'by-key', text: 'select id, title from posts where id = $1', values: [id] }))
        .rows,
    execute: (sql) => rows(sql),
    insert: (post) =>
      rows(
        'insert into posts (id, author_id, slug, title, views) values ($1, $2, $3, $4, $5)',
        ...Object.values(toRow(post)),
      ),
    update: (id, title) => rows('update posts set title = $2 where id = $1', id, title),
    remove: (id) => rows('delete from posts where id = $1', id),
    transaction: () => Promise.reject(new Error('Begin it on the pool.')),
    sent,
    close: async () => {},
  }
}

function savepoints(client: pg.PoolClient, sent: () => number): NonNullable<ContractClient['nested']> {
  return async (work) => {
    await client.query('SAVEPOINT inner_one')
    try {
      const result = await work(pgClient(client, sent))
      await client.query('RELEASE SAVEPOINT inner_one')
      return result
    } catch (error) {
      await client.query('ROLLBACK TO SAVEPOINT inner_one')
      throw error
    }
  }
}

async function failOn(client: pg.PoolClient): Promise<void> {
  await client.query('select * from nowhere').catch(() => {})
}
