import { type TableId, tableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { flagOf, integerOf, optionalTextOf, type Row, textOf } from '../../../schema/readers/row-values.ts'
import { SqlSyntaxError } from '../../../sql/syntax-error.ts'
import { type Token, tokenize } from '../../../sql/tokenize.ts'
import type { IndexKey } from '../../index-definition.ts'
import type { IndexSnapshot } from '../database-snapshot.ts'
import type { Gaps } from '../gaps.ts'
import { columnWithin } from '../row-values.ts'

/** One key of an index as its CREATE INDEX has it. */
interface WrittenKey {
  /** Without its collation and direction. */
  readonly expression: string
}

interface WrittenIndex {
  readonly keys: readonly WrittenKey[]
  readonly where?: string
}

/** The keys and the condition of a CREATE INDEX that SQLite keeps; `undefined` when it is not understood. */
function readIndexDefinition(sql: string): WrittenIndex | undefined {
  const tokens = tokensOf(sql)
  const on = tokens.findIndex(({ kind, upper }) => kind === 'word' && upper === 'ON')
  const open = tokens.findIndex(({ text }, at) => on !== -1 && at > on && text === '(')
  if (open === -1) return undefined
  const close = closingOf(tokens, open)
  const keys = split(tokens, open + 1, close).map((key) => ({ expression: expressionOf(sql, key) }))
  const where = tokens[close + 1]?.upper === 'WHERE' ? tokens[close + 2] : undefined
  return where === undefined ? { keys } : { keys, where: withoutEnd(sql.slice(where.start)) }
}

/** The collations that a CREATE TABLE declares, by column in lower case. */
export function declaredCollations(sql: string): ReadonlyMap<string, string> {
  const tokens = tokensOf(sql)
  const collations = new Map<string, string>()
  const open = tokens.findIndex(({ text }) => text === '(')
  if (open === -1) return collations
  for (const part of split(tokens, open + 1, closingOf(tokens, open))) {
    const at = part.findIndex(({ upper }) => upper === 'COLLATE')
    const [column, collation] = [part[0], part[at + 1]]
    if (at > 0 && column !== undefined && collation !== undefined)
      collations.set(nameOf(column).toLowerCase(), nameOf(collation).toUpperCase())
  }
  return collations
}

/** The SELECT of a CREATE VIEW, with the view's column names. `undefined` if it cannot be parsed. */
export function viewDefinition(sql: string): string | undefined {
  const tokens = tokensOf(sql)
  const as = tokens.findIndex(({ kind, upper }) => kind === 'word' && upper === 'AS')
  const body = tokens[as + 1]
  if (as === -1 || body === undefined) return undefined
  const select = withoutEnd(sql.slice(body.start))
  const open = tokens.findIndex(({ text }, at) => at < as && text === '(')
  const [first, last] = [tokens[open], tokens[as - 1]]
  if (open === -1 || first === undefined || last === undefined) return select
  return `WITH named ${sql.slice(first.start, last.end)} AS (${select}) SELECT * FROM named`
}

function tokensOf(sql: string): readonly Token[] {
  try {
    return tokenize(sql, 'sqlite')
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return []
  }
}

function closingOf(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let at = open; at < tokens.length; at++) {
    const { text, kind } = tokens[at] as Token
    if (kind !== 'symbol') continue
    if (text === '(') depth++
    else if (text === ')' && --depth === 0) return at
  }
  return tokens.length
}

