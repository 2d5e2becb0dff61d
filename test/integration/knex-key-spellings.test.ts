import { createSluice, type Dialect, type Sluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, knexDatabases } from '../support/databases.ts'

const uuid = (id: number) => `a0eebc99-9c0b-4ef8-bb6d-6bb9bd38000${id}`

/** Columns in which one value has several spellings, or one spelling denotes several values. */
const TABLES: Readonly<Record<Dialect, string>> = {
  postgresql: `
    CREATE EXTENSION IF NOT EXISTS citext;
    CREATE COLLATION level1 (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
    CREATE COLLATION shifted (provider = icu, locale = 'und-u-ka-shifted', deterministic = false);
    CREATE TABLE odd (
      id int PRIMARY KEY, big bigint UNIQUE, u uuid, num numeric, small real, ip inet, tm time, mac macaddr, o oid, n name, c char(5),
      ci citext, word text, loose text COLLATE level1, shifted text COLLATE shifted
    );
    INSERT INTO odd SELECT i, i, ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd38000' || i)::uuid, i, i, ('10.0.0.' || i)::inet, make_time(i, 0, 0),
      ('08:00:2b:01:02:0' || i)::macaddr, i, repeat('x', 62) || i, 'c' || i, 'Ci' || i, 'w' || i,
      (ARRAY['strasse', 'aether', 'o', 'd'])[i], (ARRAY['a-b', 'c', 'd', 'e'])[i] FROM generate_series(1, 4) i;
    INSERT INTO odd (id, big, o, small) VALUES (8, 9007199254740993, 4294967295, 16777216), (9, 9007199254740992, NULL, NULL);`,
  mysql: `
    CREATE TABLE odd (
      id int PRIMARY KEY, big bigint UNIQUE, u uuid, num decimal(10, 2), small float, tm time, d date, y year, e enum('2', '1'), s set('2', '1'), word varchar(30),
      lt varchar(30) COLLATE utf8mb4_lithuanian_ci, roman varchar(30) COLLATE utf8mb4_roman_ci, mac varchar(30) CHARACTER SET macce
    );
    INSERT INTO odd VALUES
      (1, 7, '${uuid(1)}', 7, 16777216, '10:00:00', '2024-01-01', 2024, '2', '2', '9007199254740993', 'ypa', 'ja', 'ma'),
      (2, 3, '${uuid(2)}', 3, 16777218, '11:00:00', '2024-01-02', 2025, '1', '1', '7', 'x', 'u', 'x'),
      (3, 9007199254740993, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '07', NULL, NULL, NULL),
      (4, 9007199254740992, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);`,
  sqlite: `
    CREATE TABLE odd (id integer PRIMARY KEY, big bigint UNIQUE, num numeric, word text, bare, nc varchar(9) COLLATE nocase, rt text COLLATE rtrim);
    INSERT INTO odd VALUES (1, 7, 7, '7', '7', 'a', 'x '), (2, 3, 8, '07', 8, 'B', 'y'), (3, 9007199254740993, 7.5, '7.0', 7, 'c', NULL);`,
}

type Cases = Readonly<Record<string, readonly (readonly unknown[])[]>>

const CASES: Readonly<Record<Dialect, Cases>> = {
  postgresql: {
    big: [
      ['7', '07', '3', '03', '+3', ' 4', '1', '-0', '0'],
      ['9007199254740993', '9007199254740992'],
      [9007199254740993n, 9007199254740992n],
    ],
    u: [[uuid(1), uuid(1).replaceAll('-', ''), `{${uuid(2)}}`, uuid(3), uuid(4).toUpperCase()]],
    num: [
      ['1', '1.0', '2'],
      [1, 2],
    ],
    small: [
      [16777216, 16777217],
      ['1', '1.0'],
    ],
    ip: [['10.0.0.3', '10.0.0.3/32', '10.0.0.1']],
    tm: [['03:00:00', '3:00', '03:00', '01:00:00']],
    mac: [['08:00:2b:01:02:03', '08-00-2b-01-02-03', '08002b010203']],
    o: [
      ['-1', '4294967295', '1'],
      [-1, 4294967295, 1],
    ],
    n: [[`${'x'.repeat(62)}1`, `${'x'.repeat(62)}1yyy`]],
    c: [['c1', 'c1   ', 'c2']],
    ci: [['ci1', 'CI1', 'Ci2', 'ci3']],
    word: [['w1', 'W1', 'w2', '\ud800', '\ufffd']],
    loose: [['strasse', 'straße', 'aether', 'æther', 'o', 'ø', 'd', 'đ']],
    shifted: [['a-b', 'ab', 'a b', 'c']],
  },
  mysql: {
    big: [
      ['7', '07', '3', ' 3'],
      ['9007199254740993', '9007199254740992'],
      [9007199254740993n, 9007199254740992n],
      [7, 3],
    ],
    u: [[uuid(1), uuid(1).replaceAll('-', ''), uuid(2)]],
    num: [
      ['7.00', '7', '3'],
      [7, 3],
    ],
    small: [[16777216, 16777217, 16777218, 16777200]],
    tm: [['10:00:00', '10:00', '100000', '11:00:00']],
    d: [['2024-01-01', '2024-1-1', '20240101', '2024-01-02']],
    y: [
      [24, 2024, 2025],
      ['24', '2024'],
    ],
    e: [
      [1, 2],
      ['1', '2'],
    ],
    s: [
      [1, 2],
      ['1', '2'],
    ],
    word: [
      [9007199254740993n, 9007199254740992n],
      [7, 3],
      ['7', '07', '7 ', '7\u0001'],
    ],
    lt: [['ypa', 'ipa', 'x']],
    roman: [['ja', 'ia', 'v', 'u']],
    mac: [['ma', 'na', 'x']],
  },
  sqlite: {
    big: [
      ['7', '07', '3', '7.0'],
      ['9007199254740993', '9007199254740992'],
      [9007199254740993n, 9007199254740992n],
      [7, 3],
    ],
    num: [
      ['7', '7.0', '8'],
      [7, 8],
    ],
    word: [
      [7, 8],
      [7n, 8n],
      ['7', '07', '7.0'],
    ],
    bare: [
      [7, 8],
      ['7', '8'],
    ],
    nc: [['a', 'A', 'b', 'c']],
    rt: [['x', 'x ', 'y']],
  },
}

