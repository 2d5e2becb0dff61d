import {
  changeComment,
  commentText,
  type DatabaseFacts,
  type FixFile,
  type IndexNaming,
  type IndexPlace,
  migrationName,
  type ProjectFormat,
  type SchemaChange,
  type SqlStep,
  schemaChangeSql,
  timeStamps,
} from '@sluice/core/database'
import { type KnexLanguage, knexTemplate } from './knex-template.ts'

/** Knex's default index names: `city_region_id_index`, `city_code_unique`. */
export const knexNaming: IndexNaming = {
  suffix: '_index',
  uniqueSuffix: '_unique',
  stem: (table, columns) => [table.replace(/[.-]/g, '_'), ...columns].join('_').toLowerCase(),
}

/** Writes changes into one Knex migration. */
export function knexProject(project: KnexProject): ProjectFormat {
  return {
    kind: 'knex',
    naming: knexNaming,
    plan: (changes, facts, at) => ({
      files: [knexMigration(changes, facts, project, at)],
      patched: [],
      unchanged: [],
      refused: [],
    }),
  }
}

/** The migrations of a project. All paths are relative to the project, with `/`. */
export interface KnexProject {
  /** Language of the project's migrations: TypeScript, or JavaScript with `export` or with `exports`. */
  readonly language: KnexLanguage
  /** File extension of the migrations: `.ts`, `.js`, `.mjs`, `.cjs`. Default: depends on the language. */
  readonly extension?: string
  readonly migrationsDir: string
  /** Names of the existing migrations. */
  readonly migrations?: readonly string[]
}

const EXTENSIONS: Readonly<Record<KnexLanguage, string>> = { ts: '.ts', esm: '.mjs', cjs: '.js' }

/**
 * One migration for all changes. It can run again: existing indexes stay, and the remains of an unfinished
 * run are replaced.
 *
 * @throws InvalidArgumentError for a change that the database does not support.
 */
export function knexMigration(
  changes: readonly SchemaChange[],
  facts: DatabaseFacts,
  project: KnexProject,
  at: Date,
): FixFile {
  const { language, extension = EXTENSIONS[language], migrationsDir, migrations = [] } = project
  const [stamp] = timeStamps(1, at, migrations)
  const sql = changes.map((change) => ({ change, ...schemaChangeSql(change, facts) }))
  const up = sql.flatMap(({ change, steps, notes }) => [
    ...comment([...changeComment(change), ...notes]),
    ...steps.flatMap((step) => call(step, facts)),
  ])
  const down = [...sql].reverse().flatMap(({ undo }) => undo.flatMap((step) => call(step, facts)))
  return {
    path: `${migrationsDir}/${stamp}_${migrationName(changes)}${extension}`,
    content: knexTemplate(facts.product, language, up, down),
    isPatch: false,
  }
}

/** The call of a template helper for a step. */
function call({ sql, isConcurrent, creates, drops }: SqlStep, { product }: DatabaseFacts): string[] {
  const statement = rawLiteral(sql)
  if (product === 'sqlite') return [`await run(${statement})`]
  if (product !== 'postgresql') {
    const has = (place: IndexPlace) => `await hasIndex(run, ${args(place, 'table')})`
    if (creates !== undefined) return [`if (!(${has(creates)})) await run(${statement})`]
    return drops === undefined ? [] : [`if (${has(drops)}) await run(${statement})`]
  }
  if (creates === undefined)
    return [isConcurrent ? `await run(${statement})` : `await briefly(run, ${statement})`]
  return [
    `await ${isConcurrent ? 'createIndex' : 'createParentIndex'}(run, ${args(creates, 'name')}, ${statement})`,
  ]
}

function args(place: IndexPlace, from: 'table' | 'name'): string {
  const schema = place.schema === undefined ? 'null' : literal(place.schema)
  return [schema, ...(from === 'table' ? [literal(place.table)] : []), literal(place.name)].join(', ')
}

function comment(lines: readonly string[]): string[] {
  return lines.map((line) => `// ${commentText(line)}`)
}

/** A string as a literal, with single quotes if that is readable. */
function literal(text: string): string {
  if (/^[^'\\\p{Cc}\u2028\u2029]*$/u.test(text)) return `'${text}'`
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}

/** A statement for `knex.raw`, which interprets `?` as a binding. */
function rawLiteral(sql: string): string {
  return literal(sql.replaceAll('?', '\\?'))
}
