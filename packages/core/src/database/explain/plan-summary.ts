import { type TableId, tableId } from '../../schema/catalog-data.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { Token } from '../../sql/tokenize.ts'
import type { TableSnapshot } from '../inspectors/database-snapshot.ts'
import type { Explainable } from './explainable.ts'

/** A plan, in the same terms for every database. */
export interface PlanSummary {
  /**
   * The planner's own cost; `undefined` where it has none (SQLite). PostgreSQL and MariaDB count in different
   * units.
   */
  readonly cost?: number
  /** Rows read from tables and indexes: estimated; measured with `analyze`. `undefined`: not known. */
  readonly rowsScanned?: number
  readonly rowsReturned?: number
  /** Milliseconds; only with `analyze`. */
  readonly executionTime?: number
  readonly steps: readonly PlanStep[]
  /** Whether rows are sorted, and whether intermediate results are stored. */
  readonly sorts: number
  readonly temporaryStructures: number
  /** As the database gave it: JSON (PostgreSQL, MySQL), lines of text (SQLite). */
  readonly raw: unknown
}

/** One access to a table. */
export interface PlanStep {
  readonly table: TableId | undefined
  /** The name that the plan has for it: an alias, often. */
  readonly name: string
  /**
   * `index-scan`: a whole index, in its order; `index-search`: a part of it. `index-only-scan`: an index
   * alone; `searchedBy` shows whether it is a part. `key`: one row, by its primary or a unique key. `bitmap`:
   * rows found in one or several indexes, then read. `automatic-index`: an index that is created for this
   * statement only.
   */
  readonly access:
    | 'full-scan'
    | 'index-scan'
    | 'index-only-scan'
    | 'index-search'
    | 'bitmap'
    | 'key'
    | 'automatic-index'
    | 'other'
  readonly index?: string
  /** Columns that the index is searched by, if the plan contains them. */
  readonly searchedBy?: readonly string[]
  /** Rows that it yields each time it runs, and how often it runs; estimated, or measured with `analyze`. */
  readonly rows?: number
  readonly loops?: number
  readonly filter?: string
}

/** Request for a plan. */
export interface ExplainRequest {
  readonly statement: Explainable
  readonly bindings: readonly unknown[] | undefined
  readonly analyze: boolean
  readonly timeoutMs: number
  readonly tables: readonly TableSnapshot[]
  readonly defaultSchema: string | undefined
}

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
