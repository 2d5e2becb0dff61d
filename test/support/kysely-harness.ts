import type { Sluice } from '@sluice/core'
import type { ContractClient } from '@sluice/core/adapter-contract'
import { withSluice } from '@sluice/kysely'
import SqliteDatabase from 'better-sqlite3'
import type { ControlledTransaction, Dialect, Generated, Kysely } from 'kysely'
import * as kysely from 'kysely'
import * as kysely028 from 'kysely028'
import mysql from 'mysql2'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { type Harness, harness, toRow } from './contract-tables.ts'
import type { Database, DatabaseAddress } from './database.ts'
import { watchedDialect } from './watched-dialect.ts'

/** The suite's tables. */
interface Tables {
  posts: {
    id: number
    slug: string
    title: string
    views: number
    author_id: number
    created_at: Generated<string>
  }
  authors: { id: number; email: string; full_name: string }
  memberships: { org_id: string; user_id: number; role: string }
}

/** A version of Kysely. It has the types of the current version, as far as the tests use them. */
export type KyselyVersion = typeof kysely

/** Every version that `@sluice/kysely` supports. */
export const kyselyVersions: Readonly<Record<string, KyselyVersion>> = {
  '0.29': kysely,
  '0.28': kysely028 as unknown as KyselyVersion,
}

export function kyselyHarness(version: KyselyVersion): Harness {
  return async (database) =>
    harness(database, true, async (sluice) => openKysely(version, database, sluice), import.meta.filename)
}

export function kyselyDialect(
  { dialect, url, filename = '' }: DatabaseAddress,
  { SqliteDialect, MysqlDialect, PostgresDialect }: KyselyVersion = kysely,
  connections = 4,
): Dialect {
  if (dialect === 'sqlite') return new SqliteDialect({ database: new SqliteDatabase(filename) })
  if (dialect === 'mysql')
    return new MysqlDialect({ pool: mysql.createPool({ uri: url, connectionLimit: connections }) })
  const pool = new pg.Pool({ connectionString: url, max: connections })
  // `end()` resolves before the sockets are closed, and the database is dropped afterwards.
  pool.on('error', () => {})
  return new PostgresDialect({ pool, cursor: Cursor })
}

function openKysely(version: KyselyVersion, database: Database, sluice: Sluice | undefined): ContractClient {
  let sent = 0
  const dialect = watchedDialect(kyselyDialect(database, version), () => {
    sent += 1
  })
  const db = new version.Kysely<Tables>({
    dialect: sluice === undefined ? dialect : withSluice(dialect, sluice),
  })
  return {
    ...kyselyClient({ version, isSqlite: database.dialect === 'sqlite', sent: () => sent }, db),
    close: () => db.destroy(),
  }
}

interface Opened {
  readonly version: KyselyVersion
  readonly isSqlite: boolean
  sent(): number
}

