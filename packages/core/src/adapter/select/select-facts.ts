import type { LookupKey } from '../../pipeline/lookup.ts'
import type { SchemaCatalog } from '../../schema/catalog.ts'
import type { QueryTree } from '../../sql/tree/query-tree.ts'
import type { SelectGround } from './ground.ts'
import type { KeyColumn } from './key-columns.ts'
import type { Limit } from './limit.ts'
import type { Output, Properties, RowForm, SqlRow } from './outputs.ts'
import type { BoundSql } from './sql-writer.ts'

/** The facts about a select by key from which its batched query is written. */
export interface SelectFacts {
  readonly tree: QueryTree
  readonly form: RowForm
  readonly catalog: SchemaCatalog
  readonly ground: SelectGround
  /** The key, in the order of the catalog: columns of one table. */
  readonly keys: readonly KeyColumn[]
  readonly limit: Limit | undefined
  /** The columns of the result; `undefined` unless all are columns of the tables. */
  readonly outputs: readonly Output[] | undefined
  /** Where the rows contain the columns of the key's table. */
  readonly properties: Properties
  /** Names that a helper column must not have, in lower case. */
  readonly names: ReadonlySet<string>
}

/** One query for many keys. */
export interface BatchedQuery {
  /** How many columns it has at the end of each row besides those of the select. */
  readonly helpers: number
  /** Maximum number of keys. Default: as many as one statement binds. */
  readonly maxKeys?: number
  /** Whether the database decides about the rows of most keys, so that batches gain nothing. */
  readonly isTied?: boolean
  write(params: readonly unknown[], keys: readonly LookupKey[]): BoundSql
  /**
   * Assigns the rows to their keys, and removes the helper columns. `undefined` if a row belongs to none of
   * the keys. Keys whose rows are not certain are omitted.
   *
   * @param params - The parameters of the select.
   */
  split(
    rows: readonly SqlRow[],
    keys: readonly LookupKey[],
    params: readonly unknown[],
  ): Map<string, readonly SqlRow[]> | undefined
  /**
   * Returns the one row of a key that has none in the batched query; `undefined` if the sample does not show
   * its form. Omitted if a key can have no rows.
   *
   * @param sample - The row of another key.
   */
  emptyRow?(sample: SqlRow): SqlRow | undefined
}
