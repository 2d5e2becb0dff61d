import type { LookupKey } from '../../pipeline/lookup.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { Range } from '../../sql/token-map.ts'
import type { QueryTree } from '../../sql/tree/query-tree.ts'
import type { KeyColumn } from './key-columns.ts'

/** A part of a statement: SQL, or the index of a parameter of the original statement. */
export type SqlPart = string | number

/** A statement with its parameters. */
export interface BoundSql {
  readonly sql: string
  readonly params: readonly unknown[]
}

/** Text that replaces a part of the original statement, by offsets. */
export interface SqlEdit {
  readonly start: number
  readonly end: number
  readonly parts: readonly SqlPart[]
}

/** Returns where tokens are in the statement. */
export function offsetsOf(
  { tokens }: QueryTree,
  range: Range | undefined,
): { readonly start: number; readonly end: number } {
  const { start, end } = range ?? { start: 0, end: 1 }
  return { start: tokens[start]?.start ?? 0, end: tokens[end - 1]?.end ?? 0 }
}

/**
 * Returns a statement from one offset to another as parts.
 *
 * @param edits - Without overlaps.
 */
export function partsOf(
  { sql, tokens, places }: QueryTree,
  start: number,
  end: number,
  edits: readonly SqlEdit[],
): readonly SqlPart[] {
  const parameters = [...places].flatMap(([at, place]) => {
    const token = tokens[at]
    return token === undefined ? [] : [{ start: token.start, end: token.end, parts: [place] }]
  })
  const isReplaced = (at: number) => edits.some((edit) => at >= edit.start && at < edit.end)
  const all = [...edits, ...parameters.filter((parameter) => !isReplaced(parameter.start))]
    .filter((edit) => edit.start >= start && edit.end <= end)
    .sort((left, right) => left.start - right.start)
  const parts: SqlPart[] = []
  let at = start
  for (const edit of all) {
    parts.push(sql.slice(at, edit.start), ...edit.parts)
    at = edit.end
  }
  parts.push(sql.slice(at, end))
  return parts
}

/** Returns the edits that remove the repeated conditions on the columns of a key. */
export function repeatEditsOf(tree: QueryTree, keys: readonly KeyColumn[]): readonly SqlEdit[] {
  return keys.flatMap(({ repeats }) => repeats.map(({ range }) => withoutCondition(offsetsOf(tree, range))))
}

function withoutCondition(offsets: Omit<SqlEdit, 'parts'>): SqlEdit {
  return { ...offsets, parts: ['1 = 1'] }
}

/**
 * Returns where the condition on the whole key replaces that on one of its columns, and the edits that remove
 * the conditions on the others.
 */
export function keyEditsOf(
  tree: QueryTree,
  keys: readonly KeyColumn[],
): { readonly at: Omit<SqlEdit, 'parts'>; readonly edits: readonly SqlEdit[] } {
  const [at = { start: 0, end: 0 }, ...others] = keys
    .map(({ range }) => offsetsOf(tree, range))
    .sort((left, right) => left.start - right.start)
  return { at, edits: [...others.map(withoutCondition), ...repeatEditsOf(tree, keys)] }
}

/** Writes a statement, and collects its parameters in their order. */
export class SqlWriter {
  #sql = ''
  readonly #params: unknown[] = []
  /** PostgreSQL: the number of each parameter of the original statement. */
  readonly #numbers = new Map<number, number>()

  constructor(private readonly dialect: Dialect) {}

  /** @param params - The parameters of the original statement. */
  add(parts: readonly SqlPart[], params: readonly unknown[]): void {
    for (const part of parts) {
      if (typeof part === 'string') this.#sql += part
      else this.#original(part, params[part])
    }
  }

  text(sql: string): void {
    this.#sql += sql
  }

  value(value: unknown): void {
    this.#params.push(value)
    this.#sql += this.dialect === 'postgresql' ? `$${this.#params.length}` : '?'
  }

  /** Writes the values of one key, cast as in the original statement. */
  key(columns: readonly KeyColumn[], { values }: LookupKey): void {
    for (const [at, { cast }] of columns.entries()) {
      this.text(at > 0 ? `, ${cast[0]}` : cast[0])
      this.value(values[at])
      this.text(cast[1])
    }
  }

  /** Writes the condition that columns have the values of one of the keys. */
  isOneOf(columns: readonly KeyColumn[], keys: readonly LookupKey[]): void {
    const names = columns.map(({ text }) => text).join(', ')
    const isRow = columns.length > 1
    // SQLite compares a row with the rows of a query only.
    this.text(`${isRow ? `(${names})` : names} in (${isRow && this.dialect === 'sqlite' ? 'values ' : ''}`)
    for (const [at, key] of keys.entries()) {
      this.text(`${at > 0 ? ', ' : ''}${isRow ? '(' : ''}`)
      this.key(columns, key)
      if (isRow) this.text(')')
    }
    this.text(')')
  }

  bound(): BoundSql {
    return { sql: this.#sql, params: this.#params }
  }

  #original(place: number, value: unknown): void {
    const number = this.#numbers.get(place)
    if (number !== undefined) {
      this.#sql += `$${number}`
      return
    }
    this.value(value)
    if (this.dialect === 'postgresql') this.#numbers.set(place, this.#params.length)
  }
}