function kyselyClient(opened: Opened, db: Kysely<Tables>): ContractClient {
  const { isSqlite, sent } = opened
  const { sql } = opened.version
  const posts = () => db.selectFrom('posts').selectAll()
  return {
    byKey: async (id) => await posts().where('id', '=', id).execute(),
    firstByKey: async (id) => await posts().where('id', '=', id).limit(1).executeTakeFirst(),
    authorByKey: async (id) =>
      await db
        .selectFrom('authors')
        .select(['id', 'email', 'full_name'])
        .where('id', '=', id)
        .executeTakeFirst(),
    byUniqueText: async (email) =>
      await db.selectFrom('authors').select(['id', 'full_name']).where('email', '=', email).execute(),
    byForeignKey: async (id) =>
      await db
        .selectFrom('posts')
        .select('title')
        .where('author_id', '=', id)
        .orderBy('id', 'desc')
        .execute(),
    byForeignKeyAbove: async (id, views) =>
      await posts().where('author_id', '=', id).where('views', '>', views).orderBy('id').execute(),
    byCompositeKey: async (organization, author) =>
      await db
        .selectFrom('memberships')
        .select('role')
        .where('user_id', '=', author)
        .where('org_id', '=', organization)
        .execute(),
    list: async () =>
      await db.selectFrom('posts').select(['id', 'author_id as authorId']).orderBy('id').execute(),
    count: async (id) =>
      await db
        .selectFrom('posts')
        .select((eb) => eb.fn.countAll().as('n'))
        .where('author_id', '=', id)
        .executeTakeFirstOrThrow(),
    totals: async (id) =>
      await db
        .selectFrom('posts')
        .select(({ fn }) => [
          fn.count<number>('id').as('n'),
          fn.sum('views').as('sum'),
          fn.avg('views').as('average'),
          fn.min('views').as('least'),
          fn.max('views').as('most'),
        ])
        .where('author_id', '=', id)
        .executeTakeFirstOrThrow(),
    exists: async (id) =>
      await db
        .selectFrom('posts')
        .select(({ lit }) => lit(1).as('found'))
        .where('author_id', '=', id)
        .limit(1)
        .executeTakeFirst(),
    ...(isSqlite
      ? {}
      : {
          latest: async (id, limit) =>
            await posts().where('author_id', '=', id).orderBy('id', 'desc').limit(limit).execute(),
          oldest: async (id) =>
            await posts().where('author_id', '=', id).orderBy('created_at').limit(1).executeTakeFirst(),
        }),
    page: async (id, offset) =>
      await posts().where('author_id', '=', id).orderBy('id').limit(2).offset(offset).execute(),
    joined: async (id) =>
      await db
        .selectFrom('posts')
        .innerJoin('authors', 'authors.id', 'posts.author_id')
        .select(['title', 'full_name'])
        .where('posts.id', '=', id)
        .execute(),
    joinedByKey: async (id) =>
      await db
        .selectFrom('posts as p')
        .leftJoin('authors as a', 'a.id', 'p.author_id')
        .selectAll()
        .where('p.id', '=', id)
        .executeTakeFirst(),
    ...(isSqlite ? {} : { locked: async (id) => await posts().where('id', '=', id).forUpdate().execute() }),
    raw: async (id) => await sql`select * from posts where id = ${id}`.execute(db),
    stream: async (id) => {
      const rows: unknown[] = []
      for await (const row of posts().where('author_id', '=', id).orderBy('id').stream(2)) rows.push(row)
      return rows
    },
    execute: async (text) => await sql.raw(text).execute(db),
    insert: async (post) => await db.insertInto('posts').values(toRow(post)).execute(),
    update: async (id, title) => await db.updateTable('posts').set({ title }).where('id', '=', id).execute(),
    remove: async (id) => await db.deleteFrom('posts').where('id', '=', id).execute(),
    transaction: (work) =>
      db
        .startTransaction()
        .execute()
        .then((transaction) => controlled(opened, transaction, work)),
    sent,
    close: async () => {},
  }
}

async function controlled<T>(
  opened: Opened,
  transaction: ControlledTransaction<Tables>,
  work: (client: ContractClient) => Promise<T>,
): Promise<T> {
  try {
    const result = await work({
      ...kyselyClient(opened, transaction),
      nested: (inner) => inSavepoint(opened, transaction, inner),
      fail: async () =>
        void (await opened.version.sql`select * from nowhere`.execute(transaction).catch(() => {})),
    })
    await transaction.commit().execute()
    return result
  } catch (error) {
    if (!transaction.isCommitted) await transaction.rollback().execute()
    throw error
  }
}

async function inSavepoint<T>(
  opened: Opened,
  transaction: ControlledTransaction<Tables>,
  work: (client: ContractClient) => Promise<T>,
): Promise<T> {
  const inner = await transaction.savepoint('inner_one').execute()
  try {
    const result = await work(kyselyClient(opened, inner))
    await inner.releaseSavepoint('inner_one').execute()
    return result
  } catch (error) {
    await inner.rollbackToSavepoint('inner_one').execute()
    throw error
  }
}
