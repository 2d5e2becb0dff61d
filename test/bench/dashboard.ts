// The cost of an unused dashboard for the requests of an app: ten lookups in a scope on SQLite, with and
// without a dashboard.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { createSluice, type Sluice } from '@sluice/core'
import { createDashboard } from '@sluice/dashboard'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import Database from 'better-sqlite3'
import knex from 'knex'
import { PrismaClient } from '../generated/sqlite/client/client.js'
import { schema } from '../generated/sqlite/sluice/index.js'
import {
  benchOptions,
  type Contender,
  type Figure,
  measure,
  type Operation,
  printTable,
  serveContender,
} from './harness.ts'

const ROWS = 300
const QUERIES = 10
const FILE = 'SLUICE_BENCH_FILE'

const filename = () => process.env[FILE] ?? ''

function requests(
  sluice: Sluice,
  find: (id: number) => PromiseLike<unknown>,
  close: () => Promise<unknown>,
): Operation {
  let id = 0
  const request = async () => {
    for (let i = 0; i < QUERIES; i += 1) {
      id = (id % ROWS) + 1
      await find(id)
    }
  }
  return {
    run: async (iterations) => {
      for (let i = 0; i < iterations; i += 1) await sluice.run(request, { name: 'GET /authors' })
    },
    close: async () => void (await close()),
  }
}

function observing(hasDashboard: boolean): Sluice {
  const sluice = createSluice({ mode: 'observe' })
  if (hasDashboard) createDashboard(sluice, { announce: false, authorize: () => true })
  return sluice
}

async function openKnex(hasDashboard: boolean): Promise<Operation> {
  const sluice = observing(hasDashboard)
  const db = withSluiceKnex(
    knex({ client: 'better-sqlite3', connection: { filename: filename() }, useNullAsDefault: true }),
    sluice,
  )
  return requests(
    sluice,
    (id) => db('authors').where({ id }).first(),
    () => db.destroy(),
  )
}

async function openPrisma(hasDashboard: boolean): Promise<Operation> {
  const sluice = observing(hasDashboard)
  const client = new PrismaClient({
    adapter: sluiceAdapter(new PrismaBetterSqlite3({ url: `file:${filename()}` }), sluice),
  })
  const extended = client.$extends(withSluice(sluice, { schema }))
  return requests(
    sluice,
    (id) => extended.author.findUnique({ where: { id } }),
    () => client.$disconnect(),
  )
}

const onKnex: readonly Contender[] = [
  { name: 'Knex, observe', open: () => openKnex(false) },
  { name: 'Knex, observe, dashboard', open: () => openKnex(true) },
]
const onPrisma: readonly Contender[] = [
  { name: 'Prisma, observe', open: () => openPrisma(false) },
  { name: 'Prisma, observe, dashboard', open: () => openPrisma(true) },
]

async function main(): Promise<void> {
  const { json, quick } = benchOptions()
  const rounds = quick ? 21 : 61
  if (!json)
    console.log(
      `Node ${process.version}, medians of ${rounds} interleaved rounds, CPU time; each contender in its own process`,
    )
  const figures: Figure[] = []
  const compare = async (
    title: string,
    contenders: readonly Contender[],
    iterations: number,
    id: string,
    target: number,
  ) => {
    const [base, measured] = await measure(contenders, rounds, iterations)
    const value = ((measured?.ratio ?? Number.NaN) - 1) * 100
    const against = { [base?.name ?? '']: base?.cpuUs ?? Number.NaN }
    const found: Figure = { area: 'dashboard', id, value, unit: '%', target, ok: value <= target, against }
    figures.push(found)
    if (!json)
      printTable(title, base === undefined || measured === undefined ? [] : [base, measured], [found])
  }
  await compare(`Knex: ${QUERIES} lookups a request, SQLite`, onKnex, 80, 'knex.dashboard', 20)
  await compare(`Prisma: ${QUERIES} lookups a request, SQLite`, onPrisma, 20, 'prisma.dashboard', 20)
  if (json) for (const one of figures) console.log(JSON.stringify(one))
}

if (!(await serveContender([...onKnex, ...onPrisma]))) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  try {
    process.env[FILE] = join(folder, 'bench.db')
    const database = new Database(process.env[FILE])
    database.exec(readFileSync(new URL('../generated/sqlite/schema.sql', import.meta.url), 'utf8'))
    const insert = database.prepare(
      `INSERT INTO authors (email, full_name, updated_at) VALUES (?, ?, '2026-01-01T00:00:00.000+00:00')`,
    )
    for (let i = 1; i <= ROWS; i += 1) insert.run(`a${i}@example.org`, `Author ${i}`)
    database.close()
    await main()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
