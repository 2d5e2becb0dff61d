// What Sluice costs where it gains nothing: one row by key on SQLite, against the same without Sluice. Spec figures: spec 3.4.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { createSluice, type Sluice } from '@sluice/core'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import Database from 'better-sqlite3'
import knex, { type Knex } from 'knex'
import { PrismaClient } from '../generated/sqlite/client/client.js'
import { schema } from '../generated/sqlite/sluice/index.js'
import { benchOptions, type Contender, type Figure, type Measured, measure, printTable } from './harness.ts'

const { json, quick } = benchOptions()
const rounds = quick ? 15 : 41
const ROWS = 300

const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
const filename = join(folder, 'bench.db')
const database = new Database(filename)
database.exec(readFileSync(new URL('../generated/sqlite/schema.sql', import.meta.url), 'utf8'))
const insert = database.prepare(`INSERT INTO authors (email, full_name, updated_at) VALUES (?, ?, '2026-01-01T00:00:00.000+00:00')`)
for (let i = 1; i <= ROWS; i += 1) insert.run(`a${i}@example.org`, `Author ${i}`)
database.close()

const closing: (() => Promise<unknown>)[] = []

function openPrisma(sluice?: Sluice) {
  const adapter = new PrismaBetterSqlite3({ url: `file:${filename}` })
  const client = new PrismaClient({ adapter: sluice === undefined ? adapter : sluiceAdapter(adapter, sluice) })
  closing.push(() => client.$disconnect())
  return client
}

function byId(find: (id: number) => PromiseLike<unknown>): Contender['run'] {
  let id = 0
  return async (iterations) => {
    for (let i = 0; i < iterations; i += 1) {
      id = (id % ROWS) + 1
      await find(id)
    }
  }
}

const inScope = (sluice: Sluice, run: Contender['run']): Contender['run'] => (iterations) => sluice.run(() => run(iterations))

function openKnex(sluice?: Sluice): Knex {
  const db = knex({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true })
  closing.push(() => db.destroy())
  return sluice === undefined ? db : withSluiceKnex(db, sluice)
}

/** Detection sees one place asking again and again, which is what this is: it is part of the cost. */
const observing = () => createSluice({ mode: 'observe' })
const optimizing = () => createSluice({ mode: 'optimize', cache: false })

function figure(id: string, base: Measured | undefined, measured: Measured | undefined, target: number): Figure {
  const value = ((measured?.ratio ?? Number.NaN) - 1) * 100
  const against = { [base?.name ?? '']: base?.cpuUs ?? Number.NaN }
  return { area: 'overhead', id, value, unit: '%', target, ok: value <= target, against }
}

async function prismaFigures(): Promise<Figure[]> {
  const bare = openPrisma().$extends({ query: { $allOperations: ({ args, query }) => query(args) } })
  const observe = observing()
  const optimize = optimizing()
  const observed = openPrisma(observe).$extends(withSluice(observe, { schema }))
  const optimized = openPrisma(optimize).$extends(withSluice(optimize, { schema }))
  const measured = await measure(
    [
      { name: 'no-op extension', run: byId((id) => bare.author.findUnique({ where: { id } })) },
      { name: 'observe', run: inScope(observe, byId((id) => observed.author.findUnique({ where: { id } }))) },
      { name: 'optimize, cache off', run: inScope(optimize, byId((id) => optimized.author.findUnique({ where: { id } }))) },
    ],
    rounds,
    quick ? 150 : 250,
  )
  const [base, first, second] = measured
  const figures = [figure('prisma.observe', base, first, 5), figure('prisma.optimize', base, second, 5)]
  if (!json) printTable('Prisma findUnique, SQLite', measured, figures)
  return figures
}

async function knexFigures(): Promise<Figure[]> {
  const bare = openKnex()
  const observe = observing()
  const optimize = optimizing()
  const observed = openKnex(observe)
  const optimized = openKnex(optimize)
  const first = (db: Knex) => byId((id) => db('authors').where({ id }).first())
  const measured = await measure(
    [
      { name: 'bare', run: first(bare) },
      { name: 'observe', run: inScope(observe, first(observed)) },
      { name: 'optimize, cache off', run: inScope(optimize, first(optimized)) },
    ],
    rounds,
    quick ? 800 : 1500,
  )
  const [base, second, third] = measured
  const figures = [figure('knex.observe', base, second, 8), figure('knex.optimize', base, third, 10)]
  if (!json) printTable('Knex first(), SQLite', measured, figures)
  return figures
}

if (!json) console.log(`Node ${process.version}, medians of ${rounds} interleaved rounds, CPU time`)
try {
  const figures = [...(await prismaFigures()), ...(await knexFigures())]
  if (json) for (const one of figures) console.log(JSON.stringify(one))
} finally {
  for (const close of closing) await close()
  rmSync(folder, { recursive: true, force: true })
}
