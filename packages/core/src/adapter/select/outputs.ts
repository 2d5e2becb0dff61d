import type { QueryBlock } from '../../sql/tree/query-tree.ts'
import type { SelectGround } from './ground.ts'

/** How a driver returns rows: `[1, 'a']` or `{ id: 1, name: 'a' }`. */
export type RowForm = 'arrays' | 'objects'

export type SqlRow = readonly unknown[] | Readonly<Record<string, unknown>>

/** A column of the result. */
export interface Output {
  /** `undefined`: the database chooses it. */
  readonly name: string | undefined
  /** The column of a table; `undefined` for an expression, and for a column of a derived table. */
  readonly column: string | undefined
  /** The index of its table. */
  readonly at: number
  /** Whether it is one of `*`, whose order only the database knows for certain. */
  readonly isOfStar: boolean
}

/** Returns the columns of the result in order; `undefined` if one of them combines rows. */
export function outputsOf(root: QueryBlock, ground: SelectGround): readonly Output[] | undefined {
  const outputs: Output[] = []
  for (const { star, name, column, aggregate, isAggregated } of root.outputs) {
    if (star !== undefined) {
      for (const [at, { alias, table }] of ground.items.entries())
        if (star.of === undefined || ground.isSingle || star.of === alias)
          for (const own of table?.columns ?? [undefined])
            outputs.push({ name: own?.name, column: own?.name, at, isOfStar: true })
      continue
    }
    if (aggregate !== undefined || isAggregated === true) return undefined
    const { at = -1, info } = (column && ground.columnOf(column)) ?? {}
    outputs.push({ name: name ?? info?.name, column: info?.name, at, isOfStar: false })
  }
  return outputs.length === 0 ? undefined : outputs
}

export type Properties = ReadonlyMap<string, string | number>

/**
 * Returns the property of a row that contains each column of a table, except if another output has or may
 * have the same name, or if the property depends on the order of `*`.
 *
 * @param table - Its index. Default: the base table.
 */
export function propertiesOf(outputs: readonly Output[], form: RowForm, table: number = 0): Properties {
  const properties = new Map<string, string | number>()
  const isUncertain =
    form === 'arrays'
      ? outputs.some(({ isOfStar }) => isOfStar)
      : outputs.some(({ name }) => name === undefined)
  if (isUncertain) return properties
  const timesNamed = new Map<string, number>()
  for (const { name = '' } of outputs)
    timesNamed.set(name.toLowerCase(), (timesNamed.get(name.toLowerCase()) ?? 0) + 1)
  const seen = new Set<string>()
  for (const [nth, { name = '', column, at }] of outputs.entries()) {
    if (at !== table || column === undefined || seen.has(column)) continue
    seen.add(column)
    if (form === 'arrays') properties.set(column, nth)
    else if (timesNamed.get(name.toLowerCase()) === 1) properties.set(column, name)
  }
  return properties
}

/** Reads a value of a row. */
export type ValueReader = (row: SqlRow) => unknown

export function readerOf(property: string | number): ValueReader {
  return (row) => (row as Readonly<Record<string | number, unknown>>)[property]
}
