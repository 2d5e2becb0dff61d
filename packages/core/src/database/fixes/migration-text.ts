import { indexLabel } from '../index-definition.ts'
import type { DatabaseFacts } from './database-facts.ts'
import type { IndexPlace, SqlStep } from './index-sql.ts'
import { type SchemaChange, schemaChangeSql } from './schema-change.ts'

/**
 * A change and its reason, as lines of a comment. Names in a database can contain any characters, and some
 * migration tools end a statement at a semicolon even in a comment.
 */
export function changeComment(change: SchemaChange): string[] {
  const what = change.kind === 'create-index' ? 'Index on' : `Drops ${change.name}, an index on`
  return [`${what} ${indexLabel(change.index)}`, change.reason ?? '']
    .filter((line) => line !== '')
    .map(commentText)
}

/** A string in one line that ends neither a comment nor a statement. */
export function commentText(text: string): string {
  return text
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replaceAll(';', ',')
    .replaceAll('*/', '* /')
    .trim()
}

/** `add_city_region_id_idx`: a part of a file's name. */
export function migrationName(changes: readonly SchemaChange[]): string {
  const [first, ...rest] = changes
  if (first === undefined) return 'no_changes'
  const name = `${first.kind === 'create-index' ? 'add' : 'drop'}_${first.name}`
  return rest.length === 0 ? fileName(name) : `${fileName(name)}_and_${rest.length}_more`
}

/** A name in letters, digits and underscores, of at most 100 characters. */
export function fileName(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
    .replaceAll(' ', '_')
  return plain.slice(0, 100)
}

/**
 * Names of migrations begin with the time in UTC, to the second: `20261125181500`. Each is later than the
 * previous one, and than all existing ones, so that they run last and in order.
 *
 * @param existing - Names of existing migrations.
 */
export function timeStamps(count: number, at: Date, existing: readonly string[]): string[] {
  const latest = existing.map((name) => parse(name)).reduce((left, right) => Math.max(left, right), 0)
  const first = Math.max(Math.floor(at.getTime() / 1000), latest + 1)
  return Array.from({ length: count }, (_, index) => format(first + index))
}

function format(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\D/g, '').slice(0, 14)
}

function parse(name: string): number {
  const [, year, month, day, hours, minutes, seconds] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(name) ?? []
  const time = Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`)
  return Number.isNaN(time) ? 0 : time / 1000
}

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
