// The savings by Sluice: an app's loops, without and with Sluice, compared with manual fixes against N+1.
import { ServiceUnavailableError } from '../services/service.ts'
import { benchOptions } from './harness.ts'
import { type BenchDatabase, openPostgres, openSqlite } from './query/databases.ts'
import { drizzleCases } from './query/drizzle-cases.ts'
import { figuresOf } from './query/figures.ts'
import { knexCases } from './query/knex-cases.ts'
import { kyselyCases } from './query/kysely-cases.ts'
import { measureCase, openRig, type Rounds } from './query/measure-case.ts'
import { prismaParallelCases } from './query/prisma-parallel-cases.ts'
import { prismaSequentialCases } from './query/prisma-sequential-cases.ts'
import type { QueryCase } from './query/query-case.ts'
import { type CaseResult, printCase, printFigures, printHeader, type QueryFigure } from './query/report.ts'

const { json, quick } = benchOptions()
const ROUNDS: Rounds = quick ? { rounds: 3, warmUps: 1 } : { rounds: 11, warmUps: 3 }
const LONG_ROUNDS: Rounds = { rounds: 3, warmUps: 0 }

const cases: readonly QueryCase[] = [
  ...prismaParallelCases,
  ...prismaSequentialCases,
  ...knexCases,
  ...kyselyCases,
  ...drizzleCases,
]

function isMeasured(one: QueryCase, { dialect }: BenchDatabase): boolean {
  if (one.isOnServers === true && dialect === 'sqlite') return false
  if (!quick) return true
  if (one.isLong === true || one.isOmittedInQuickRuns === true) return false
  return dialect === 'sqlite' || one.isQuick === true
}

async function measureOn(database: BenchDatabase): Promise<QueryFigure[]> {
  const rig = await openRig(database)
  try {
    if (!json) {
      console.log(`\n${database.name}: ${database.about}`)
      printHeader()
    }
    const results: CaseResult[] = []
    for (const one of cases) {
      if (!isMeasured(one, database)) continue
      const result = {
        ...one,
        measured: await measureCase(rig, one, one.isLong === true ? LONG_ROUNDS : ROUNDS),
      }
      results.push(result)
      if (!json) printCase(result)
    }
    return figuresOf(database, results)
  } finally {
    await rig.close()
    await database.close()
  }
}

/** `undefined` if this machine has none. */
async function postgresIfThere(): Promise<BenchDatabase | undefined> {
  try {
    return await openPostgres()
  } catch (error) {
    if (!(error instanceof ServiceUnavailableError)) throw error
    console.error(`PostgreSQL is left out: ${error.message}`)
    return undefined
  }
}

if (!json)
  console.log(
    `Node ${process.version}, medians of ${ROUNDS.rounds} interleaved rounds; the most queries that a round took`,
  )
const figures = await measureOn(await openSqlite())
const postgres = await postgresIfThere()
if (postgres !== undefined) figures.push(...(await measureOn(postgres)))
if (json) for (const figure of figures) console.log(JSON.stringify(figure))
else {
  console.log()
  printFigures(figures)
}
