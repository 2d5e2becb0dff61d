import { type Connection, type DatabaseSnapshot, type InspectionGap, inspectDatabase } from '@sluice/core/database'
import { type Check, fail, ok, warn } from './check.ts'
import { isBelow } from './installed-package.ts'

export interface DatabaseCheckOptions {
  /** Whether PGlite is there, to try indexes on. */
  readonly hasScratch: boolean
  /** Whether processes share a cache. */
  readonly isShared: boolean
}

/** The oldest that is read, and the oldest that still gets fixes from its makers. */
const VERSIONS = {
  postgresql: { name: 'PostgreSQL', least: [11, 0, 0], kept: [14, 0, 0] },
  mysql: { name: 'MySQL', least: [8, 0, 0], kept: [8, 0, 0] },
  mariadb: { name: 'MariaDB', least: [10, 5, 0], kept: [10, 6, 0] },
  sqlite: { name: 'SQLite', least: [3, 31, 0], kept: [3, 31, 0] },
} as const

/** Rows from which it matters how a planner guesses. */
const MIN_ROWS = 1_000

/** What a database that answers tells of itself. */
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
  const { name, least, kept } = VERSIONS[product]
  const shown = `${name} ${version.split(/[-+ ]/, 1)[0]}`
  if (isBelow(versionParts, least)) return [fail(`${shown} is too old`, `Sluice needs ${least.slice(0, 2).join('.')} or later.`)]
  if (isBelow(versionParts, kept))
    return [warn(`${shown} gets no fixes from its makers any more`, `Move to ${kept.slice(0, 2).join('.')} or later.`)]
  return [ok(shown)]
}

/** What `sluice analyze` goes by where it is given no traffic. */
function statementsCheck({ product, statements, gaps, settings, extensions }: DatabaseSnapshot): Check[] {
  if (product === 'sqlite') return []
  const source = product === 'postgresql' ? 'pg_stat_statements' : 'performance_schema'
  const gap = gaps.find(({ what }) => what === 'statements')
  if (gap === undefined) return [ok(`${source}: ${statements.length === 1 ? '1 statement' : `${statements.length} statements`}`)]
  if (statements.length > 0) return [warn(`${source}: not all of it is shown`, gap.why)]
  const isLoaded = (settings.shared_preload_libraries ?? '').includes('pg_stat_statements')
  if (isLoaded && !extensions.installed.includes('pg_stat_statements'))
    return [warn('pg_stat_statements is loaded, and not in this database', 'CREATE EXTENSION pg_stat_statements')]
  return [warn(`${source} is missing: sluice analyze needs --traffic`, gap.why)]
}

function extensionChecks({ product, extensions }: DatabaseSnapshot, { hasScratch }: DatabaseCheckOptions): Check[] {
  if (product !== 'postgresql') return []
  const { installed, available } = extensions
  const toTry = installed.includes('hypopg')
    ? ok('hypopg: indexes are tried by this server')
    : hasScratch
      ? ok('PGlite: indexes are tried on a scratch PostgreSQL')
      : warn(
          'nothing to try indexes with',
          available.includes('hypopg') ? 'CREATE EXTENSION hypopg' : 'npm install --save-dev @electric-sql/pglite',
        )
  const trigrams = installed.includes('pg_trgm')
    ? ok('pg_trgm')
    : available.includes('pg_trgm')
      ? ok("pg_trgm can be installed, for LIKE '%…%'")
      : warn("pg_trgm is not to be had: no index serves LIKE '%…%'", "Install PostgreSQL's contrib package.")
  return [toTry, trigrams]
}

function statisticsCheck({ dialect, tables, gaps }: DatabaseSnapshot): Check[] {
  if (dialect === 'mysql' || gaps.some(({ what }) => what === 'statistics' && dialect === 'postgresql')) return []
  const without = tables.filter(({ kind, rows, analyzedAt, changedSinceAnalyze, columns }) => {
    const isLarge = (kind === 'table' || kind === 'partition') && rows >= MIN_ROWS
    // SQLite keeps no time of it, and PostgreSQL counts changes of what was never analysed as well.
    if (dialect === 'sqlite') return isLarge && changedSinceAnalyze === undefined
    return isLarge && analyzedAt === undefined && columns.every(({ statistics }) => statistics === undefined)
  })
  if (without.length === 0) return [ok('all tables that matter were analysed')]
  const names = without.map(({ name }) => name)
  const shown = names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
  return [warn(`never analysed: ${shown}`, 'ANALYZE')]
}

function rightsChecks({ gaps, tables, dialect }: DatabaseSnapshot): Check[] {
  const isTold = ({ what, why }: InspectionGap) =>
    what === 'statements' ||
    (dialect === 'sqlite' && what === 'statistics') ||
    (/^statistics of /.test(what) && !/GRANT|privilege|permission/i.test(why))
  const left = gaps.filter((gap) => !isTold(gap))
  if (left.length > 0) return left.map(({ what, why }) => warn(`${what}: not seen`, why))
  return [ok(`catalogue and statistics can be read: ${tables.length === 1 ? '1 table' : `${tables.length} tables`}`)]
}

/** Half of the lease that the Redis store has by default: later than that, a write is one that nobody expects. */
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
    fix: (name: string) => `SET GLOBAL ${name} = ${LATEST_WRITE_SECONDS}, and in the server's configuration`,
  },
} as const

/** Where a cache is shared, a write must not be carried out long after its process is gone. */
async function fenceChecks(connection: Connection): Promise<Check[]> {
  if (connection.dialect === 'sqlite') return []
  const { query, seconds, fix } = FENCES[connection.dialect]
  let row: Readonly<Record<string, unknown>>
  try {
    ;[row = {}] = await connection.query(query)
  } catch {
    // MySQL has no such limits for statements that write.
    return [warn('the server has no time limits on writes, and the cache is shared', 'See the guide on sharing a cache: late writes.')]
  }
  return Object.entries(row).map(([name, value]) => {
    const limit = Number(value) * seconds
    if (limit > 0 && limit <= LATEST_WRITE_SECONDS) return ok(`${name} is ${limit} s`)
    const is = limit > 0 ? `${limit} s` : 'not set'
    return warn(`${name} is ${is}, and the cache is shared: a late write may leave a stale result`, fix(name))
  })
}
