import { codeLiteral, type DatabaseFacts, LOCK_TIMEOUT, type MigrationLines } from '@sluice/core/database'
import type { MigrationLanguage } from '../../project/detected-project.ts'

interface KyselyMigrationLines extends MigrationLines {
  /** Quoted tables on which `up` builds indexes concurrently. */
  readonly built: readonly string[]
  /** The same for `down`. */
  readonly rebuilt: readonly string[]
}

/** The source of a migration around the lines of its two functions. */
export function kyselyTemplate(
  product: DatabaseFacts['product'],
  language: MigrationLanguage,
  { up, down, built, rebuilt }: KyselyMigrationLines,
): string {
  const helpers = helpersOf(product, [...up, ...down])
  const head =
    language === 'cjs'
      ? "const { CompiledQuery } = require('kysely')\n"
      : `import { CompiledQuery${language === 'ts' ? ', type Kysely' : ''} } from 'kysely'\n`
  const functions = [exported('up', up, built, language), exported('down', down, rebuilt, language)].join(
    '\n',
  )
  const note = product === 'postgresql' ? POSTGRESQL_NOTE : ''
  return `${head}\n${note}${[functions, ...helpers].map((part) => typed(part, language)).join('\n')}`
}

function exported(
  name: string,
  lines: readonly string[],
  tables: readonly string[],
  language: MigrationLanguage,
): string {
  const opening =
    language === 'cjs' ? `exports.${name} = async function ${name}(` : `export async function ${name}(`
  const inside = lines.map((line) => `    ${line}\n`).join('')
  const argument = tables.length === 0 ? '' : `, [${tables.map(codeLiteral).join(', ')}]`
  return `${opening}db/*: Kysely<any>*/)/*: Promise<void>*/ {\n  await onOneConnection(db, async (run) => {\n${inside}  }${argument})\n}\n`
}

