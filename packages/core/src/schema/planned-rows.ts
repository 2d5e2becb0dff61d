import type { Condition, Statement } from '../sql/statement-types.ts'
import type { TableId } from './catalog-data.ts'
import { type KeyedRows, keyedRows, type RowKey } from './row-key.ts'

/** How a statement's bound values identify the rows of a table. Valid in one version of the catalogs. */
export class PlannedRows {
  private constructor(
    readonly table: TableId,
    private readonly key: RowKey,
    /** By the key's columns, in order. */
    private readonly conditions: readonly Condition[],
    /** The number of values that must be bound; `undefined`: their number is not certain. */
    private readonly placeholders: number | 'numbered' | undefined,
  ) {}

  /** `undefined` if the conditions, which all hold, do not specify the whole key. */
  static of(
    { placeholders }: Statement,
    conditions: readonly Condition[],
    table: TableId,
    key: RowKey,
  ): PlannedRows | undefined {
    const { columns, dialect } = key
    const own: Condition[] = []
    for (const column of columns) {
      const name = dialect === 'postgresql' ? column : column.toLowerCase()
      const condition = conditions.find((one) => one.column === name)
      if (condition === undefined) return undefined
      own.push(condition)
    }
    return new PlannedRows(table, key, own, dialect === 'postgresql' ? 'numbered' : placeholders)
  }

  /**
   * The rows, identified by the primary key; `undefined` if these values do not identify them.
   *
   * @param values - Values that are bound to the statement's parameters.
   * @param most - Maximum number of rows that are distinguished.
   */
  of(values: readonly unknown[], most: number): KeyedRows | undefined {
    // If the number of bound values differs from the number of placeholders, the values are bound differently
    // from how the SQL is read here.
    const isBound = this.placeholders === 'numbered' || this.placeholders === values.length
    const options: (readonly unknown[])[] = []
    for (const condition of this.conditions) {
      const own: unknown[] = []
      for (const value of condition.values) {
        if (typeof value !== 'number') own.push(value)
        else if (isBound) own.push(values[value])
        else return undefined
      }
      options.push(own)
    }
    return keyedRows(this.key, options, most)
  }
}
