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
} from '../../../../packages/cli/src/connect/open-connection.ts'
import { type Clinic, type ClinicTable, type ClinicValue, clinicDdl, clinicTables } from './clinic-tables.ts'

/** A database with the rows of the clinic. */
export interface ClinicDatabase {
  readonly dialect: Dialect
  readonly connection: OpenConnection
  close(): Promise<void>
}

const CHUNK = 1_000

/** @param url - An empty database. Default: a new SQLite file. */
export async function openClinic(dialect: Dialect, clinic: Clinic, url = ''): Promise<ClinicDatabase> {
  if (dialect === 'sqlite') return openOnSqlite(clinic)
  const client = dialect === 'postgresql' ? await postgresClient(url) : await mysqlClient(url)
  for (const statement of clinicDdl(dialect)) await client.query(statement)
  await client.query('BEGIN')
  for (const [table, rows] of chunksOf(clinic)) {
    const tuples = rows.map((row) => `(${row.map(literal).join(', ')})`)
    await client.query(`INSERT INTO ${table} VALUES ${tuples.join(', ')}`)
  }
  await client.query('COMMIT')
  // Autovacuum does not analyze partitioned tables, only their partitions.
  if (dialect === 'postgresql') await analyzePartitions(client)
  else await client.query(`ANALYZE TABLE ${clinicTables.join(', ')}`)
  await client.end()
  const connection = await openConnection(url)
  return { dialect, connection, close: () => connection.close() }
}

interface Client {
  query(sql: string): Promise<unknown>
  end(): Promise<void>
}

async function postgresClient(connectionString: string): Promise<Client> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  return client
}

async function mysqlClient(uri: string): Promise<Client> {
  const client = await createConnection({ uri })
  return { query: (sql) => client.query(sql), end: () => client.end() }
}

async function analyzePartitions(client: Client): Promise<void> {
  const tables = clinicDdl('postgresql').filter((sql) => !sql.includes('PARTITION BY'))
  const parts = tables.flatMap((sql) => /^CREATE TABLE (\w+)/.exec(sql)?.[1] ?? [])
  for (const table of parts) await client.query(`VACUUM (ANALYZE) ${table}`)
}

async function openOnSqlite(clinic: Clinic): Promise<ClinicDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-clinic-'))
  const filename = join(folder, 'clinic.db')
  const file = openDatabase(filename)
  file.exec(`${clinicDdl('sqlite').join('; ')}; BEGIN`)
  for (const [table, rows] of chunksOf(clinic)) {
    const insert = file.prepare(`INSERT INTO ${table} VALUES (${(rows[0] ?? []).map(() => '?').join(', ')})`)
    for (const row of rows) insert.run(...row)
  }
  file.exec('COMMIT; ANALYZE')
  file.close()
  const connection = await openSqlite(filename, true)
  return {
    dialect: 'sqlite',
    connection,
    async close() {
      await connection.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function* chunksOf(clinic: Clinic): Generator<readonly [ClinicTable, ClinicValue[][]]> {
  for (const table of clinicTables) {
    const size = clinic.sizes[table]
    for (let from = 1; from <= size; from += CHUNK) {
      const count = Math.min(CHUNK, size + 1 - from)
      yield [table, Array.from({ length: count }, (_, at) => clinic.row(table, from + at))]
    }
  }
}

function literal(value: ClinicValue): string {
  if (value === null) return 'NULL'
  return typeof value === 'number' ? String(value) : `'${value}'`
}