/** Types are written in comments, and become types in TypeScript. */
function typed(text: string, language: MigrationLanguage): string {
  return text.replace(/\/\*(: [^*]+|type [^*]+)\*\//g, (_, type: string) => (language === 'ts' ? type : ''))
}

/** Size up to which a table can be indexed in a transaction: the build takes about a second. */
const MAX_BLOCKED_MB = 64

const POSTGRESQL_NOTE = `// An index cannot be built CONCURRENTLY in a transaction, which Kysely's migrator opens by default. There,
// this migration builds indexes on tables of up to ${MAX_BLOCKED_MB} MB only, and blocks writes to them
// meanwhile. For larger tables, run the migrator with disableTransactions: true.

`

const RUN = '/*type Run = (statement: string, parameters?: (string | null)[]) => Promise<any[]>\n\n*/'

const RUN_ON = `function runOn(db/*: Kysely<any>*/)/*: Run*/ {
  return async (statement, parameters = []) => (await db.executeQuery(CompiledQuery.raw(statement, parameters))).rows
}
`

const POSTGRESQL_CONNECTION = `${RUN}/** Runs work on one connection, because the timeout is a setting of it. A concurrent build waits for open transactions, and blocks no query. */
async function onOneConnection(db/*: Kysely<any>*/, work/*: (run: Run) => Promise<void>*/, tables/*: string[]*/ = [])/*: Promise<void>*/ {
  if (!db.isTransaction) return db.connection().execute((connection) => withTimeout(runOn(connection), work))
  const run = runOn(db)
  await withTimeout(async (statement, parameters) => {
    if (/^CREATE (UNIQUE )?INDEX CONCURRENTLY /.test(statement)) await checkSizes(run, tables)
    return run(statement.replace(' INDEX CONCURRENTLY ', ' INDEX '), parameters)
  }, work)
}

async function checkSizes(run/*: Run*/, tables/*: string[]*/)/*: Promise<void>*/ {
  for (const table of tables) {
    const [{ bytes }] = await run('SELECT pg_table_size($1::text::regclass)::float8 AS bytes', [table])
    if (bytes > ${MAX_BLOCKED_MB} * 1024 * 1024)
      throw new Error(\`An index on \${table} blocks writes to it if it is built in a transaction. Run this migration with disableTransactions: true.\`)
  }
}

async function withTimeout(run/*: Run*/, work/*: (run: Run) => Promise<void>*/)/*: Promise<void>*/ {
  try {
    await run("SET lock_timeout = '${LOCK_TIMEOUT.concurrent}'")
    await work(run)
  } finally {
    await run('RESET lock_timeout').catch(() => undefined)
  }
}
`

const MYSQL_CONNECTION = `${RUN}/** A change that waits for a long transaction blocks every other query, so it gives up after 5 seconds. */
async function onOneConnection(db/*: Kysely<any>*/, work/*: (run: Run) => Promise<void>*/)/*: Promise<void>*/ {
  await db.connection().execute(async (connection) => {
    const run = runOn(connection)
    await run('SET SESSION lock_wait_timeout = 5')
    try {
      await work(run)
    } finally {
      await run('SET SESSION lock_wait_timeout = DEFAULT').catch(() => undefined)
    }
  })
}
`

const SQLITE_CONNECTION = `${RUN}async function onOneConnection(db/*: Kysely<any>*/, work/*: (run: Run) => Promise<void>*/)/*: Promise<void>*/ {
  await work(runOn(db))
}
`

const IS_VALID = `/** Returns undefined if the index does not exist. */
async function isValid(run/*: Run*/, schema/*: string | null*/, name/*: string*/)/*: Promise<boolean | undefined>*/ {
  const rows = await run(
    \`SELECT i.indisvalid AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = $1 AND n.nspname = coalesce($2, current_schema())\`,
    [name, schema],
  )
  return rows[0]?.valid
}
`

const CREATE_INDEX = `/** Replaces the invalid index that a failed build leaves, which is updated but never used. */
async function createIndex(run/*: Run*/, schema/*: string | null*/, name/*: string*/, statement/*: string*/)/*: Promise<void>*/ {
  const valid = await isValid(run, schema, name)
  if (valid === true) return
  if (valid === false) {
    const quoted = [schema, name].flatMap((part) => (part === null ? [] : [\`"\${part.replaceAll('"', '""')}"\`]))
    await run(\`DROP INDEX CONCURRENTLY \${quoted.join('.')}\`)
  }
  await run(statement)
  if ((await isValid(run, schema, name)) !== true) throw new Error(\`The index \${name} is invalid after its build.\`)
}
`

const CREATE_PARENT_INDEX = `/** The index of a partitioned table becomes valid with the index of its last partition. */
async function createParentIndex(run/*: Run*/, schema/*: string | null*/, name/*: string*/, statement/*: string*/)/*: Promise<void>*/ {
  if ((await isValid(run, schema, name)) === undefined) await briefly(run, statement)
}
`

const BRIEFLY = `/** A statement that waits for a table lock blocks every other query, so it gives up soon. */
async function briefly(run/*: Run*/, statement/*: string*/)/*: Promise<void>*/ {
  await run("SET lock_timeout = '${LOCK_TIMEOUT.blocking}'")
  await run(statement)
  await run("SET lock_timeout = '${LOCK_TIMEOUT.concurrent}'")
}
`

const HAS_INDEX = `async function hasIndex(run/*: Run*/, schema/*: string | null*/, table/*: string*/, name/*: string*/)/*: Promise<boolean>*/ {
  const rows = await run(
    \`SELECT 1 AS one FROM information_schema.statistics
     WHERE table_schema = coalesce(?, database()) AND table_name = ? AND index_name = ? LIMIT 1\`,
    [schema, table, name],
  )
  return rows.length > 0
}
`

/** The functions that the lines of a migration call. */
function helpersOf(product: DatabaseFacts['product'], lines: readonly string[]): string[] {
  const calls = (name: string) => lines.some((line) => line.includes(`${name}(run, `))
  if (product === 'sqlite') return [SQLITE_CONNECTION, RUN_ON]
  if (product !== 'postgresql') return [MYSQL_CONNECTION, RUN_ON, ...(calls('hasIndex') ? [HAS_INDEX] : [])]
  const single = calls('createIndex') ? [CREATE_INDEX] : []
  const parent = calls('createParentIndex') ? [CREATE_PARENT_INDEX] : []
  const blocking = parent.length > 0 || calls('briefly') ? [BRIEFLY] : []
  return [
    POSTGRESQL_CONNECTION,
    RUN_ON,
    ...blocking,
    ...(single.length + parent.length > 0 ? [IS_VALID] : []),
    ...single,
    ...parent,
  ]
}

/**
 * The beginning of the next migration's name in the convention of the existing ones: a number (`003_`), the
 * time as 14 digits, in milliseconds, or as an ISO date. Kysely runs migrations in the order of their names,
 * so the new name sorts after all existing ones.
 *
 * @param migrations - Names of the existing files.
 * @returns `undefined` if no name in a known convention sorts last.
 */
export function migrationPrefix(migrations: readonly string[], at: Date): string | undefined {
  const names = migrations.map((name) => name.replace(/\.[cm]?[jt]s$/, '')).sort()
  const last = names.at(-1)
  const prefix = last === undefined ? `${at.getTime()}_` : following(last, at)
  return prefix === undefined || names.some((name) => name >= prefix) ? undefined : prefix
}

/** How a date begins a name: `2026-01-31T12:30:00Z`, `2026_01_31`, `20260131123000`. */
const DATE =
  /^(\d{4})([-_.]?)(\d\d)\2(\d\d)(?:([-_.T]?)(\d\d)([-_.:]?)(\d\d)(?:\7(\d\d)(\.\d{3})?(Z?))?)?(?=\D|$)/

function following(last: string, at: Date): string | undefined {
  const date = DATE.exec(last)
  if (date !== null && Number(date[3]) <= 12 && Number(date[1]) >= 2000) return dated(date, last, at)
  const [, number = '', after] = /^(\d+)([_.-]?)/.exec(last) ?? []
  if (number === '') return undefined
  if (number.length === 13) return `${Math.max(at.getTime(), Number(number) + 1)}${after || '_'}`
  const next = String(BigInt(number) + 1n)
  return `${next.padStart(number.length, '0')}${after || '_'}`
}

/** The time in the format of an existing name; one unit after it if that is later. */
function dated(date: RegExpExecArray, last: string, at: Date): string | undefined {
  const after = last[date[0].length]
  const end = after !== undefined && /[_.-]/.test(after) ? after : '_'
  const [, year, between, month, day, before, hours, inside, minutes, seconds, milliseconds, zone] = date
  const unit =
    milliseconds !== undefined
      ? 1
      : seconds !== undefined
        ? 1_000
        : minutes !== undefined
          ? 60_000
          : 86_400_000
  const existing = Date.parse(
    `${year}-${month}-${day}T${hours ?? '00'}:${minutes ?? '00'}:${seconds ?? '00'}${milliseconds ?? '.000'}Z`,
  )
  if (Number.isNaN(existing)) return undefined
  const time = new Date(Math.max(at.getTime(), existing + unit)).toISOString()
  const text = [
    time.slice(0, 10).replaceAll('-', between ?? ''),
    ...(hours === undefined ? [] : [before ?? '', time.slice(11, 13), inside ?? '', time.slice(14, 16)]),
    ...(seconds === undefined ? [] : [inside ?? '', time.slice(17, 19)]),
    milliseconds === undefined ? '' : time.slice(19, 23),
    zone ?? '',
  ].join('')
  return `${text}${end}`
}
