// Lists the functions and files of Sluice that one read by key runs, with each ORM. Drizzle is optimized on
// PostgreSQL only, and skipped if there is none.
// `npx tsx --conditions=@sluice/source test/bench/trace-read.ts [--functions]`. Needs the generated Prisma
// Client of the tests (`pnpm generate`). Counts come from V8's precise coverage, after the code is warm.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { createSluice, type Sluice, type SluiceOptions } from '@sluice/core'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { withSluice as withSluiceKysely } from '@sluice/kysely'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import Database from 'better-sqlite3'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import knex from 'knex'
import { Kysely, SqliteDialect } from 'kysely'
import pg from 'pg'
import { PrismaClient } from '../generated/sqlite/client/client.js'
import { schema } from '../generated/sqlite/sluice/index.js'
import { onPostgres, startPostgres } from '../services/postgres.ts'
import { ServiceUnavailableError, type TestService } from '../services/service.ts'

const ROOT = fileURLToPath(new URL('../../packages/', import.meta.url))
const WARM_UP = 30
/** Reads after those of the warm-up. */
const NEW_ID = 200

function createDatabase(filename: string): void {
  const database = new Database(filename)
  database.exec(readFileSync(new URL('../generated/sqlite/schema.sql', import.meta.url), 'utf8'))
  const insert = database.prepare(
    `INSERT INTO authors (email, full_name, updated_at) VALUES (?, ?, '2026-01-01T00:00:00.000+00:00')`,
  )
  for (let id = 1; id <= NEW_ID; id += 1) insert.run(`a${id}@example.org`, `Author ${id}`)
  database.close()
}

type Mode = NonNullable<SluiceOptions['mode']>
/** @param address - The file of SQLite, or the URL of PostgreSQL. */
type Open = (sluice: Sluice, address: string) => Reader

interface Reader {
  find(id: number): PromiseLike<unknown>
  close(): Promise<unknown>
}

function openPrisma(sluice: Sluice, filename: string): Reader {
  const adapter = sluiceAdapter(new PrismaBetterSqlite3({ url: `file:${filename}` }), sluice)
  const client = new PrismaClient({ adapter }).$extends(withSluice(sluice, { schema }))
  return { find: (id) => client.author.findUnique({ where: { id } }), close: () => client.$disconnect() }
}

function openKnex(sluice: Sluice, filename: string): Reader {
  const db = knex({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true })
  withSluiceKnex(db, sluice)
  return { find: (id) => db('authors').where({ id }).first(), close: () => db.destroy() }
}

function openKysely(sluice: Sluice, filename: string): Reader {
  const dialect = withSluiceKysely(new SqliteDialect({ database: new Database(filename) }), sluice)
  const db = new Kysely<{ authors: { id: number } }>({ dialect })
  const find = (id: number) => db.selectFrom('authors').selectAll().where('id', '=', id).executeTakeFirst()
  return { find, close: () => db.destroy() }
}

const authors = pgTable('authors', { id: integer().primaryKey(), email: text() })

function openDrizzle(sluice: Sluice, url: string): Reader {
  const pool = new pg.Pool({ connectionString: url })
  const db = drizzle({ client: withSluiceDrizzle(pool, sluice) })
  const find = (id: number) => db.select().from(authors).where(eq(authors.id, id)).limit(1)
  return { find, close: () => pool.end() }
}

async function openPostgres(): Promise<TestService | undefined> {
  try {
    const service = await startPostgres()
    await onPostgres(service.url, 'CREATE TABLE authors (id integer PRIMARY KEY, email text)')
    await onPostgres(
      service.url,
      `INSERT INTO authors SELECT id, 'a@example.org' FROM generate_series(1, ${NEW_ID}) id`,
    )
    return service
  } catch (error) {
    if (!(error instanceof ServiceUnavailableError)) throw error
    console.log(`Drizzle is skipped: ${error.message}`)
    return undefined
  }
}

/** By file, the names of the functions that ran, and how often each did. */
type Ran = ReadonlyMap<string, readonly (readonly [name: string, calls: number])[]>

/** The functions that ran since the last call, by file. */
async function takeFunctions(inspector: Session): Promise<Ran> {
  const { result } = await inspector.post('Profiler.takePreciseCoverage')
  const files = new Map<string, (readonly [string, number])[]>()
  for (const { url, functions } of result) {
    const path = url.startsWith('file://') ? fileURLToPath(url.replace(/\?.*$/, '')) : ''
    if (!path.startsWith(ROOT) || !path.includes('/src/')) continue
    // esbuild's helper that names functions.
    const calls = functions.map(
      ({ functionName, ranges }) => [functionName || '(anonymous)', ranges[0]?.count ?? 0] as const,
    )
    const ran = calls.filter(([name, count]) => count > 0 && name !== '__name')
    if (ran.length > 0) files.set(path.slice(ROOT.length), ran)
  }
  return files
}

async function trace(
  inspector: Session,
  open: Open,
  filename: string,
  mode: Mode,
  isHit: boolean,
): Promise<Ran> {
  const sluice = createSluice({ mode, cache: { ttl: 60 } })
  const { find, close } = open(sluice, filename)
  try {
    // The catalog is read in the background by the first read.
    for (let id = 1; id <= WARM_UP; id += 1) await sluice.run(() => find(id))
    await new Promise((resolve) => setTimeout(resolve, 100))
    for (let id = 1; id <= WARM_UP; id += 1) await sluice.run(() => find(id))
    return await sluice.run(async () => {
      await takeFunctions(inspector)
      const row = await find(isHit ? WARM_UP : NEW_ID)
      const files = await takeFunctions(inspector)
      if (row === undefined || row === null) throw new Error('The row was not found.')
      return files
    })
  } finally {
    await close()
    await sluice.close()
  }
}

const ways = [
  { title: 'observe', mode: 'observe', isHit: false },
  { title: 'optimize, cache miss', mode: 'optimize', isHit: false },
  { title: 'optimize, cache hit', mode: 'optimize', isHit: true },
] as const
const folder = mkdtempSync(join(tmpdir(), 'sluice-trace-'))
const inspector = new Session()
inspector.connect()
const postgres = await openPostgres()
try {
  const filename = join(folder, 'trace.db')
  createDatabase(filename)
  const orms = [
    { orm: 'Knex', open: openKnex, address: filename },
    { orm: 'Prisma', open: openPrisma, address: filename },
    { orm: 'Kysely', open: openKysely, address: filename },
    ...(postgres === undefined ? [] : [{ orm: 'Drizzle', open: openDrizzle, address: postgres.url }]),
  ]
  const cases = orms.flatMap((one) => ways.map((way) => ({ ...one, ...way })))
  await inspector.post('Profiler.enable')
  await inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  for (const { orm, open, address, title, mode, isHit } of cases) {
    const files = await trace(inspector, open, address, mode, isHit)
    const count = [...files.values()].reduce((sum, functions) => sum + functions.length, 0)
    console.log(`${orm}, ${title}: ${count} functions in ${files.size} files`)
    if (!process.argv.includes('--functions')) continue
    for (const [file, functions] of [...files].sort(([a], [b]) => (a < b ? -1 : 1)))
      console.log(
        `  ${file}: ${functions.map(([name, calls]) => (calls === 1 ? name : `${name} ×${calls}`)).join(', ')}`,
      )
  }
} finally {
  inspector.disconnect()
  await postgres?.stop()
  rmSync(folder, { recursive: true, force: true })
}
