import type { CatalogTable } from '../../schema/catalog.ts'
import type { ColumnInfo } from '../../schema/catalog-data.ts'
import type { ColumnName, FromItem, QueryTree } from '../../sql/tree/query-tree.ts'
import type { ColumnScope } from './column-scope.ts'
import { isName, isNamePart } from './names.ts'
import type { OneRow } from './one-row.ts'

interface GroundItem {
  /** The qualifier of its columns. */
  readonly alias: string
  /** `undefined` for a derived table. */
  readonly table: CatalogTable | undefined
}

/** A column of one of the tables. */
interface GroundColumn {
  /** The index of the table. */
  readonly at: number
  readonly info: ColumnInfo
}

/**
 * The entries of FROM: the base table, and tables and queries that are joined to it. Each joined row belongs
 * to exactly one row of the base table.
 */
export class SelectGround {
  constructor(
    readonly base: CatalogTable,
    readonly items: readonly GroundItem[],
    /** Whether each row of the base table has at most one joined row. */
    readonly isOneToOne: boolean,
  ) {}

  /** Whether it is only the base table. */
  get isSingle(): boolean {
    return this.items.length === 1
  }

  /** Returns the column of a name; `undefined` if it is not certain, or not a column of a table. */
  columnOf({ table: alias, column }: ColumnName): GroundColumn | undefined {
    const { items, isSingle } = this
    const isCandidate = (of: GroundItem) =>
      isSingle || (alias === undefined ? hasName(of.table, column) : of.alias === alias)
    const [at, ...others] = items.flatMap((of, index) => (isCandidate(of) ? [index] : []))
    if (at === undefined || others.length > 0) return undefined
    const info = items[at]?.table?.columns.find(({ name }) => name === column)
    return info && { at, info }
  }
}

function hasName(table: CatalogTable | undefined, column: string): boolean {
  return table?.columns.some(({ name }) => name.toLowerCase() === column.toLowerCase()) === true
}

const JOINS = new Set(['INNER', 'LEFT', 'OUTER', 'JOIN'])

/**
 * Returns the entries of FROM, if FROM contains only names, derived tables, aliases, and joins that keep rows
 * of the first table apart.
 */
export function groundOf(tree: QueryTree, scope: ColumnScope, oneRow: OneRow): SelectGround | undefined {
  const { root, tokens } = tree
  const range = root.clauses.from
  const items: GroundItem[] = []
  let at = range?.start
  let isOneToOne = true
  for (const [index, item] of root.from.entries()) {
    const { alias, start, subquery } = item
    const table = scope.tableOf(item)
    const isJoined = index > 0
    if ((subquery === undefined ? table : isJoined || undefined) === undefined || at === undefined)
      return undefined
    if (items.some((other) => other.alias.toLowerCase() === alias.toLowerCase())) return undefined
    const end = root.from[index + 1]?.joinStart ?? range?.end ?? 0
    if (isJoined && !tokens.slice(at, start).every(({ upper }) => JOINS.has(upper))) return undefined
    const after = afterAlias(item, end, tree)
    if (after === undefined || (isJoined ? tokens[after]?.upper !== 'ON' || item.end !== end : after !== end))
      return undefined
    items.push({ alias, table })
    isOneToOne &&= !isJoined || oneRow.joins(item, root)
    at = end
  }
  const base = items[0]?.table
  return base && new SelectGround(base, items, isOneToOne)
}

/**
 * Returns the index of the token after `table [[AS] alias]` or `[LATERAL] (query) [AS] alias`; `undefined` if
 * it is written differently.
 */
function afterAlias(item: FromItem, end: number, { tokens }: QueryTree): number | undefined {
  const { table = [], start, subquery } = item
  const afterName = subquery === undefined ? start + table.length * 2 - 1 : subquery.end + 1
  if (subquery === undefined && (tokens[start]?.upper === 'ONLY' || !isName(tokens.slice(start, afterName))))
    return undefined
  if (afterName >= end || tokens[afterName]?.upper === 'ON') return afterName
  const alias = tokens[afterName]?.upper === 'AS' ? afterName + 1 : afterName
  return alias < end && isNamePart(tokens[alias]?.kind) ? alias + 1 : undefined
}
