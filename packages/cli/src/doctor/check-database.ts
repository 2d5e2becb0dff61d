import {
  type Connection,
  type DatabaseSnapshot,
  inspectDatabase,
  type TableSnapshot,
} from '@sluice/core/database'
import { countersOf, otherGaps, staleTables, statementsProblem } from '@sluice/core/siblings'
import { installCommand } from '../project/install-command.ts'
import { counted } from '../report/cells.ts'
import { type Check, fail, ok, warn } from './check.ts'
import { isBelow } from './installed-package.ts'

export interface DatabaseCheckOptions {
  /** Whether PGlite is installed, for hypothetical indexes. */
  readonly hasScratch: boolean
  /** Whether processes share a cache. */
  readonly isShared: boolean
}

/** Oldest supported version, and oldest version that its vendor still maintains. */
const VERSIONS = {
  postgresql: { name: 'PostgreSQL', least: [11, 0, 0], maintained: [14, 0, 0] },
  mysql: { name: 'MySQL', least: [8, 0, 0], maintained: [8, 0, 0] },
  mariadb: { name: 'MariaDB', least: [10, 5, 0], maintained: [10, 6, 0] },
  sqlite: { name: 'SQLite', least: [3, 31, 0], maintained: [3, 31, 0] },
} as const

/** Checks the version, the statistics, the permissions and the settings of a connected database. */
export async function checkDatabase(connection: Connection, options: DatabaseCheckOptions): Promise<Check[]> {
  const snapshot = await inspectDatabase(connection)
  return [
    ...versionCheck(snapshot),
    ...statementsCheck(snapshot),
    ...extensionChecks(snapshot, options),
    ...statisticsCheck(snapshot),
    ...rightsChecks(snapshot),
    ...(options.isShared ? await fenceChecks(connection) : []),
  ]
}

function versionCheck({ product, version, versionParts }: DatabaseSnapshot): Check[] {
  const { name, least, maintained } = VERSIONS[product]
  const shown = `${name} ${version.split(/[-+ ]/, 1)[0]}`
  if (isBelow(versionParts, least))
    return [fail(`${shown} is too old`, `Sluice needs ${least.slice(0, 2).join('.')} or later.`)]
  if (isBelow(versionParts, maintained))
    return [
      warn(
        `${shown} is no longer maintained by its vendor`,
        `Upgrade to ${maintained.slice(0, 2).join('.')} or later.`,
      ),
    ]
  return [ok(shown)]
}

/** The counters that `sluice analyze` uses without `--workload`. */
function statementsCheck(snapshot: DatabaseSnapshot): Check[] {
  const source = countersOf(snapshot)
  if (source === undefined) return []
  const problem = statementsProblem(snapshot)
  if (problem !== undefined) return [warn(problem.text, problem.fix)]
  const { length } = snapshot.statements
  return [ok(`${source}: ${counted(length, 'statement')}`)]
}

function extensionChecks(
  { product, extensions }: DatabaseSnapshot,
  { hasScratch }: DatabaseCheckOptions,
): Check[] {
  if (product !== 'postgresql') return []
  const { installed, available } = extensions
  const toTry = installed.includes('hypopg')
    ? ok('hypopg: this server plans with hypothetical indexes')
    : hasScratch
      ? ok('PGlite: a scratch PostgreSQL plans with hypothetical indexes')
      : warn(
          'neither HypoPG nor PGlite is installed: sluice analyze cannot validate indexes',
          available.includes('hypopg')
            ? 'CREATE EXTENSION hypopg'
            : installCommand('@electric-sql/pglite', { isDev: true }),
        )
  const trigrams = installed.includes('pg_trgm')
    ? ok('pg_trgm')
    : available.includes('pg_trgm')
      ? ok("pg_trgm can be installed, for LIKE '%…%'")
      : warn(
          "pg_trgm is not available: no index can serve LIKE '%…%'",
          "Install PostgreSQL's contrib package.",
        )
  return [toTry, trigrams]
}

function statisticsCheck(snapshot: DatabaseSnapshot): Check[] {
  if (snapshot.dialect === 'mysql') return []
  const { neverAnalyzed, changed } = staleTables(snapshot)
  if (neverAnalyzed.length + changed.length === 0)
    return snapshot.dialect === 'postgresql' && snapshot.gaps.some(({ what }) => what === 'statistics')
      ? []
      : [ok('all large tables were analyzed')]
  return [
    ...(neverAnalyzed.length === 0 ? [] : [warn(`never analyzed: ${namesOf(neverAnalyzed)}`, 'ANALYZE')]),
    ...(changed.length === 0 ? [] : [warn(`changed since it was analyzed: ${namesOf(changed)}`, 'ANALYZE')]),
  ]
}

function namesOf(tables: readonly TableSnapshot[]): string {
  const names = tables.map(({ name }) => name)
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
}

function rightsChecks(snapshot: DatabaseSnapshot): Check[] {
  const { length } = snapshot.tables
  const left = otherGaps(snapshot.gaps, snapshot)
  if (left.length > 0) return left.map(({ what, why }) => warn(`${what}: not available`, why))
  return [ok(`catalog and statistics are readable: ${counted(length, 'table')}`)]
}

/** Half of the default lease of the Redis store. The store does not expect a write to complete later. */
const LATEST_WRITE_SECONDS = 15

const FENCES = {
  postgresql: {
    seconds: 0.001,
    query: `SELECT (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'statement_timeout') AS "statement_timeout",
      (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'idle_in_transaction_session_timeout') AS "idle_in_transaction_session_timeout"`,
    fix: (name: string) => `ALTER ROLE … SET ${name} = '${LATEST_WRITE_SECONDS}s'`,
  },
  mysql: {
    seconds: 1,
    query: `SELECT @@max_statement_time AS \`max_statement_time\`,
      GREATEST(@@idle_transaction_timeout, @@idle_write_transaction_timeout) AS \`idle_transaction_timeout\``,
    fix: (name: string) =>
      `SET GLOBAL ${name} = ${LATEST_WRITE_SECONDS}, and set it in the server's configuration`,
  },
} as const

/** With a shared cache, a write must not complete long after its process has ended. */
async function fenceChecks(connection: Connection): Promise<Check[]> {
  if (connection.dialect === 'sqlite') return []
  const { query, seconds, fix } = FENCES[connection.dialect]
  let row: Readonly<Record<string, unknown>>
  try {
    ;[row = {}] = await connection.query(query)
  } catch {
    // MySQL has no such timeouts for writes.
    return [
      warn(
        'the server has no timeouts for writes, and the cache is shared',
        'See "Set database timeouts" in the guide "Share a cache between processes".',
      ),
    ]
  }
  return Object.entries(row).map(([name, value]) => {
    const limit = Number(value) * seconds
    if (limit > 0 && limit <= LATEST_WRITE_SECONDS) return ok(`${name} is ${limit} s`)
    const is = limit > 0 ? `${limit} s` : 'not set'
    return warn(`${name} is ${is}, and the cache is shared: a late write can leave a stale result`, fix(name))
  })
}
