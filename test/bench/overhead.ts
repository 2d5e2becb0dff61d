// The cost of Sluice for requests in which it gains nothing: scopes of 1, 5 and 20 queries, compared with the
// same app without Sluice, and with OpenTelemetry.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../services/postgres.ts'
import { ServiceUnavailableError, type TestService } from '../services/service.ts'
import { benchOptions, type Figure, type Measured, measure, printTable, serveContender } from './harness.ts'
import { contenders, type Orm, type Variant, variantsOf } from './overhead/contenders.ts'
import { fillPostgres, fillSqlite } from './overhead/fill.ts'
import { type DatabaseName, offer } from './overhead/opened-orm.ts'
import { PROGRAMS, type ProgramName } from './overhead/programs.ts'

const ORMS: readonly Orm[] = ['Knex', 'Prisma', 'Kysely', 'Drizzle']
const DATABASES: readonly DatabaseName[] = ['SQLite', 'PostgreSQL']

/**
 * CPU of a scope relative to the app without Sluice. `optimize` batches some of the concurrent reads, which
 * is a gain and not a target.
 */
const TARGETS: Readonly<Partial<Record<Variant, number>>> = {
  observe: 1.08,
  optimize: 1.2,
  'optimize, cache': 1.2,
}

/** `observe` adds at most this share of the CPU that OpenTelemetry adds. */
const SHARE_OF_TRACING = 0.25

/**
 * Range of the CPU reported by statistics relative to the CPU that Sluice adds, if it adds more than the
 * noise of a run.
 */
const LEAST_TOLD = 0.25
const MOST_TOLD = 1.5
const LEAST_ADDED = 0.1

/** Scopes per round: about 10 to 30 ms. */
const SCOPES: Readonly<Record<Orm, Readonly<Record<ProgramName, number>>>> = {
  Knex: { one: 400, five: 80, loop20: 25, all20: 25 },
  Prisma: { one: 80, five: 16, loop20: 5, all20: 5 },
  Kysely: { one: 400, five: 80, loop20: 25, all20: 25 },
  Drizzle: { one: 150, five: 40, loop20: 10, all20: 10 },
}

/** Quick runs measure each program with two of the ORMs, unless they are of one ORM. */
const QUICK: Readonly<Record<Orm, readonly ProgramName[]>> = {
  Knex: ['one', 'five'],
  Prisma: ['loop20', 'all20'],
  Kysely: ['loop20', 'all20'],
  Drizzle: ['one', 'five'],
}

function figuresOf(
  orm: Orm,
  database: DatabaseName,
  program: ProgramName,
  measured: readonly Measured[],
): readonly Figure[] {
  const variants = variantsOf(orm)
  const of = (variant: Variant) =>
    measured[variants.indexOf(variant)] ?? { cpuUs: Number.NaN, ratio: Number.NaN }
  const prefix = `${orm}.${database}.${program}`.toLowerCase()
  const against = { bare: of('bare').cpuUs }
  const figure = (id: string, value: number, target: number): Figure => {
    return { area: 'overhead', id: `${prefix}.${id}`, value, unit: '×', target, ok: value <= target, against }
  }
  const targets = Object.entries(TARGETS).filter(([variant]) => program !== 'all20' || variant === 'observe')
  const tracing = of('OpenTelemetry').ratio - 1
  return [
    ...targets.map(([variant, target]) =>
      figure(variant.replace(', ', '-'), of(variant as Variant).ratio, target),
    ),
    ...toldFigures(prefix, variants, measured),
    ...(variants.includes('OpenTelemetry')
      ? [figure('observe-of-opentelemetry', (of('observe').ratio - 1) / tracing, SHARE_OF_TRACING)]
      : []),
  ]
}

/**
 * The overhead in the statistics relative to the added CPU, which includes promises, asynchronous context and
 * garbage collection.
 */
function toldFigures(
  prefix: string,
  variants: readonly Variant[],
  measured: readonly Measured[],
): readonly Figure[] {
  const bare = measured[0]?.cpuUs ?? Number.NaN
  return measured.flatMap(({ cpuUs, toldUs }, at): Figure[] => {
    const variant = variants[at]
    // With batched reads, it takes less CPU than the app without Sluice.
    if (toldUs === undefined || variant === undefined || cpuUs - bare < LEAST_ADDED * bare) return []
    const value = toldUs / (cpuUs - bare)
    const id = `${prefix}.${variant.replace(', ', '-')}.told-of-added`
    return [
      {
        area: 'overhead',
        id,
        value,
        unit: '×',
        target: MOST_TOLD,
        ok: value >= LEAST_TOLD && value <= MOST_TOLD,
        against: { bare },
      },
    ]
  })
}

async function postgresIfThere(): Promise<TestService | undefined> {
  try {
    return await startPostgres()
  } catch (error) {
    if (!(error instanceof ServiceUnavailableError)) throw error
    console.error(`PostgreSQL is left out: ${error.message}`)
    return undefined
  }
}

async function main(hasPostgres: boolean): Promise<void> {
  const { json, quick, only } = benchOptions([...ORMS.map((orm) => orm.toLowerCase()), 'pages'])
  const rounds = quick ? 15 : 61
  if (!json)
    console.log(
      `Node ${process.version}, medians of ${rounds} interleaved rounds, CPU time of a scope; each contender in its own process`,
    )
  const figures: Figure[] = []
  for (const orm of ORMS) {
    if (only !== undefined && only !== orm.toLowerCase()) continue
    for (const database of DATABASES) {
      if (database === 'PostgreSQL' && (!hasPostgres || quick)) continue
      for (const program of quick && only === undefined ? QUICK[orm] : PROGRAMS) {
        const measured = await measure(
          contenders(orm, database, program),
          rounds,
          SCOPES[orm][program],
          rounds * 3,
        )
        const found = figuresOf(orm, database, program, measured)
        figures.push(...found)
        if (!json) printTable(`${orm}, ${database}, ${program}`, measured, found)
      }
    }
  }
  if (only === undefined || only === 'pages')
    figures.push(...(await (await pages()).pagesIfThere(quick, json)))
  if (json) for (const one of figures) console.log(JSON.stringify(one))
}

/** Loads Knex, which must not happen before the instrumentations of OpenTelemetry. */
const pages = () => import('./overhead/pages.ts')

const everybody = ORMS.flatMap((orm) =>
  DATABASES.flatMap((database) => PROGRAMS.flatMap((program) => contenders(orm, database, program))),
)

if (!(await serveContender(everybody)) && !(await (await pages()).servePage())) {
  // The disk is not measured.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sluice-bench-'))
  const postgres = await postgresIfThere()
  try {
    const file = join(folder, 'bench.db')
    offer(file, postgres?.url)
    fillSqlite(file)
    if (postgres !== undefined) await fillPostgres(postgres.url)
    await main(postgres !== undefined)
  } finally {
    await postgres?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
