import { type DatabaseFacts, LOCK_TIMEOUT } from '@sluice/core/database'

export type KnexLanguage = 'ts' | 'esm' | 'cjs'

/** The source of a migration around the lines of its two functions. */
export function knexTemplate(
  product: DatabaseFacts['product'],
  language: KnexLanguage,
  up: readonly string[],
  down: readonly string[],
): string {
  const helpers = helpersOf(product, [...up, ...down])
  const exported = language === 'cjs' ? 'exports.config =' : 'export const config ='
  const config =
    product === 'postgresql'
      ? `// An index cannot be built CONCURRENTLY in a transaction.\n${exported} { transaction: false }\n\n`
      : ''
  const head = language === 'ts' ? "import type { Knex } from 'knex'\n\n" : ''
  const functions = [
    ['up', up],
    ['down', down],
  ] as const
  const body = functions.map(([name, lines]) => exportedFunction(name, lines, language)).join('\n')
  return `${head}${config}${[body, ...helpers].map((part) => typed(part, language)).join('\n')}`
}

function exportedFunction(name: string, lines: readonly string[], language: KnexLanguage): string {
  const opening =
    language === 'cjs' ? `exports.${name} = async function ${name}(` : `export async function ${name}(`
  const inside = lines.map((line) => `    ${line}\n`).join('')
  return `${opening}knex/*: Knex*/)/*: Promise<void>*/ {\n  await onOneConnection(knex, async (run) => {\n${inside}  })\n}\n`
}

/** Types are written in comments, and become types in TypeScript. */
function typed(text: string, language: KnexLanguage): string {
  return text.replace(/\/\*(: [^*]+|type [^*]+)\*\//g, (_, type: string) => (language === 'ts' ? type : ''))
}

const RUN = '/*type Run = (sql: string, bindings?: (string | null)[]) => Promise<any>\n\n*/'

const POSTGRESQL_CONNECTION = `${RUN}/** Runs work on one connection, because the timeout is a setting of it. A concurrent build waits for open transactions, and blocks no query. */
async function onOneConnection(knex/*: Knex*/, work/*: (run: Run) => Promise<void>*/)/*: Promise<void>*/ {
  const connection = await knex.client.acquireConnection()
  const run/*: Run*/ = async (sql, bindings) => (bindings === undefined ? knex.raw(sql) : knex.raw(sql, bindings)).connection(connection)
  try {
    await run("SET lock_timeout = '${LOCK_TIMEOUT.concurrent}'")
    await work(run)
  } finally {
    await run('RESET lock_timeout').catch(() => undefined)
    await knex.client.releaseConnection(connection)
  }
}
`

const MYSQL_CONNECTION = `${RUN}/** A change that waits for a long transaction blocks every other query, so it gives up after 5 seconds. */
async function onOneConnection(knex/*: Knex*/, work/*: (run: Run) => Promise<void>*/)/*: Promise<void>*/ {
  const run/*: Run*/ = async (sql, bindings) => (bindings === undefined ? knex.raw(sql) : knex.raw(sql, bindings))
  await run('SET SESSION lock_wait_timeout = 5')
  try {
    await work(run)
  } finally {
    await run('SET SESSION lock_wait_timeout = DEFAULT').catch(() => undefined)
  }
}
`

const SQLITE_CONNECTION = `${RUN}async function onOneConnection(knex/*: Knex*/, work/*: (run: Run) => Promise<void>*/)/*: Promise<void>*/ {
  await work(async (sql) => knex.raw(sql))
}
`

const IS_VALID = `/** Returns undefined if the index does not exist. */
async function isValid(run/*: Run*/, schema/*: string | null*/, name/*: string*/)/*: Promise<boolean | undefined>*/ {
  const { rows } = await run(
    \`SELECT i.indisvalid AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = ? AND n.nspname = coalesce(?, current_schema())\`,
    [name, schema],
  )
  return rows[0]?.valid
}
`

const CREATE_INDEX = `/** Replaces the invalid index that a failed build leaves, which is updated but never used. */
async function createIndex(run/*: Run*/, schema/*: string | null*/, name/*: string*/, sql/*: string*/)/*: Promise<void>*/ {
  const valid = await isValid(run, schema, name)
  if (valid === true) return
  if (valid === false) {
    if (schema === null) await run('DROP INDEX CONCURRENTLY ??', [name])
    else await run('DROP INDEX CONCURRENTLY ??.??', [schema, name])
  }
  await run(sql)
  if ((await isValid(run, schema, name)) !== true) throw new Error(\`The index \${name} is invalid after its build.\`)
}
`

const CREATE_PARENT_INDEX = `/** The index of a partitioned table becomes valid with the index of its last partition. */
async function createParentIndex(run/*: Run*/, schema/*: string | null*/, name/*: string*/, sql/*: string*/)/*: Promise<void>*/ {
  if ((await isValid(run, schema, name)) === undefined) await briefly(run, sql)
}
`

const BRIEFLY = `/** A statement that waits for a table lock blocks every other query, so it gives up soon. */
async function briefly(run/*: Run*/, sql/*: string*/)/*: Promise<void>*/ {
  await run("SET lock_timeout = '${LOCK_TIMEOUT.blocking}'")
  await run(sql)
  await run("SET lock_timeout = '${LOCK_TIMEOUT.concurrent}'")
}
`

const HAS_INDEX = `async function hasIndex(run/*: Run*/, schema/*: string | null*/, table/*: string*/, name/*: string*/)/*: Promise<boolean>*/ {
  const [rows] = await run(
    \`SELECT 1 FROM information_schema.statistics
     WHERE table_schema = coalesce(?, database()) AND table_name = ? AND index_name = ? LIMIT 1\`,
    [schema, table, name],
  )
  return rows.length > 0
}
`

/** The functions that the lines of a migration call. */
function helpersOf(product: DatabaseFacts['product'], lines: readonly string[]): string[] {
  const calls = (name: string) => lines.some((line) => line.includes(`${name}(run, `))
  if (product === 'sqlite') return [SQLITE_CONNECTION]
  if (product !== 'postgresql') return [MYSQL_CONNECTION, ...(calls('hasIndex') ? [HAS_INDEX] : [])]
  const single = calls('createIndex') ? [CREATE_INDEX] : []
  const parent = calls('createParentIndex') ? [CREATE_PARENT_INDEX] : []
  const blocking = parent.length > 0 || calls('briefly') ? [BRIEFLY] : []
  return [
    POSTGRESQL_CONNECTION,
    ...blocking,
    ...(single.length + parent.length > 0 ? [IS_VALID] : []),
    ...single,
    ...parent,
  ]
}
