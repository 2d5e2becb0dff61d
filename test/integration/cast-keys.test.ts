import { createSluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice as withSluiceKysely } from '@sluice/kysely'
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { Kysely, sql as kyselySql, PostgresDialect } from 'kysely'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import { TEST_MS } from '../support/patience.ts'

const [, postgresql] = databases()

const TABLE = `
  CREATE SCHEMA other;
  CREATE TYPE mood AS ENUM ('calm', 'glad', 'Sad');
  CREATE TYPE other.tone AS ENUM ('low', 'high');
  CREATE DOMAIN short_name AS text CHECK (length(value) < 9);
  CREATE TABLE typed (id int PRIMARY KEY, uid uuid UNIQUE, mood mood, tone other.tone, day date, moment timestamp(3),
    label varchar(4), code short_name, large bigint, amount numeric);
  INSERT INTO typed SELECT n, ('00000000-0000-4000-8000-00000000000' || n)::uuid,
    (ARRAY['calm', 'glad', 'Sad'])[n % 3 + 1]::mood, (ARRAY['low', 'high'])[n % 2 + 1]::other.tone,
    '2026-01-01'::date + n % 4, '2026-01-01 00:00:00.4'::timestamp + n % 3 * interval '0.3 s',
    left('abcd', n % 4 + 1), 'c' || n % 3, 9007199254740990 + n, n FROM generate_series(1, 8) n`

const uuid = (nth: number) => `00000000-0000-4000-8000-00000000000${nth}`
const days = ['2026-01-01', '2026-01-03', '2026-01-09', '2026-01-02']
const instants = ['2026-01-01 00:00:00.4', '2026-01-01 00:00:00.44', '2026-01-01 00:00:01']

/** A condition with `?` for the value, and the values of lookups at the same time. */
type Case = readonly [condition: string, values: readonly unknown[]]

const BATCHED: readonly Case[] = [
  ['uid = ?::uuid', [1, 2, 3].map(uuid)],
  ['uid = cast(? as uuid)', [4, 9, 5].map(uuid)],
  ['mood = ?::"mood"', ['calm', 'Sad', 'glad']],
  ['tone = ?::"other"."tone"', ['low', 'high']],
  ['day = ?::date', days],
  ['day = ?', days],
  ['id = ?::int8', [7, 1, 99]],
  ['large = ?::bigint', ['9007199254740993', '9007199254740994']],
  ['label = ?::text', ['a', 'ab', 'abcde', 'abcd']],
  ['label = ?::varchar', ['ab', 'a']],
  ['code = ?::text', ['c1', 'c2', 'c9']],
]

const INDIVIDUAL: readonly Case[] = [
  // The cast makes one key of several.
  ['label = ?::varchar(2)', ['ab', 'abcd', 'abc']],
  ['label = ?::varchar(4)', ['abcd', 'abcdef']],
  ['moment = ?::timestamp(0)', instants],
  ['moment = ?::timestamp(3)', instants],
  ['code = ?::short_name', ['c1', 'c2']],
  ['code = ?::name', ['c1', 'c2']],
  ['amount = ?::numeric', ['1', '1.0', '2']],
  ['day = ?::timestamp', ['2026-01-02', '2026-01-03']],
  // The database does not write the values like this.
  ['uid = ?::uuid', [uuid(1).toUpperCase(), `{${uuid(1)}}`, uuid(1).replaceAll('-', '')]],
  ['day = ?::date', ['2026-1-2', 'January 2, 2026', '20260102']],
  ['id = ?::int4', ['07', ' 7', '+7']],
]

/** With the error code and the number of queries: if a batch fails, each lookup runs individually. */
const INVALID: readonly (readonly [...Case, code: string, queries: number])[] = [
  ['uid = ?::uuid', [uuid(1), 'no uuid', uuid(2)], '22P02', 2],
  ['mood = ?::mood', ['calm', 'no mood', 'glad'], '22P02', 4],
  ['day = ?::date', ['2026-01-02', '2026-02-30', '2026-01-03'], '22008', 2],
  ['id = ?::int2', [1, 70_000, 2], '22003', 4],
]

/** Selects by a condition, in the ways of an app of the ORM. */
interface Reader {
  rows(condition: string, value: unknown): Promise<unknown>
  count(condition: string, value: unknown): Promise<unknown>
  first(condition: string, value: unknown): Promise<unknown>
  close(): Promise<unknown>
}

type Sluice = ReturnType<typeof createSluice>