/** The parts between the commas that are in no parentheses. */
function split(tokens: readonly Token[], from: number, to: number): Token[][] {
  const parts: Token[][] = [[]]
  let depth = 0
  for (const token of tokens.slice(from, to)) {
    if (token.kind === 'symbol' && token.text === '(') depth++
    else if (token.kind === 'symbol' && token.text === ')') depth--
    if (depth === 0 && token.kind === 'symbol' && token.text === ',') parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}

function expressionOf(sql: string, key: readonly Token[]): string {
  let end = key.length
  if (['ASC', 'DESC'].includes(key[end - 1]?.upper ?? '')) end--
  if (key[end - 2]?.upper === 'COLLATE') end -= 2
  return sql.slice(key[0]?.start, key[end - 1]?.end)
}

/** A name may be written as a string, too. */
function nameOf({ kind, text }: Token): string {
  return kind === 'string' ? text.slice(1, -1) : text
}

function withoutEnd(sql: string): string {
  return sql.trim().replace(/;$/, '').trimEnd()
}

const INDEXES = `
  SELECT m.name AS "table", m.sql AS "table_sql", i.name AS "name", i."unique" AS "is_unique", i.origin AS "origin",
    (SELECT x.sql FROM main.sqlite_schema x WHERE x.type = 'index' AND x.name = i.name) AS "definition",
    c.seqno AS "position", c.cid AS "column_number", c.name AS "column", c."desc" AS "is_descending", c.coll AS "collation"
  FROM main.sqlite_schema m
  JOIN pragma_index_list(m.name, 'main') i
  JOIN pragma_index_xinfo(i.name, 'main') c
  WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' AND c.key = 1
  ORDER BY m.name, i.seq DESC, c.seqno`

export async function readIndexes(
  connection: Connection,
  columns: ReadonlyMap<TableId, readonly string[]>,
  gaps: Gaps,
): Promise<ReadonlyMap<TableId, readonly IndexSnapshot[]>> {
  return gaps.read('indexes', 'Without them, there is no advice on indexes.', new Map(), async () => {
    const tables = new Map<TableId, IndexSnapshot[]>()
    for (const rows of byIndex(await connection.query(INDEXES))) {
      const [first] = rows
      if (first === undefined) continue
      const table = tableId('sqlite', undefined, textOf(first, 'table'), 'main')
      const index = indexOf(first, rows, table, columns.get(table) ?? [])
      tables.set(table, [...(tables.get(table) ?? []), index])
    }
    return tables
  })
}

function byIndex(rows: readonly Row[]): Iterable<readonly Row[]> {
  const indexes = new Map<string, Row[]>()
  for (const row of rows) {
    const name = textOf(row, 'name')
    indexes.set(name, [...(indexes.get(name) ?? []), row])
  }
  return indexes.values()
}

function indexOf(
  first: Row,
  rows: readonly Row[],
  table: TableId,
  columns: readonly string[],
): IndexSnapshot {
  const definition = optionalTextOf(first, 'definition')
  const written = definition === undefined ? undefined : readIndexDefinition(definition)
  const collations = declaredCollations(textOf(first, 'table_sql'))
  const origin = textOf(first, 'origin')
  return {
    table,
    name: textOf(first, 'name'),
    keys: rows.map((row) => keyOf(row, written, collations, columns)),
    method: 'btree',
    isUnique: flagOf(first, 'is_unique'),
    ...(written?.where === undefined ? {} : { where: written.where }),
    isPrimary: origin === 'pk',
    isConstraint: origin !== 'c',
    isValid: true,
    isVisible: true,
    ...(definition === undefined ? {} : { definition }),
  }
}

function keyOf(
  row: Row,
  written: WrittenIndex | undefined,
  collations: ReadonlyMap<string, string>,
  columns: readonly string[],
): IndexKey {
  const name = optionalTextOf(row, 'column')
  const expression =
    name === undefined ? (written?.keys[integerOf(row, 'position')]?.expression ?? '') : undefined
  const column = name ?? columnWithin(expression ?? '', columns, 'sqlite')
  const collation = optionalTextOf(row, 'collation')?.toUpperCase()
  const own = expression === undefined ? (collations.get(column.toLowerCase()) ?? 'BINARY') : 'BINARY'
  return {
    column,
    ...(expression === undefined ? {} : { expression }),
    ...(flagOf(row, 'is_descending') ? { isDescending: true } : {}),
    ...(collation === undefined || collation === own ? {} : { collation }),
  }
}
