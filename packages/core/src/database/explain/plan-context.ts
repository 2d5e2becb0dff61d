import { type TableId, tableId } from '../../schema/catalog-data.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { Token } from '../../sql/tokenize.ts'
import type { TableSnapshot } from '../inspectors/database-snapshot.ts'

/** Information that plans do not contain. */
export interface PlanContext {
  /** The table that a plan calls so, by alias or name; `undefined` for a subquery. */
  tableOf(name: string): TableId | undefined
  /** The rows of a table, where they are known. */
  rowsOf(table: TableId): number | undefined
  /** Whether an index of a table allows no value twice. */
  isUnique(table: TableId, index: string): boolean
}

/** @param tables - Results of an inspection; without them, less can be read from the plan. */
export function planContext(
  dialect: Dialect,
  tokens: readonly Token[],
  defaultSchema: string,
  tables: readonly TableSnapshot[] = [],
): PlanContext {
  const aliases = tablesByAlias(tokens, dialect)
  const byId = new Map(tables.map((table) => [table.id, table]))
  return {
    tableOf(name) {
      const parts = aliases.get(name.toLowerCase())
      if (parts === undefined) {
        const id = tableId(dialect, undefined, name, defaultSchema)
        return byId.has(id) ? id : undefined
      }
      return tableId(dialect, parts.at(-2), parts.at(-1) ?? '', defaultSchema)
    },
    rowsOf(table) {
      const rows = byId.get(table)?.rows
      return rows === undefined || rows < 0 ? undefined : rows
    },
    isUnique: (table, index) =>
      byId.get(table)?.indexes.some(({ name, isUnique }) => name === index && isUnique) ?? false,
  }
}

const BEFORE = new Set(['FROM', 'JOIN', 'UPDATE', 'INTO', 'STRAIGHT_JOIN'])
const NO_ALIAS = new Set(
  (
    'WHERE ON USING JOIN LEFT RIGHT INNER FULL CROSS NATURAL GROUP ORDER LIMIT OFFSET SET VALUES UNION EXCEPT ' +
    'INTERSECT HAVING WINDOW RETURNING FOR INDEXED NOT FORCE USE IGNORE SELECT FETCH PARTITION'
  ).split(' '),
)

/**
 * Which table each alias of a statement stands for, by the alias in lower case: the name's parts as written.
 * One alias of two tables is the first.
 */
function tablesByAlias(tokens: readonly Token[], dialect: Dialect): ReadonlyMap<string, readonly string[]> {
  const tables = new Map<string, readonly string[]>()
  const fold = ({ kind, text }: Token) =>
    kind === 'word' && dialect === 'postgresql' ? text.toLowerCase() : text
  const isName = (token: Token | undefined): token is Token =>
    token?.kind === 'word' || token?.kind === 'quoted'
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token
    // After a comma it may as well be a column: no plan has that for a table.
    const begins =
      (token.kind === 'word' && BEFORE.has(token.upper)) || (token.kind === 'symbol' && token.text === ',')
    if (!begins) continue
    let next = at + 1
    while (tokens[next]?.text === '(' || ['ONLY', 'LATERAL'].includes(tokens[next]?.upper ?? '')) next++
    const name: string[] = []
    for (let part = tokens[next]; isName(part); part = tokens[next]) {
      name.push(fold(part))
      next++
      if (tokens[next]?.text !== '.') break
      next++
    }
    if (name.length === 0) continue
    if (tokens[next]?.upper === 'AS') next++
    const alias = tokens[next]
    const isAlias = isName(alias) && !NO_ALIAS.has(alias.upper)
    const called = (isAlias ? fold(alias) : (name.at(-1) ?? '')).toLowerCase()
    if (!tables.has(called)) tables.set(called, name)
  }
  return tables
}
