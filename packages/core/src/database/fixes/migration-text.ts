import { indexLabel } from '../index-definition.ts'
import type { SchemaChange } from './schema-change.ts'

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
