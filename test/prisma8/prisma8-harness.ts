import type { SqlMiddleware } from '@prisma/orm-postgres/family-runtime'
import postgres from '@prisma/orm-postgres/runtime'
import type { Sluice } from '@sluice/core'
import type { ContractClient, ContractHarness } from '@sluice/core/adapter-contract'
import { withSluice } from '@sluice/prisma8'
import pg from 'pg'
import { harness, type Tables } from '../support/contract-tables.ts'
import type { Contract } from './generated/contract.d.ts'
import contractJson from './generated/contract.json' with { type: 'json' }

export const prisma8Harness = async (database: Tables & { readonly url: string }): Promise<ContractHarness> =>
  harness(database, true, async (sluice) => openPrisma8(database.url, sluice), import.meta.filename)

/** A client of Prisma 8, the pool that it uses, and the number of statements that its driver has sent. */
export function clientOf(url: string, sluice: Sluice | undefined, middleware: readonly SqlMiddleware[] = []) {
  let sent = 0
  class CountedClient extends pg.Client {
    override query(...args: readonly unknown[]): never {
      const given = args[0] as string | { readonly text?: string } | undefined
      if (!/pg_catalog|pg_settings/.test((typeof given === 'string' ? given : given?.text) ?? '')) sent += 1
      return (super.query as (...args: readonly unknown[]) => never)(...args)
    }
  }
  const pool = new pg.Pool({ connectionString: url, max: 4, Client: CountedClient })
  // `end()` resolves before the sockets are closed, and the database is dropped afterwards.
  pool.on('error', () => {})
  // Prisma pins an older version of the types of `pg`.
  const options = { contractJson, pg: pool as never, middleware, verifyMarker: false } as const
  const used = sluice === undefined ? options : withSluice(options, sluice)
  const db = postgres<Contract>(used)
  const close = async () => {
    await db.close()
    await pool.end()
  }
  return { db, pool: used.pg as pg.Pool, sent: () => sent, close }
}

type Client = ReturnType<typeof clientOf>['db']
type Session = Parameters<Parameters<Client['transaction']>[0]>[0]

async function openPrisma8(url: string, sluice: Sluice | undefined): Promise<ContractClient> {
  const { db, sent, close } = clientOf(url, sluice)
  const prepared = await db.prepare({ id: 'pg/int4@1' }, ({ id }) =>
    db.sql.public.posts
      .select('id', 'title')
      .where((row, { eq }) => eq(row.id, id))
      .build(),
  )
  return {
    ...clientIn(db, sent),
    prepared: async (id) => await prepared.query(db.runtime(), { id }),
    raw: async (id) =>
      await db
        .runtime()
        .query(
          db.raw.sql`select id, title from posts where id = ${id}`
            .returnsRow({ id: 'pg/int4@1', title: 'pg/text@1' })
            .build(),
        ),
    locked: async (id) => await db.runtime().query(lockedPost(db, id)),
    execute: async (sql) => await db.runtime().execute(rawOf(db, sql)),
    transaction: (work) =>
      db.transaction((transaction) =>
        work({
          ...clientIn(transaction, sent),
          locked: async (id) => await transaction.query(lockedPost(db, id)),
          fail: async () =>
            void (await transaction.execute(rawOf(db, 'select * from nowhere')).catch(() => {})),
        }),
      ),
    close,
  }
}

function lockedPost(db: Client, id: number) {
  return db.raw.sql`select id, title from posts where id = ${id} for update`
    .returnsRow({ id: 'pg/int4@1', title: 'pg/text@1' })
    .build()
}

/** Raw SQL that is only known at run time. */
function rawOf(db: Client, sql: string) {
  const strings = Object.assign([sql], { raw: [sql] })
  return db.raw.sql(strings).affectedCount().build()
}

function clientIn(db: Pick<Client, 'orm'> | Session, sent: () => number): ContractClient {
  const { Author, Post } = db.orm.public
  return {
    byKey: async (id) => await Post.first({ id }),
    firstByKey: async (id) => await Post.where((row) => row.id.eq(id)).first(),
    authorByKey: async (id) => await Author.first({ id }),
    byUniqueText: async (email) =>
      await Author.select('id', 'name')
        .where((row) => row.email.eq(email))
        .all(),
    byForeignKey: async (id) =>
      await Post.select('title')
        .where((row) => row.authorId.eq(id))
        .orderBy((row) => row.id.desc())
        .all(),
    byForeignKeyAbove: async (id, views) =>
      await Post.where((row) => row.authorId.eq(id))
        .where((row) => row.views.gt(views))
        .orderBy((row) => row.id.asc())
        .all(),
    list: async () =>
      await Post.select('id', 'authorId')
        .orderBy((row) => row.id.asc())
        .all(),
    count: async (id) =>
      await Post.where((row) => row.authorId.eq(id)).aggregate((all) => ({ n: all.count() })),
    page: async (id, offset) =>
      await Post.where((row) => row.authorId.eq(id))
        .orderBy((row) => row.id.asc())
        .limit(2)
        .offset(offset)
        .all(),
    joined: async (id) =>
      await Post.where((row) => row.id.eq(id))
        .include('author')
        .first(),
    insert: async (post) => await Post.create(post),
    update: async (id, title) => await Post.where((row) => row.id.eq(id)).update({ title }),
    remove: async (id) => await Post.where((row) => row.id.eq(id)).delete(),
    transaction: () => Promise.reject(new Error('Prisma 8 has no nested transactions.')),
    sent,
    close: async () => {},
  }
}
