import type { CatalogTable, SchemaCatalog } from '../../schema/catalog.ts'
import type { ColumnInfo, ColumnType } from '../../schema/catalog-data.ts'
import type { ColumnName, ConditionNode, FromItem, QueryTree } from '../../sql/tree/query-tree.ts'
import { isName, isNamePart } from './names.ts'

interface GroundTable {
  /** The qualifier of its columns. */
  readonly alias: string
  readonly table: CatalogTable
}

/** A column of one of the tables. */
interface GroundColumn {
  /** The index of the table. */
  readonly at: number
  readonly info: ColumnInfo
}

/** The tables that a select reads: the base table, and tables with at most one row for each of its rows. */
export class SelectGround {
  constructor(
    readonly base: CatalogTable,
    readonly tables: readonly GroundTable[],
  ) {}

  /** Returns the column of a name; `undefined` if it is not certain. */
  columnOf({ table: alias, column }: ColumnName): GroundColumn | undefined {
    const { tables } = this
    const isCandidate = (of: GroundTable) =>
      tables.length === 1 || (alias === undefined ? hasName(of.table, column) : of.alias === alias)
    const [at, ...others] = tables.flatMap((of, index) => (isCandidate(of) ? [index] : []))
    if (at === undefined || others.length > 0) return undefined
    const info = tables[at]?.table.columns.find(({ name }) => name === column)
    return info && { at, info }
  }
}

function hasName({ columns }: CatalogTable, column: string): boolean {
  return columns.some(({ name }) => name.toLowerCase() === column.toLowerCase())
}

const JOINS = new Set(['INNER', 'LEFT', 'OUTER', 'JOIN'])

/**
 * Returns the tables of FROM, if FROM contains only names, aliases, and joins that keep one row for each row
 * of the first table.
 */
export function groundOf(tree: QueryTree, catalog: SchemaCatalog): SelectGround | undefined {
  const { root, tokens } = tree
  const range = root.clauses.from
  const tables: GroundTable[] = []
  let at = range?.start
  for (const [index, item] of root.from.entries()) {
    const table = item.table === undefined ? undefined : catalog.baseTable(catalog.idOf(item.table))
    if (table === undefined || item.subquery !== undefined || at === undefined) return undefined
    if (tables.some(({ alias }) => alias.toLowerCase() === item.alias.toLowerCase())) return undefined
    const end = root.from[index + 1]?.joinStart ?? range?.end ?? 0
    const isJoined = index > 0
    if (isJoined && !tokens.slice(at, item.start).every(({ upper }) => JOINS.has(upper))) return undefined
    const after = afterAlias(item, end, tree)
    if (after === undefined || (isJoined ? tokens[after]?.upper !== 'ON' || item.end !== end : after !== end))
      return undefined
    tables.push({ alias: item.alias, table })
    if (isJoined && !joinsOneRow(item, tables)) return undefined
    at = end
  }
  const [base] = tables
  return base && new SelectGround(base.table, tables)
}

/** Returns the index of the token after `table [[AS] alias]`; `undefined` if it is written differently. */
function afterAlias({ table = [], start }: FromItem, end: number, { tokens }: QueryTree): number | undefined {
  const afterName = start + table.length * 2 - 1
  if (tokens[start]?.upper === 'ONLY' || !isName(tokens.slice(start, afterName))) return undefined
  if (afterName >= end || tokens[afterName]?.upper === 'ON') return afterName
  const alias = tokens[afterName]?.upper === 'AS' ? afterName + 1 : afterName
  return alias < end && isNamePart(tokens[alias]?.kind) ? alias + 1 : undefined
}

/** Types whose unique values no comparison treats as equal. */
const JOINED_TYPES: ReadonlySet<ColumnType> = new Set<ColumnType>(['integer', 'uuid'])

/** Whether the last table has at most one row for each row of the tables before it. */
function joinsOneRow(item: FromItem, tables: readonly GroundTable[]): boolean {
  const joined = tables.length - 1
  const { table } = tables[joined] ?? {}
  if (table === undefined) return false
  const ground = new SelectGround(table, tables)
  const matched = new Set<string>()
  for (const node of item.on) {
    if (node.kind !== 'comparison' || node.subquery !== undefined) return false
    const own = matchedColumn(node, joined, ground)
    if (own !== undefined) matched.add(own)
  }
  return [table.primaryKey, ...table.uniqueKeys].some(
    (key) => key.length > 0 && key.every((column) => matched.has(column)),
  )
}

/** Returns the column of the joined table that equals a column of a table before it. */
function matchedColumn(node: ConditionNode, joined: number, ground: SelectGround): string | undefined {
  if (node.kind !== 'comparison' || node.other === undefined) return undefined
  const { column, other, operator, negated, isNullSafe } = node
  if (operator !== '=' || negated || isNullSafe === true) return undefined
  if (column.call !== undefined || column.cast !== undefined || column.collation !== undefined)
    return undefined
  const sides = [ground.columnOf(column), ground.columnOf(other)]
  const own = sides.find((side) => side?.at === joined)
  const before = sides.find((side) => side !== undefined && side.at < joined)
  return own !== undefined && before?.info.type === own.info.type && JOINED_TYPES.has(own.info.type)
    ? own.info.name
    : undefined
}
