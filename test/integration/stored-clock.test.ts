import { createSluice } from '@sluice/core'
import { sluiceMysql2Pool, sluicePool } from '@sluice/core/adapter'
import { withSluice } from '@sluice/knex'
import knex from 'knex'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'

type Read = (sql: string) => Promise<unknown>

const [sqlite, postgresql, mariadb] = databases()
const sluiceOf = () => createSluice({ mode: 'optimize', cache: { ttl: 300 } })

/** How often the second of two reads is served from the cache. */
async function hitsOf(sluice: ReturnType<typeof sluiceOf>, read: Read, sql: string): Promise<number> {
  await read('select id from events')
  await catalogsRead(sluice)
  await read(sql)
  const before = sluice.queries.getStats().cacheHits
  await read(sql)
  return sluice.queries.getStats().cacheHits - before
}

function poolOf(database: Database): pg.Pool {
  // The database is dropped while connections are being closed.
  return new pg.Pool({ connectionString: database.url ?? '' }).on('error', () => {})
}

async function withEvents(database: Database, columns: string, values: string): Promise<Database> {
  onTestFinished(() => database.drop())
  await database.exec(`create table events (id int primary key, ${columns})`)
  await database.exec(`insert into events values (1, ${values})`)
  return database
}

describe.skipIf(postgresql?.skipped !== undefined)('a time from a string on PostgreSQL', () => {
  it.each([
    ['starts::date', 1],
    ['cast(starts as date)', 1],
    ['starts::text::date', 1],
    ['word::date', 0],
    ['date(word)', 0],
    [`('no' || 'w')::timestamptz`, 0],
    ['word ### word', 0],
  ])('is cached if it cannot be the clock: %s', async (expression, hits) => {
    const database = (await postgresql?.connect()) as Database
    await withEvents(database, 'starts timestamp, word text', `'2026-01-01 12:00', 'now'`)
    await database.exec(
      `create function dated(text, text) returns date language sql immutable as 'select $1::date';
      create operator ### (leftarg = text, rightarg = text, function = dated)`,
    )
    const sluice = sluiceOf()
    const pool = sluicePool(poolOf(database), sluice)
    onTestFinished(async () => void (await Promise.all([pool.end(), sluice.close()])))
    expect(await hitsOf(sluice, (sql) => pool.query(sql), `select ${expression} as x from events`)).toBe(hits)
  })

  it('counts a column of strings', async () => {
    const database = await withEvents((await postgresql?.connect()) as Database, 'word text', `'now'`)
    const sluice = sluiceOf()
    const pool = sluicePool(poolOf(database), sluice)
    onTestFinished(async () => void (await Promise.all([pool.end(), sluice.close()])))
    await hitsOf(sluice, (sql) => pool.query(sql), 'select word::date as x from events')
    expect(sluice.queries.getStats().passedThrough['cache:MAY_READ_CLOCK']).toBeGreaterThan(0)
  })
})

describe.skipIf(mariadb?.skipped !== undefined)('a TIME on MariaDB', () => {
  it.each([
    ['select opens from events', 1],
    ['select date(starts) as x from events', 1],
    [`select id from events where opens > '09:00'`, 1],
    ['select cast(opens as datetime) as x from events', 0],
    ['select id from events where opens < starts', 0],
  ])('is cached unless it is completed with the current date: %s', async (sql, hits) => {
    const database = (await mariadb?.connect()) as Database
    await withEvents(database, 'starts datetime, opens time', `'2026-01-01 12:00', '10:00'`)
    const sluice = sluiceOf()
    const pool = sluiceMysql2Pool(mysql.createPool({ uri: database.url ?? '' }), sluice)
    onTestFinished(async () => void (await Promise.all([pool.end(), sluice.close()])))
    expect(await hitsOf(sluice, (text) => pool.query(text), sql)).toBe(hits)
  })
})

describe.skipIf(sqlite?.skipped !== undefined)('a time from a column on SQLite', () => {
  it.each([
    ['date(word)', 0],
    [`strftime('%Y', starts)`, 0],
    [`date(seconds, 'unixepoch')`, 1],
  ])('is cached if it cannot be the clock: %s', async (expression, hits) => {
    const database = (await sqlite?.connect()) as Database
    await withEvents(
      database,
      'starts datetime, word text, seconds integer',
      `'2026-01-01 12:00', 'now', 1700000000`,
    )
    const sluice = sluiceOf()
    const db = withSluice(knex(database.knexConfig()), sluice)
    onTestFinished(async () => void (await Promise.all([db.destroy(), sluice.close()])))
    const read = () => db('events').select(db.raw(`${expression} as x`))
    expect(await hitsOf(sluice, read, '')).toBe(hits)
  })
})
