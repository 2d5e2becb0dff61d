// What Sluice costs where it gains nothing: one row by key on SQLite, against the same without Sluice.
import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { createSluice, type Sluice, type SluiceOptions } from '@sluice/core'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import Database from 'better-sqlite3'
import knex, { type Knex } from 'knex'
import { PrismaClient } from '../generated/sqlite/client/client.js'
import { schema } from '../generated/sqlite/sluice/index.js'
import { benchOptions, type Contender, type Figure, type Measured, measure, type Operation, printTable, serveContender } from './harness.ts'

const ROWS = 300
const FILE = 'SLUICE_BENCH_FILE'

/** Detection sees one place asking again and again, which is what this is: it is part of the cost. */
const OBSERVE: SluiceOptions = { mode: 'observe' }
const OPTIMIZE: SluiceOptions = { mode: 'optimize', cache: false }

/** What carries a request through an app, as most apps have it; without it the first user of one pays for all. */
const request = new AsyncLocalStorage<object>()
type Scope = (fn: () => Promise<void>) => Promise<void>
const inRequest: Scope = (fn) => request.run({}, fn)
const inScope =
  (sluice: Sluice): Scope =>
  (fn) =>
    sluice.run(fn)

function operation(scope: Scope, find: (id: number) => PromiseLike<unknown>, close: () => Promise<unknown>): Operation {
  let id = 0
  return {
    run: (iterations) =>
      scope(async () => {
        for (let i = 0; i < iterations; i += 1) {
          id = (id % ROWS) + 1
          await find(id)
        }
      }),
    close: async () => void (await close()),
  }
}

const filename = () => process.env[FILE] ?? ''

async function openPrisma(options?: SluiceOptions): Promise<Operation> {
  const adapter = new PrismaBetterSqlite3({ url: `file:${filename()}` })
  if (options === undefined) {
    const client = new PrismaClient({ adapter })
    const bare = client.$extends({ query: { $allOperations: ({ args, query }) => query(args) } })
    return operation(
      inRequest,
      (id) => bare.author.findUnique({ where: { id } }),
      () => client.$disconnect(),
    )
  }
  const sluice = createSluice(options)
  const client = new PrismaClient({ adapter: sluiceAdapter(adapter, sluice) })
  const extended = client.$extends(withSluice(sluice, { schema }))
  return operation(
    inScope(sluice),
    (id) => extended.author.findUnique({ where: { id } }),
    () => client.$disconnect(),
  )
}

async function openKnex(options?: SluiceOptions): Promise<Operation> {
  const db: Knex = knex({ client: 'better-sqlite3', connection: { filename: filename() }, useNullAsDefault: true })
  const sluice = options === undefined ? undefined : createSluice(options)
  if (sluice !== undefined) withSluiceKnex(db, sluice)
  return operation(
    sluice === undefined ? inRequest : inScope(sluice),
    (id) => db('authors').where({ id }).first(),
    () => db.destroy(),
  )
}

const prisma: readonly Contender[] = [
  { name: 'Prisma, no-op extension', open: () => openPrisma() },
  { name: 'Prisma, observe', open: () => openPrisma(OBSERVE) },
  { name: 'Prisma, optimize, cache off', open: () => openPrisma(OPTIMIZE) },
]
const onKnex: readonly Contender[] = [
  { name: 'Knex, bare', open: () => openKnex() },
  { name: 'Knex, observe', open: () => openKnex(OBSERVE) },
  { name: 'Knex, optimize, cache off', open: () => openKnex(OPTIMIZE) },
]

function figure(id: string, base: Measured | undefined, measured: Measured | undefined, target: number): Figure {
  const value = ((measured?.ratio ?? Number.NaN) - 1) * 100
  const against = { [base?.name ?? '']: base?.cpuUs ?? Number.NaN }
  return { area: 'overhead', id, value, unit: '%', target, ok: value <= target, against }
}

function createDatabase(path: string): void {
  const database = new Database(path)
  database.exec(readFileSync(new URL('../generated/sqlite/schema.sql', import.meta.url), 'utf8'))
  const insert = database.prepare(`INSERT INTO authors (email, full_name, updated_at) VALUES (?, ?, '2026-01-01T00:00:00.000+00:00')`)
  for (let i = 1; i <= ROWS; i += 1) insert.run(`a${i}@example.org`, `Author ${i}`)
  database.close()
}

async function main(): Promise<void> {
  const { json, quick } = benchOptions()
  const rounds = quick ? 21 : 61
  if (!json) console.log(`Node ${process.version}, medians of ${rounds} interleaved rounds, CPU time; each contender in its own process`)
  const figures: Figure[] = []
  const compare = async (title: string, contenders: readonly Contender[], iterations: number, ids: readonly [string, number][]) => {
    const measured = await measure(contenders, rounds, iterations)
    const found = ids.map(([id, target], at) => figure(id, measured[0], measured[at + 1], target))
    figures.push(...found)
    if (!json) printTable(title, measured, found)
  }
  await compare('Prisma findUnique, SQLite', prisma, 200, [['prisma.observe', 5], ['prisma.optimize', 5]]) // biome-ignore format: a table
  await compare('Knex first(), SQLite', onKnex, 800, [['knex.observe', 8], ['knex.optimize', 10]]) // biome-ignore format: a table
  if (json) for (const one of figures) console.log(JSON.stringify(one))
}

if (!(await serveContender([...prisma, ...onKnex]))) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  try {
    process.env[FILE] = join(folder, 'bench.db')
    createDatabase(process.env[FILE])
    await main()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
