import type { DatabaseFacts } from '../database-facts.ts'
import type { IndexPlace, SqlStep } from '../ddl/change-sql.ts'
import type { FixFile, SchemaChange } from '../fix.ts'
import { changeComment, commentText } from '../fix-comment.ts'
import { migrationName } from '../migration-name.ts'
import { schemaChangeSql } from '../schema-change-sql.ts'
import { timeStamps } from '../time-stamps.ts'
import { literal, rawLiteral } from './javascript-text.ts'
import { type KnexLanguage, knexTemplate } from './knex-template.ts'

export interface KnexMigrationOptions {
  /** Relative to the project: `migrations`. */
  readonly migrationsDir: string
  /** What the migrations of the project are written in: TypeScript, or JavaScript with `export` or with `exports`. */
  readonly language: KnexLanguage
  /** As Knex would end the file's name: `.ts`, `.js`, `.mjs`, `.cjs`. Left out: by the language. */
  readonly extension?: string
  readonly at: Date
  /** Names of the migrations that are there. */
  readonly existing: readonly string[]
}

const EXTENSIONS: Readonly<Record<KnexLanguage, string>> = { ts: '.ts', esm: '.mjs', cjs: '.js' }

/**
 * One migration for all changes. It may run again: what is there already stays, and what an earlier try left unfinished is replaced.
 *
 * @throws InvalidArgumentError for a change that the database cannot have.
 */
export function knexMigration(changes: readonly SchemaChange[], facts: DatabaseFacts, options: KnexMigrationOptions): FixFile {
  const [stamp] = timeStamps(1, options.at, options.existing)
  const sql = changes.map((change) => ({ change, ...schemaChangeSql(change, facts) }))
  const up = sql.flatMap(({ change, steps, notes }) => [
    ...comment([...changeComment(change), ...notes]),
    ...steps.flatMap((step) => call(step, facts)),
  ])
  const down = [...sql].reverse().flatMap(({ undo }) => undo.flatMap((step) => call(step, facts)))
  const extension = options.extension ?? EXTENSIONS[options.language]
  return {
    path: `${options.migrationsDir}/${stamp}_${migrationName(changes)}${extension}`,
    content: knexTemplate(facts.product, options.language, up, down),
    isPatch: false,
  }
}

/** The call of a helper of the template for a step. */
function call({ sql, isConcurrent, creates, drops }: SqlStep, { product }: DatabaseFacts): string[] {
  const statement = rawLiteral(sql)
  if (product === 'sqlite') return [`await run(${statement})`]
  if (product !== 'postgresql') {
    const has = (place: IndexPlace) => `await hasIndex(run, ${args(place, 'table')})`
    if (creates !== undefined) return [`if (!(${has(creates)})) await run(${statement})`]
    return drops === undefined ? [] : [`if (${has(drops)}) await run(${statement})`]
  }
  if (creates === undefined) return [isConcurrent ? `await run(${statement})` : `await briefly(run, ${statement})`]
  return [`await ${isConcurrent ? 'createIndex' : 'createParentIndex'}(run, ${args(creates, 'name')}, ${statement})`]
}

function args(place: IndexPlace, from: 'table' | 'name'): string {
  const schema = place.schema === undefined ? 'null' : literal(place.schema)
  return [schema, ...(from === 'table' ? [literal(place.table)] : []), literal(place.name)].join(', ')
}

function comment(lines: readonly string[]): string[] {
  return lines.map((line) => `// ${commentText(line)}`)
}
