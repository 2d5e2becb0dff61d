import type { DatabaseFacts } from './database-facts.ts'
import type { IndexPlace, SqlStep } from './ddl/change-sql.ts'
import { changeComment, commentText } from './migration-text.ts'
import { type SchemaChange, schemaChangeSql } from './schema-change.ts'

/** Lines of JavaScript that apply changes, and lines that revert them. */
export interface MigrationLines {
  readonly up: readonly string[]
  readonly down: readonly string[]
}

/**
 * Writes changes as the body of a migration in JavaScript. The lines call functions that the migration must
 * define: `run(sql)`; on PostgreSQL also `briefly(run, sql)`, `createIndex(run, schema, name, sql)` and
 * `createParentIndex(run, schema, name, sql)`; on MySQL also `hasIndex(run, schema, table, name)`.
 *
 * @param statement - Writes a SQL statement as a literal for `run`.
 * @throws InvalidArgumentError for a change that the database does not support.
 */
export function migrationLines(
  changes: readonly SchemaChange[],
  facts: DatabaseFacts,
  statement: (sql: string) => string,
): MigrationLines {
  const sql = changes.map((change) => ({ change, ...schemaChangeSql(change, facts) }))
  return {
    up: sql.flatMap(({ change, steps, notes }) => [
      ...[...changeComment(change), ...notes].map((line) => `// ${commentText(line)}`),
      ...steps.flatMap((step) => call(step, facts, statement)),
    ]),
    down: [...sql].reverse().flatMap(({ undo }) => undo.flatMap((step) => call(step, facts, statement))),
  }
}

/** A string as a JavaScript literal, with single quotes if that is readable. */
export function codeLiteral(text: string): string {
  if (/^[^'\\\p{Cc}\u2028\u2029]*$/u.test(text)) return `'${text}'`
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}

function call(
  { sql, isConcurrent, creates, drops }: SqlStep,
  { product }: DatabaseFacts,
  literal: (sql: string) => string,
): string[] {
  const statement = literal(sql)
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
  const schema = place.schema === undefined ? 'null' : codeLiteral(place.schema)
  return [schema, ...(from === 'table' ? [codeLiteral(place.table)] : []), codeLiteral(place.name)].join(', ')
}