/** Keys in these columns have one spelling, and are batched. */
const PLAIN: Readonly<Record<Dialect, Cases>> = {
  postgresql: {
    id: [
      [1, 2, 3],
      ['1', '2', '3'],
    ],
    big: [['1', '2', '9007199254740993']],
    u: [[uuid(1), uuid(2)]],
    word: [
      ['w1', 'w2'],
      [1, 2],
    ],
  },
  mysql: {
    id: [
      [1, 2, 3],
      ['1', '2', '3'],
    ],
    big: [['7', '3']],
    u: [[uuid(1), uuid(2)]],
    word: [['7', 'x']],
  },
  sqlite: {
    id: [
      [1, 2, 3],
      ['1', '2', '3'],
    ],
    big: [['7', '3']],
    word: [['7', 'x']],
    nc: [['a', 'c']],
  },
}

const METHODS: Readonly<Record<string, (of: Knex.QueryBuilder) => Knex.QueryBuilder>> = {
  rows: (of) => of.orderBy('id').select('id'),
  first: (of) => of.orderBy('id').first('id'),
  count: (of) => of.count('* as n'),
}

describe.each(knexDatabases())('key spellings on Knex and $name', ({ dialect, client, skipped, connect }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    const sluice: Sluice = createSluice({ mode: 'optimize', cache: false })
    let database: Database
    let bare: Knex
    let db: Knex
    let asText: { readonly bare: Knex; readonly db: Knex } | undefined
    beforeAll(async () => {
      database = await connect()
      await database.exec(TABLES[dialect])
      bare = knex(database.knexConfig())
      db = withSluice(knex(database.knexConfig()), sluice)
      if (dialect === 'mysql') {
        const config = {
          client,
          connection: `${database.url}?dateStrings=true&supportBigNumbers=true&bigNumberStrings=true`,
        }
        asText = { bare: knex(config), db: withSluice(knex(config), sluice) }
      }
      for (const one of [db, asText?.db]) {
        if (one === undefined) continue
        await one('odd').first()
        while (hostOf(sluice).catalogs.catalog(dialect) === undefined)
          await new Promise((resolve) => setImmediate(resolve))
      }
    })
    afterAll(async () => {
      await Promise.all([bare, db, asText?.bare, asText?.db].map((one) => one?.destroy()))
      await sluice.close()
      await database.drop()
    })

    const read = (on: Knex, column: string, keys: readonly unknown[], method: string) =>
      Promise.all(
        keys.map((key) =>
          METHODS[method]?.(on('odd').where(column, key as string)).then(
            (found: unknown) => found,
            (error: { code?: unknown }) => error.code,
          ),
        ),
      )

    it.each(Object.entries(CASES[dialect]))(
      '%s returns the same results as without Sluice',
      async (column, lists) => {
        for (const keys of lists) {
          for (const method of Object.keys(METHODS)) {
            for (const pair of [{ bare, db }, ...(asText === undefined ? [] : [asText])]) {
              const expected = await read(pair.bare, column, keys, method)
              expect(
                await sluice.run(() => read(pair.db, column, keys, method)),
                `${method} by ${keys.join()}`,
              ).toEqual(expected)
            }
          }
        }
      },
    )

    it.each(Object.entries(PLAIN[dialect]))('%s is batched if it has one spelling', async (column, lists) => {
      for (const keys of lists) {
        const before = sluice.queries.getStats().batched
        expect(await sluice.run(() => read(db, column, keys, 'rows'))).toEqual(
          await read(bare, column, keys, 'rows'),
        )
        expect(sluice.queries.getStats().batched - before, keys.join()).toBe(keys.length - 1)
      }
    })

    it('counts why the other keys are not batched', () => {
      const { passedThrough, errors } = sluice.queries.getStats()
      expect(errors).toBe(0)
      expect(passedThrough['batch:NON_CANONICAL_KEY']).toBeGreaterThan(0)
      expect(passedThrough['batch:UNSUPPORTED_COLUMN_TYPE']).toBeGreaterThan(0)
    })
  })
})
