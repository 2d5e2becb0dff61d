// Runs the tests of Kysely, Drizzle and Knex, from a checkout with its dependencies, through Sluice.
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { onMariadb, startMariadb } from '../../services/mariadb.ts'
import { onPostgres, startPostgres } from '../../services/postgres.ts'
import {
  databaseOf,
  ServiceUnavailableError,
  type TestService,
  withDatabase,
} from '../../services/service.ts'
import { compare } from './compare.ts'
import { drizzle } from './drizzle.ts'
import { knex } from './knex.ts'
import { kysely } from './kysely.ts'
import { runSuite, type SuiteResult } from './run-suite.ts'
import { DATABASES, type DatabaseName, MODES, type Mode, type Suite } from './suite.ts'

const SUITES: Readonly<Record<string, Suite>> = { kysely, drizzle, knex }
const USAGE = `pnpm test:suites ${Object.keys(SUITES).join('|')} <path of its checkout> [--database ${DATABASES.join('|')}] [--mode ${MODES.slice(1).join('|')}]`
const TIMEOUT_MS = 15 * 60_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    database: { type: 'string', multiple: true, default: [...DATABASES] },
    mode: { type: 'string', multiple: true, default: MODES.slice(1) },
  },
})
const [name = '', path = ''] = positionals
const suite = SUITES[name]
if (suite === undefined || positionals.length !== 2) stopWith(`Expected a suite and a path.`)
const checkout = resolve(path)
if (!existsSync(join(checkout, 'package.json'))) stopWith(`Expected a checkout of ${name} in ${checkout}.`)
const databases = chosen('--database', values.database, DATABASES)
const modes = chosen('--mode', values.mode, MODES).filter((mode) => mode !== 'bare')

suite.prepare(checkout)
const folder = mkdtempSync(join(tmpdir(), 'sluice-suites-'))
let failures = 0
console.log(`${'suite'.padEnd(8)} ${'database'.padEnd(11)} ${'mode'.padEnd(9)} passed  failed skipped`)
for (const database of databases) failures += await runDatabase(database)
console.log(`Reports and output: ${folder}`)
process.exit(failures === 0 ? 0 : 1)

/** @returns The number of tests that fail only with Sluice. */
async function runDatabase(database: DatabaseName): Promise<number> {
  const service = await startService(database)
  if (service === 'unavailable') return 0
  let failed = 0
  try {
    const bare = await runMode(database, 'bare', service)
    for (const mode of modes) {
      const result = await runMode(database, mode, service)
      const problems = compare(bare, result, suite?.internal)
      for (const problem of problems) console.log(`  ${problem}`)
      failed += problems.length
    }
  } finally {
    await service?.stop()
  }
  return failed
}

async function runMode(
  database: DatabaseName,
  mode: Mode,
  service: TestService | undefined,
): Promise<SuiteResult> {
  const url = service === undefined ? undefined : await createDatabase(database, service.url, mode)
  const run = { checkout, database, mode, url, folder: join(folder, `${name}-${database}-${mode}`) }
  const startedAt = performance.now()
  const result = await runSuite({ suite: suite as Suite, timeoutMs: TIMEOUT_MS, ...run })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
  const { passed, failed, skipped } = result.outcomes ?? {}
  const counts = [passed, failed, skipped].map((tests) => String(tests?.size ?? '-').padStart(7))
  const seen = Object.entries(result.counters).map(([counter, count]) => `${counter} ${count}`)
  console.log(
    `${name.padEnd(8)} ${database.padEnd(11)} ${mode.padEnd(8)} ${counts.join(' ')}  ${seconds} s${result.hung ? ', hung' : ''}${mode === 'bare' ? '' : `  ${seen.join(', ')}`}`,
  )
  return result
}

async function startService(database: DatabaseName): Promise<TestService | undefined | 'unavailable'> {
  if (database === 'sqlite') return undefined
  try {
    return await (database === 'postgresql' ? startPostgres() : startMariadb())
  } catch (error) {
    if (!(error instanceof ServiceUnavailableError)) throw error
    console.log(`${name.padEnd(8)} ${database.padEnd(11)} skipped: ${error.message}`)
    return 'unavailable'
  }
}

/** Each run has an empty database. */
async function createDatabase(database: DatabaseName, url: string, mode: Mode): Promise<string> {
  const created = `${databaseOf(url)}_${mode}`
  await (database === 'postgresql' ? onPostgres : onMariadb)(url, `CREATE DATABASE ${created}`)
  return withDatabase(url, created)
}

function chosen<TName extends string>(
  option: string,
  given: readonly string[],
  known: readonly TName[],
): TName[] {
  const unknown = given.find((name) => !known.includes(name as TName))
  if (unknown !== undefined) stopWith(`Expected ${option} among ${known.join(', ')}, got "${unknown}".`)
  return known.filter((name) => given.includes(name))
}

function stopWith(problem: string): never {
  console.error(`${problem} Usage: ${USAGE}`)
  process.exit(2)
}
