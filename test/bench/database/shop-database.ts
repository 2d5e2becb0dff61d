import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Dialect } from '@sluice/core'
import openDatabase from 'better-sqlite3'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import {
  type OpenConnection,
  openConnection,
  openSqlite,
} from '../../../packages/cli/src/connect/open-connection.ts'
import { startMariadb } from '../../services/mariadb.ts'
import { onPostgres, startPostgres } from '../../services/postgres.ts'
import { databaseOf, withDatabase } from '../../services/service.ts'
import type { Shop } from './shop.ts'
import { shopRows, type Value } from './shop-rows.ts'
import { shopDdl, shopTable } from './shop-tables.ts'
import { boundValue } from './statement-text.ts'
import { SessionTimer, SqliteTimer, type StatementTimer } from './time-statement.ts'

/** A database with the shop's rows in it. */
export interface ShopDatabase {
  readonly name: 'SQLite' | 'PostgreSQL' | 'MariaDB'
  readonly dialect: Dialect
  /** One session. */
  readonly connection: OpenConnection
  readonly rows: number
  readonly loadMs: number
  readonly timer: StatementTimer
  /** Creates the planner's statistics, which the database otherwise creates automatically after a while. */
  analyze(): Promise<void>
  close(): Promise<void>
}

const CHUNK = 2_000

export async function openSqliteShop(shop: Shop): Promise<ShopDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-shop-'))
  const filename = join(folder, 'shop.db')
  const startedAt = performance.now()
  const file = openDatabase(filename)
  file.pragma('journal_mode = WAL')
  const { before, after } = shopDdl('sqlite')
  file.exec(`${before} BEGIN`)
  file.pragma('foreign_keys = OFF')
  const rows = await load(shop, async (table, chunk) => {
    const insert = file.prepare(
      `INSERT INTO ${table} VALUES (${shopTable(table)
        .columns.map(() => '?')
        .join(', ')})`,
    )
    for (const row of chunk) insert.run(...row.map((value) => boundValue(value, 'sqlite')))
  })
  file.exec(`COMMIT; ${after} ANALYZE`)
  file.close()
  const loadMs = performance.now() - startedAt
  const connection = await openSqlite(filename, true)
  const timer = new SqliteTimer(filename)
  return {
    name: 'SQLite',
    dialect: 'sqlite',
    connection,
    rows,
    loadMs,
    timer,
    analyze: async () => void (await connection.query('ANALYZE')),
    async close() {
      timer.close()
      await connection.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** @throws ServiceUnavailableError if this machine has no PostgreSQL. */
export async function openPostgresShop(shop: Shop): Promise<ShopDatabase> {
  const service = await startPostgres()
  const name = `${databaseOf(service.url)}_shop`
  // Strings in a natural-language order, as in most databases: indexes serve prefixes only with special
  // operator classes.
  await onPostgres(
    service.url,
    `CREATE DATABASE ${name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C.UTF-8'`,
  )
  const url = withDatabase(service.url, name)
  const startedAt = performance.now()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { before, after } = shopDdl('postgresql')
  await client.query(before)
  const rows = await load(shop, async (table, chunk) => {
    const names = shopTable(table).columns.map((column) => column.name)
    const records = chunk.map((row) => Object.fromEntries(names.map((column, at) => [column, row[at]])))
    await client.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1)`, [
      JSON.stringify(records),
    ])
  })
  await client.query(after)
  await client.query('CREATE EXTENSION IF NOT EXISTS pg_trgm').catch(() => {})
  await client.query('VACUUM (ANALYZE)')
  await client.end()
  const loadMs = performance.now() - startedAt
  const connection = await openConnection(url)
  // Otherwise the first calls wait for the compiler.
  await connection.query('SET jit = off')
  return {
    name: 'PostgreSQL',
    dialect: 'postgresql',
    connection,
    rows,
    loadMs,
    timer: new SessionTimer(connection),
    analyze: async () => void (await connection.query('VACUUM (ANALYZE)')),
    async close() {
      await connection.close()
      await service.stop()
    },
  }
}

/** @throws ServiceUnavailableError if this machine has no MariaDB. */
export async function openMariadbShop(shop: Shop): Promise<ShopDatabase> {
  const service = await startMariadb()
  const startedAt = performance.now()
  const client = await createConnection({ uri: service.url, multipleStatements: true })
  const { before, after } = shopDdl('mysql')
  await client.query(before)
  await client.query('SET unique_checks = 0, foreign_key_checks = 0; BEGIN')
  const tables = new Set<string>()
  const rows = await load(shop, async (table, chunk) => {
    tables.add(table)
    await client.query(`INSERT INTO ${table} VALUES ?`, [chunk])
  })
  await client.query(`COMMIT; ${after} ANALYZE TABLE ${[...tables].join(', ')}`)
  await client.end()
  const loadMs = performance.now() - startedAt
  const connection = await openConnection(service.url)
  return {
    name: 'MariaDB',
    dialect: 'mysql',
    connection,
    rows,
    loadMs,
    timer: new SessionTimer(connection),
    analyze: async () => void (await connection.query(`ANALYZE TABLE ${[...tables].join(', ')}`)),
    async close() {
      await connection.close()
      await service.stop()
    },
  }
}

async function load(
  shop: Shop,
  insert: (table: string, rows: readonly (readonly Value[])[]) => Promise<void>,
): Promise<number> {
  let rows = 0
  for (const [table, make, size] of shopRows(shop)) {
    for (let from = 1; from <= size; from += CHUNK) {
      const count = Math.min(CHUNK, size + 1 - from)
      await insert(
        table,
        Array.from({ length: count }, (_, at) => make(from + at)),
      )
      rows += count
    }
  }
  return rows
}
