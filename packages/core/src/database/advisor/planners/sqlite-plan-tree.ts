import { quoteName } from '../../../sql/dialect.ts'
import { type IndexDefinition, indexBodySql } from '../../index-definition.ts'
import type { TableSnapshot } from '../../inspectors/database-snapshot.ts'

/** One line of EXPLAIN QUERY PLAN with those below it. */
export interface SqlitePlanNode {
  readonly text: string
  readonly access: SqliteAccess | undefined
  readonly children: readonly SqlitePlanNode[]
}

export interface SqliteAccess {
  readonly kind: 'scan' | 'search'
  /** The alias, where the statement gives one. */
  readonly name: string
  readonly index: string | undefined
  readonly isCovering: boolean
  readonly isAutomatic: boolean
  /** The optional side of an outer join. */
  readonly isOuter: boolean
  /** By the rowid, or by the key of a table without one. */
  readonly isKey: boolean
  /** Columns that are searched by one value each, in order. */
  readonly equalities: readonly string[]
  readonly hasRange: boolean
}

/** @param rows - As EXPLAIN QUERY PLAN gives them: `id`, `parent`, `detail`. */
export function sqlitePlanTree(rows: readonly Readonly<Record<string, unknown>>[]): SqlitePlanNode[] {
  const below = new Map<number, Readonly<Record<string, unknown>>[]>()
  for (const row of rows) {
    const parent = Number(row.parent)
    below.set(parent, [...(below.get(parent) ?? []), row])
  }
  const build = (parent: number): SqlitePlanNode[] =>
    (below.get(parent) ?? []).map((row) => {
      const text = String(row.detail)
      const id = Number(row.id)
      return { text, access: readAccess(text), children: id === parent ? [] : build(id) }
    })
  return build(0)
}

const ACCESS =
  /^(SCAN|SEARCH) (?:TABLE )?(\S+)(?: AS (\S+))?(?: USING (?:(AUTOMATIC )?(?:PARTIAL )?(COVERING )?INDEX( \S+)?|(INTEGER PRIMARY KEY|ROWID SEARCH|PRIMARY KEY)))?(?: \((.*)\))?(?: LEFT-JOIN)?$/

function readAccess(text: string): SqliteAccess | undefined {
  const match = ACCESS.exec(text)
  if (match === null) return undefined
  const [, kind, table = '', alias, automatic, covering, index, key, terms = ''] = match
  if (text.startsWith('SCAN CONSTANT')) return undefined
  // Without an index, the search is for the least or the greatest value, in all rows.
  const isSearch = kind === 'SEARCH' && (index ?? key ?? automatic) !== undefined
  return {
    kind: isSearch ? 'search' : 'scan',
    // The alias of a query in FROM, or a placeholder such as `(subquery-3)`.
    name: alias ?? table.replace(/^\w+\./, ''),
    index: index?.trim(),
    isCovering: covering !== undefined,
    isAutomatic: automatic !== undefined,
    isOuter: text.endsWith(' LEFT-JOIN'),
    isKey: key !== undefined,
    equalities: [...terms.matchAll(/(?<![^\s(])([^\s(]+?)(?:=| IN )\?/g)].map(([, column = '']) => column),
    hasRange: /[<>]\?|[<>]=?\(/.test(terms) || /[<>]/.test(terms),
  }
}

/** `CREATE INDEX` in SQLite. */
export function createSqliteIndex(name: string, table: TableSnapshot, index: IndexDefinition): string {
  return `CREATE ${index.isUnique ? 'UNIQUE ' : ''}INDEX ${name} ON ${quoteName(table.name, 'sqlite')} ${indexBodySql(index, 'sqlite')}`
}
