import type { TableSnapshot } from '../inspectors/database-snapshot.ts'
import { quoteName } from '../quote-name.ts'
import type { CandidateContext } from './candidate-context.ts'
import { shareOf } from './selectivity.ts'
import type { ColumnCondition } from './table-use.ts'

/** The condition of a partial index. */
export interface PartialFilter {
  readonly sql: string
  readonly column: string
  /** The share of the rows for which it holds. */
  readonly share: number
}

const MAX_SHARE = 0.2
/** A literal beside NULL and the booleans may be one of many that come by: only a rare one of few, asked for often, is taken for a fixed one. */
const LITERAL = { maxShare: 0.05, maxDistinct: 10, minCalls: 10 }

/** The conditions of a statement that are fixed in its text and leave few rows. */
export function partialFilters(
  conditions: readonly ColumnCondition[],
  table: TableSnapshot,
  { snapshot, statistics }: Pick<CandidateContext, 'snapshot' | 'statistics'>,
  calls: number,
): PartialFilter[] {
  const { dialect } = snapshot
  if (dialect === 'mysql') return []
  return conditions.flatMap((condition) => {
    const { column, operator, negated, values, call, isCast } = condition
    if (call !== undefined || isCast) return []
    const known = statistics.column(table, column)
    if (known === undefined) return []
    const share = shareOf(condition, known)
    if (share > MAX_SHARE || share <= 0) return []
    const name = quoteName(column, dialect)
    if (operator === 'is null' || operator === 'is not null') {
      const isNull = (operator === 'is null') !== negated
      return [{ sql: `${name} IS ${isNull ? '' : 'NOT '}NULL`, column, share }]
    }
    const [value] = values
    if (operator !== '=' || negated || value?.kind !== 'literal') return []
    const isBoolean = /^(true|false)$/i.test(value.text)
    if (isBoolean && dialect === 'postgresql') return [{ sql: /true/i.test(value.text) ? name : `NOT ${name}`, column, share }]
    const isFixed = isBoolean || (share <= LITERAL.maxShare && known.distinct <= LITERAL.maxDistinct && calls >= LITERAL.minCalls)
    return isFixed ? [{ sql: `${name} = ${value.text}`, column, share }] : []
  })
}
