import { spawn, spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Dialect } from '@sluice/core'
import { startServices } from '../services/index.ts'
import type { ServiceAddress } from '../services/service.ts'
import { EVERY_BUILDER } from './builders/builder-clients.ts'
import { type Effect, findDifferences } from './oracle.ts'
import { openPlaces, type Places } from './places.ts'
import type { BuilderOrm } from './program.ts'
import { Rig } from './rig.ts'
import { SCHEMAS, type SchemaPlace, schemaAt } from './schemas/plan.ts'
import { randomSubject } from './schemas/random-subject.ts'

const USAGE =
  'pnpm test:differential [--runs 20000] [--schemas 25] [--seed 1] [--database sqlite|postgresql|mysql] [--only <schema>|fixed|features|builders]'
const DIALECTS: readonly Dialect[] = ['sqlite', 'postgresql', 'mysql']
/** 10% of the programs run on the models that were written by hand. */
const FIXED_SHARE = 0.1
/** In addition, so many of that number of programs consist of calls of Kysely and Drizzle, too. */
const BUILDERS_SHARE = 0.5
/** In addition, 20% of that number of programs run on databases with triggers, functions and views. */
const FEATURES_SHARE = 0.2

interface Job {
  readonly name: string
  readonly dialect: Dialect
  /** Default: the models of `prisma/models.prisma`. */
  readonly place?: SchemaPlace
  readonly runs: number
  readonly featureSeed?: number
  /** Default: Knex. */
  readonly builders?: readonly BuilderOrm[]
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number))
    throw new Error(`Expected --${name} to be a whole number, got "${text}". Usage: ${USAGE}`)
  return number
}

/** Generates the schemas beyond those of the setup. */
function generate(schemas: number): void {
  const script = join(import.meta.dirname, 'schemas/generate.mjs')
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', script, String(schemas)], {
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error(`Expected ${schemas} schemas to be generated.`)
}

function jobsOf(runs: number, schemas: number, dialects: readonly Dialect[]): Job[] {
  const places = Array.from({ length: schemas }, (_, index) => schemaAt(index)).filter(({ dialect }) =>
    dialects.includes(dialect),
  )
  const ofFixed = Math.ceil((runs * FIXED_SHARE) / dialects.length)
  const ofRandom = Math.ceil((runs * (1 - FIXED_SHARE)) / Math.max(places.length, 1))
  const ofFeatures = Math.ceil((runs * FEATURES_SHARE) / (places.length + dialects.length))
  const jobs = [
    ...dialects.map((dialect): Job => ({ name: `fixed-${dialect}`, dialect, runs: ofFixed })),
    ...places.map((place): Job => ({ name: place.folder, dialect: place.dialect, place, runs: ofRandom })),
  ]
  const featured = jobs.map(
    (job): Job => ({
      ...job,
      name: `features-${job.name}`,
      runs: ofFeatures,
      featureSeed: job.place?.seed ?? 1,
    }),
  )
  // Each kind of programs also with every builder.
  const built = [...jobs, ...featured].map(
    (job): Job => ({
      ...job,
      name: `builders-${job.name}`,
      runs: Math.ceil(job.runs * BUILDERS_SHARE),
      builders: EVERY_BUILDER[job.dialect],
    }),
  )
  return [...jobs, ...featured, ...built]
}

async function runJob(
  { name, dialect, place, runs, featureSeed, builders }: Job,
  places: Places,
  seed: number,
  shrinks: boolean,
): Promise<Effect | undefined> {
  const database = await places.connect(dialect)
  const subject = place === undefined ? undefined : await randomSubject(place, database)
  const rig =
    featureSeed === undefined
      ? await Rig.open(database, { subject, firstKind: place?.seed, builders })
      : await Rig.withFeatures(database, { subject, featureSeed, builders })
  const startedAt = Date.now()
  try {
    const effect = await findDifferences(rig, { runs, seed, shrinks })
    console.log(
      `${name}: ${runs} programs, no difference, ${Math.round((Date.now() - startedAt) / 1000)} s. ${JSON.stringify(effect)}`,
    )
    return effect
  } catch (error) {
    console.error(`${name}, seed ${seed}:`, error)
    return undefined
  } finally {
    await rig.close()
  }
}

/**
 * Runs a job in a separate process: the clients of hundreds of programs take memory, and each job would be
 * slower than the last.
 */
function forkJob({ name }: Job, parts: readonly string[]): Promise<boolean> {
  const args = [...process.execArgv, process.argv[1] ?? '', ...parts, '--generated', '--only', name]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
    child.once('error', reject)
    child.once('close', (code) => resolve(code === 0))
  })
}

/** Runs all jobs, one per processor concurrently, on shared servers. */
async function forkJobs(jobs: readonly Job[], parts: readonly string[]): Promise<boolean> {
  const services = await startServices()
  const share = (variable: string, address: ServiceAddress) => {
    if ('url' in address) process.env[variable] = address.url
  }
  share('SLUICE_TEST_POSTGRES_URL', services.postgres)
  share('SLUICE_TEST_MARIADB_URL', services.mariadb)
  share('SLUICE_TEST_REDIS_URL', services.redis)
  try {
    const waiting = [...jobs]
    let isGreen = true
    const lane = async () => {
      for (let job = waiting.shift(); job !== undefined; job = waiting.shift())
        if (!(await forkJob(job, parts))) isGreen = false
    }
    await Promise.all(Array.from({ length: Math.min(availableParallelism(), jobs.length) }, lane))
    return isGreen
  } finally {
    await services.stop()
  }
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string' },
    schemas: { type: 'string' },
    seed: { type: 'string' },
    database: { type: 'string' },
    only: { type: 'string' },
    'no-shrink': { type: 'boolean' },
    // For the processes of single jobs.
    generated: { type: 'boolean' },
  },
})
const runs = wholeNumber('runs', values.runs ?? '20000')
const schemas = wholeNumber('schemas', values.schemas ?? String(SCHEMAS))
const seed = wholeNumber('seed', values.seed ?? process.env.SLUICE_SEED ?? String(Date.now() % 2 ** 31))
const dialects = DIALECTS.filter((dialect) => values.database === undefined || dialect === values.database)
if (dialects.length === 0)
  throw new Error(`Expected --database to be one of ${DIALECTS.join(', ')}. Usage: ${USAGE}`)
if (schemas > SCHEMAS && values.generated !== true) generate(schemas)
const jobs = jobsOf(runs, schemas, dialects).filter(
  ({ name }) => values.only === undefined || name.startsWith(values.only),
)
if (jobs.length === 0)
  throw new Error(
    `Expected --only to be the beginning of a schema's name, got "${values.only}". Usage: ${USAGE}`,
  )
const [first, ...others] = jobs
if (others.length > 0) {
  console.log(`${runs} programs of seed ${seed} on ${schemas} random schemas and a fixed one`)
  const shrink = values['no-shrink'] === true ? ['--no-shrink'] : []
  if (
    !(await forkJobs(jobs, ['--runs', `${runs}`, '--schemas', `${schemas}`, '--seed', `${seed}`, ...shrink]))
  )
    process.exitCode = 1
} else if (first !== undefined) {
  const places = await openPlaces([first.dialect])
  try {
    const reason = places.skipped(first.dialect)
    if (reason !== undefined) console.warn(`${first.name}: skipped. ${reason}`)
    else if ((await runJob(first, places, seed, values['no-shrink'] !== true)) === undefined)
      process.exitCode = 1
  } finally {
    await places.stop()
  }
}