function kyselyReader(pool: pg.Pool, sluice: Sluice | undefined): Reader {
  const dialect = new PostgresDialect({ pool })
  const db = new Kysely<Record<string, Record<string, unknown>>>({
    dialect: sluice === undefined ? dialect : withSluiceKysely(dialect, sluice),
  })
  const on = (condition: string, value: unknown) => {
    const [before = '', after = ''] = condition.split('?')
    return kyselySql<boolean>`${kyselySql.raw(before)}${value}${kyselySql.raw(after)}`
  }
  const from = (condition: string, value: unknown) => db.selectFrom('typed').where(on(condition, value))
  return {
    rows: (condition, value) => from(condition, value).selectAll().orderBy('id').execute(),
    count: (condition, value) =>
      from(condition, value)
        .select(({ fn }) => [fn.countAll().as('n'), fn.max('id').as('most')])
        .executeTakeFirst(),
    first: (condition, value) =>
      from(condition, value).select('mood').orderBy('id', 'desc').limit(1).execute(),
    close: () => db.destroy(),
  }
}

const typed = pgTable('typed', { id: integer().primaryKey(), mood: text(), day: text() })

function drizzleReader(pool: pg.Pool, sluice: Sluice | undefined): Reader {
  const client = sluice === undefined ? pool : withSluiceDrizzle(pool, sluice)
  const db = drizzle({ client })
  const on = (condition: string, value: unknown) => {
    const [before = '', after = ''] = condition.split('?')
    return drizzleSql`${drizzleSql.raw(before)}${value}${drizzleSql.raw(after)}`
  }
  return {
    rows: async (condition, value) =>
      await db.select().from(typed).where(on(condition, value)).orderBy(typed.id),
    count: async (condition, value) => await db.$count(typed, on(condition, value)),
    first: async (condition, value) =>
      await db
        .select({ mood: typed.mood })
        .from(typed)
        .where(on(condition, value))
        .orderBy(drizzleSql`${typed.id} desc`)
        .limit(1),
    close: () => client.end(),
  }
}

const open = { Kysely: kyselyReader, Drizzle: drizzleReader }

describe.skipIf(postgresql?.skipped !== undefined)('keys with casts on PostgreSQL', () => {
  let database: Database
  const opened: { close(): Promise<unknown> }[] = []

  beforeAll(async () => {
    database = (await postgresql?.connect()) as Database
    await database.exec(TABLE)
  })
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
  })
  afterAll(() => database?.drop())

  /** The ORM without Sluice, and with a Sluice whose catalog is known. */
  async function both(orm: keyof typeof open, options = ''): Promise<[bare: Reader, own: Reader, Sluice]> {
    const sluice = createSluice({ mode: 'optimize', cache: false })
    const pool = () => new pg.Pool({ connectionString: database.url, max: 4, options })
    const [bare, own] = [open[orm](pool(), undefined), open[orm](pool(), sluice)]
    opened.push(bare, own, sluice)
    await vi.waitUntil(async () => {
      await own.rows('id = ?', 1)
      return hostOf(sluice).catalogs.isKnown()
    }, TEST_MS)
    return [bare, own, sluice]
  }

  async function inScope(sluice: Sluice, reads: () => Promise<unknown>): Promise<[unknown, number]> {
    const scope = sluice.openScope('test')
    const value = await scope.enter(reads)
    return [value, scope.end().queries]
  }

  describe.each(['Kysely', 'Drizzle'] as const)('in %s', (orm) => {
    it('are batched if they are cast to the type of the column', async () => {
      const [bare, own, sluice] = await both(orm)
      for (const [condition, values] of BATCHED)
        for (const read of ['rows', 'count', 'first'] as const) {
          const all = (reader: Reader) => Promise.all(values.map((value) => reader[read](condition, value)))
          const [found, queries] = await inScope(sluice, () => all(own))
          expect(found, condition).toEqual(await all(bare))
          expect(queries, `${read} ${condition}`).toBeLessThan(values.length)
        }
    })

    it('run individually if two of them could be one', async () => {
      const [bare, own, sluice] = await both(orm)
      for (const [condition, values] of INDIVIDUAL) {
        const all = (reader: Reader) => Promise.all(values.map((value) => reader.rows(condition, value)))
        const [found, queries] = await inScope(sluice, () => all(own))
        expect(found, condition).toEqual(await all(bare))
        expect(queries, condition).toBe(values.length)
      }
    })

    it('reject only the caller whose key is invalid', async () => {
      const [bare, own, sluice] = await both(orm)
      for (const [condition, values, code, sent] of INVALID) {
        const all = (reader: Reader) =>
          Promise.allSettled(values.map((value) => reader.rows(condition, value)))
        const expected = await all(bare)
        const [found, queries] = await inScope(sluice, () => all(own))
        expect(found, condition).toEqual(expected)
        expect(queries, condition).toBe(sent)
        expect(expected.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
        const { reason } = expected[1] as { readonly reason: { code?: string; cause?: { code?: string } } }
        expect(reason.code ?? reason.cause?.code, condition).toBe(code)
      }
    })
  })

  it('run individually if the session writes dates in another form', async () => {
    const [bare, own, sluice] = await both('Kysely', '-c datestyle=German')
    const all = (reader: Reader) => Promise.all(days.map((day) => reader.rows('day = ?::date', day)))
    const [found] = await inScope(sluice, () => all(own))
    expect(found).toEqual(await all(bare))
  })
})
