import type { TableId } from '../schema/catalog-data.ts'

/** One key of an index. */
export interface IndexKey {
  /** The column; of an expression the one within it. */
  readonly column: string
  /** `lower(column)`: the expression, with the column as the database writes it. Left out for a bare column. */
  readonly expression?: string
  readonly isDescending?: boolean
  /** Where it is not the database's default for the direction (PostgreSQL). */
  readonly nulls?: 'first' | 'last'
  /** PostgreSQL: `text_pattern_ops`, `gin_trgm_ops`, … */
  readonly operatorClass?: string
  /** SQLite: `NOCASE`. Left out: the column's own. */
  readonly collation?: string
  /** MySQL: characters of the value that are kept. */
  readonly prefixLength?: number
}

export type IndexMethod = 'btree' | 'hash' | 'gin' | 'gist' | 'brin' | 'spgist' | 'fulltext' | 'spatial' | 'other'

/** An index that is there, or could be. */
export interface IndexDefinition {
  readonly table: TableId
  readonly keys: readonly IndexKey[]
  readonly method: IndexMethod
  readonly isUnique: boolean
  /** Of a partial index: its condition, as SQL over the table's own columns. */
  readonly where?: string
  /** Columns that it carries beside its keys (PostgreSQL). */
  readonly include?: readonly string[]
}

/** What an index is, without what else is known of one that is there: its name, its size, how often it is used. */
export function definitionOf({ table, keys, method, isUnique, where, include }: IndexDefinition): IndexDefinition {
  return { table, keys, method, isUnique, ...(where === undefined ? {} : { where }), ...(include === undefined ? {} : { include }) }
}

/** Tells an index from every other of its table: `public.city(region_id, name DESC) WHERE deleted_at IS NULL`. */
export function indexLabel({ table, keys, method, where, include }: IndexDefinition): string {
  const columns = keys.map((key) =>
    [
      key.expression ?? key.column,
      key.prefixLength === undefined ? '' : `(${key.prefixLength})`,
      key.collation === undefined ? '' : ` COLLATE ${key.collation}`,
      key.operatorClass === undefined ? '' : ` ${key.operatorClass}`,
      key.isDescending === true ? ' DESC' : '',
      key.nulls === undefined ? '' : ` NULLS ${key.nulls.toUpperCase()}`,
    ].join(''),
  )
  const using = method === 'btree' ? '' : ` USING ${method}`
  const carried = include === undefined || include.length === 0 ? '' : ` INCLUDE (${include.join(', ')})`
  return `${table}${using}(${columns.join(', ')})${carried}${where === undefined ? '' : ` WHERE ${where}`}`
}
