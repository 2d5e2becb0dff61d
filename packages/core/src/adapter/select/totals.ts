import type { ColumnType } from '../../schema/catalog-data.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { QueryTree } from '../../sql/tree/query-tree.ts'
import { emptyTotals, isExactAggregate } from '../aggregate-values.ts'
import { type AggregateOutput, aggregateOutput } from './aggregate-output.ts'
import { Listing } from './listing.ts'
import type { SqlRow } from './outputs.ts'
import type { SelectFacts } from './select-facts.ts'

/** Returns the aggregates of a select that has no other outputs. */
export function aggregatesOf({ root, tokens }: QueryTree): readonly AggregateOutput[] | undefined {
  const aggregates = root.outputs.flatMap((output) => aggregateOutput(output, tokens) ?? [])
  return aggregates.length > 0 && aggregates.length === root.outputs.length ? aggregates : undefined
}

/** Whether every row of a select is the same: it selects numbers only, as in `select 1 from …`. */
export function selectsNumbers({ root, tokens }: QueryTree): boolean {
  return root.outputs.every(({ start, end, name }) => {
    const named = tokens[start + 1]?.upper === 'AS' ? 3 : 2
    return tokens[start]?.kind === 'number' && end - start === (name === undefined ? 1 : named)
  })
}

/** Whether the aggregates of many keys can be one query that is grouped by the key. */
export function canGroup(
  { tree, keys, ground }: SelectFacts,
  aggregates: readonly AggregateOutput[],
): boolean {
  const { root, dialect } = tree
  const names = new Set(root.outputs.flatMap(({ name }) => name?.toLowerCase() ?? []))
  // A name in GROUP BY can refer to an output.
  const isShadowed = keys.some(({ column, isQualified }) => !isQualified && names.has(column.toLowerCase()))
  // Objects list numeric names first, so the order of a row's names would not identify the values.
  const isNumbered = [...names].some((name) => /^\d+$/.test(name))
  if (root.orderBy.length > 0 || isShadowed || isNumbered) return false
  return aggregates.every(({ name, column, isZeroed }) => {
    const type = column && ground.columnOf(column)?.info.type
    if (isZeroed && !hasPlainZero(name, type, dialect)) return false
    return isExactAggregate(name, column === undefined ? [] : [type], dialect)
  })
}

/**
 * Whether drivers return 0 in the form of other results: not with decimals (`0.00`), nor on SQLite, whose
 * integer columns can contain fractions.
 */
function hasPlainZero(name: string, type: ColumnType | undefined, dialect: Dialect): boolean {
  return type === 'integer' && /^(?:sum|min|max)$/.test(name) && dialect !== 'sqlite'
}

/** Groups by the key: one row for each key that has rows. */
export class Totals extends Listing {
  /** Whether each is 0 if there are no rows. */
  readonly #areZero: readonly boolean[]

  constructor(facts: SelectFacts, aggregates: readonly AggregateOutput[]) {
    super(facts, true)
    this.#areZero = aggregates.map(({ name, isZeroed }) => name === 'count' || isZeroed)
  }

  emptyRow(sample: SqlRow): SqlRow | undefined {
    return emptyTotals(sample, this.#areZero)
  }
}
