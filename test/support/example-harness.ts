import { createSluice, type Sluice } from '@sluice/core'
import type { ContractClient } from '@sluice/core/adapter-contract'
import mysql from 'mysql2/promise'
import { type Db, openDb } from '../../examples/adapter/src/index.ts'
import { type Harness, harness } from './contract-tables.ts'
import type { Database } from './database.ts'

/** The example of the guide on adapters. */
export const exampleHarness: Harness = async (database) =>
  harness(database, true, async (sluice) => openExample(database, sluice), import.meta.filename)

function openExample({ url }: Database, sluice: Sluice | undefined): ContractClient {
  const pool = mysql.createPool({ uri: url, connectionLimit: 4 })
  let sent = 0
  const counted = <T extends { query(...args: never[]): unknown }>(on: T): T => {
    const query = on.query.bind(on) as (...args: readonly unknown[]) => unknown
    return Object.assign(on, {
      query(...args: readonly unknown[]) {
        if (!/information_schema|@@/i.test(String(args[0]))) sent += 1
        return query(...args)
      },
    })
  }
  const connect = pool.getConnection.bind(pool)
  const known = new WeakSet<object>()
  pool.getConnection = async () => {
    const connection = await connect()
    if (known.has(connection)) return connection
    known.add(connection)
    return counted(connection)
  }
  const own = sluice ?? createSluice({ mode: 'observe' })
  const db = openDb(counted(pool), own)
  const close = async () => {
    await db.close()
    if (own !== sluice) await own.close()
  }
  return { ...clientOf(db, () => sent), close }
}

function clientOf(db: Db, sent: () => number): ContractClient {
  return {
    byKey: async (id) => await db.query('select * from posts where id = ?', [id]),
    firstByKey: async (id) => await db.query('select * from posts where id = ? limit ?', [id, 1]),
    authorByKey: async (id) => await db.query('select id, email, full_name from authors where id = ?', [id]),
    byUniqueText: async (email) =>
      await db.query('select id, full_name from authors where email = ?', [email]),
    byForeignKey: async (id) =>
      await db.query('select title from posts where author_id = ? order by id desc', [id]),
    byForeignKeyAbove: async (id, views) =>
      await db.query('select * from posts where author_id = ? and views > ? order by id', [id, views]),
    byCompositeKey: async (organization, author) =>
      await db.query('select * from memberships where org_id = ? and user_id = ?', [organization, author]),
    list: async () =>
      (await db.query('select id, author_id from posts order by id')).map((row) => ({
        id: Number(row.id),
        authorId: Number(row.author_id),
      })),
    count: async (id) => await db.query('select count(*) as n from posts where author_id = ?', [id]),
    totals: async (id) =>
      await db.query(
        'select count(*) as n, sum(views) as sum, avg(views), min(views), max(views) from posts where author_id = ?',
        [id],
      ),
    exists: async (id) => await db.query('select 1 from posts where author_id = ? limit ?', [id, 1]),
    latest: async (id, limit) =>
      await db.query('select title from posts where author_id = ? order by id desc limit ?', [id, limit]),
    oldest: async (id) =>
      await db.query('select * from posts where author_id = ? order by created_at limit 1', [id]),
    joinedByKey: async (id) =>
      await db.query('select p.*, a.* from posts p join authors a on a.id = p.author_id where p.id = ?', [
        id,
      ]),
    joined: async (id) =>
      await db.query(
        'select title, full_name from posts join authors on authors.id = author_id where posts.id = ?',
        [id],
      ),
    locked: async (id) => await db.query('select * from posts where id = ? for update', [id]),
    execute: async (sql) => await db.query(sql),
    insert: async ({ id, authorId, slug, title, views }) =>
      await db.query('insert into posts (id, author_id, slug, title, views) values (?, ?, ?, ?, ?)', [
        id,
        authorId,
        slug,
        title,
        views,
      ]),
    update: async (id, title) => await db.query('update posts set title = ? where id = ?', [title, id]),
    remove: async (id) => await db.query('delete from posts where id = ?', [id]),
    transaction: (work) => db.transaction((transaction) => work(inside(transaction, sent))),
    sent,
    close: async () => {},
  }
}

function inside(db: Db, sent: () => number): ContractClient {
  return {
    ...clientOf(db, sent),
    nested: (work) => db.transaction((inner) => work(inside(inner, sent))),
    fail: async () => void (await db.query('select * from nowhere').catch(() => {})),
  }
}
