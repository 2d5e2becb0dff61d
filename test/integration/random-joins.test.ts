import { createSluice, type Sluice } from '@sluice/core'
import { sluiceMysql2Pool, sluicePool } from '@sluice/core/adapter'
import { withSluice } from '@sluice/kysely'
import { CompiledQuery, Kysely } from 'kysely'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'
import { kyselyDialect } from '../support/kysely-harness.ts'
import { TEST_MS } from '../support/patience.ts'
import { Random } from '../support/random.ts'
import { joinedRows, joinedTables, RandomJoins, type RandomSelect } from '../support/random-joins.ts'

const SELECTS = Number(process.env.SLUICE_TEST_SELECTS ?? 400)
const seed = Number(process.env.SLUICE_SEED ?? 20_260_101)
const KEYS = 6

type Query = (sql: string, params: readonly unknown[], isArray: boolean) => Promise<readonly unknown[]>

interface Client {
  readonly query: Query
  close(): Promise<unknown>
}

function open(database: Database, sluice?: Sluice): Client {
  const { dialect, url } = database
  if (dialect === 'postgresql') {
    const bare = new pg.Pool({ connectionString: url, max: 3 })
    const pool = sluice === undefined ? bare : sluicePool(bare, sluice)
    const query: Query = async (text, values, isArray) => {
      const config = { text, values: [...values], ...(isArray ? { rowMode: 'array' as const } : {}) }
      return (await pool.query(config)).rows
    }
    return { query, close: () => pool.end() }
  }
  if (dialect === 'mysql') {
    const bare = mysql.createPool({ uri: url, connectionLimit: 3 })
    const pool = sluice === undefined ? bare : sluiceMysql2Pool(bare, sluice)
    const query: Query = async (sql, values, rowsAsArray) =>
      (await pool.query({ sql, values: [...values], rowsAsArray }))[0] as readonly unknown[]
    return { query, close: () => pool.end() }
  }
  const kysely = kyselyDialect(database)
  const db = new Kysely({ dialect: sluice === undefined ? kysely : withSluice(kysely, sluice) })
  const query: Query = async (sql, params) =>
    (await db.executeQuery(CompiledQuery.raw(sql, [...params]))).rows
  return { query, close: () => db.destroy() }
}

/** The rows of each key, all requested concurrently. */
async function rowsOf(
  { query }: Client,
  { sql, isOrdered, params }: RandomSelect,
  keys: readonly (readonly unknown[])[],
  isArray: boolean,
): Promise<readonly unknown[]> {
  const read = async (key: readonly unknown[]) => {
    try {
      const rows = await query(sql, params(key), isArray)
      return isOrdered ? rows : rows.map((row) => JSON.stringify(row)).sort()
    } catch (error) {
      return (error as Error).message
    }
  }
  return Promise.all(keys.map(read))
}

describe.each(databases())('random selects with joins on $name', ({ connect, dialect, skipped }) => {
  it.skipIf(skipped !== undefined)(
    'return the same rows for many keys together as for each key',
    { timeout: TEST_MS },
    async () => {
      const database = await connect()
      const random = new Random(seed)
      await database.exec(joinedTables(dialect))
      for (const statement of joinedRows(random)) await database.exec(statement)
      const sluice = createSluice({ mode: 'optimize', cache: false, prefetch: false })
      const [bare, own] = [open(database), open(database, sluice)]
      try {
        await own.query('select 1 from author', [], false)
        await catalogsRead(sluice)
        const make = new RandomJoins(dialect, random)
        let batched = 0
        for (let at = 0; at < SELECTS; at += 1) {
          const select = make.read()
          const keys = Array.from({ length: KEYS }, () => select.key())
          const isArray = random.chance(0.5)
          const expected = await rowsOf(bare, select, keys, isArray)
          const before = sluice.queries.getStats().batched
          const found = await sluice.run(() => rowsOf(own, select, keys, isArray))
          expect(found, select.sql).toStrictEqual(expected)
          if (sluice.queries.getStats().batched > before) batched += 1
        }
        // Selects that all run individually would prove nothing.
        expect(batched / SELECTS).toBeGreaterThan(0.3)
      } finally {
        await Promise.all([bare.close(), own.close()])
        await sluice.close()
        await database.drop()
      }
    },
  )
})
