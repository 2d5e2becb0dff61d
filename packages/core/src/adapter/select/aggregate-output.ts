import type { Token } from '../../sql/tokenize.ts'
import type { ColumnName, OutputTerm } from '../../sql/tree/query-tree.ts'
import { isName } from './names.ts'

const AGGREGATES = ['count', 'sum', 'avg', 'min', 'max'] as const

/** Types whose values are written without a fixed number of digits. */
const CAST_TYPES: ReadonlySet<string> = new Set(
  'INT INTEGER INT2 INT4 INT8 SMALLINT BIGINT SIGNED UNSIGNED TEXT REAL FLOAT FLOAT4 FLOAT8 NUMERIC'.split(
    ' ',
  ),
)

/** An aggregate of all rows or of a plain column: `count(*)`, `count(1)`, `sum(x) as total`. */
export interface AggregateOutput {
  readonly name: (typeof AGGREGATES)[number]
  readonly isDistinct: boolean
  /** `undefined` for all rows. */
  readonly column: ColumnName | undefined
  /** Whether its result is cast: `count(*)::int`, `cast(sum(x) as bigint)`. */
  readonly isCast: boolean
  /** Whether it is 0 instead of NULL: `coalesce(sum(x), 0)`. */
  readonly isZeroed: boolean
  /** Whether the statement gives it a name. */
  readonly isNamed: boolean
}

/** Reads an output; `undefined` if it is anything else, such as an aggregate with FILTER. */
export function aggregateOutput(
  { start, end, columns, name: outputName }: OutputTerm,
  tokens: readonly Token[],
): AggregateOutput | undefined {
  const upper = (at: number) => tokens[at]?.upper ?? ''
  const is = (at: number, text: string) => tokens[at]?.kind === 'symbol' && tokens[at]?.text === text
  const isInCast = upper(start) === 'CAST' && is(start + 1, '(')
  const outer = isInCast ? start + 2 : start
  const isZeroed = upper(outer) === 'COALESCE' && is(outer + 1, '(')
  const first = isZeroed ? outer + 2 : outer
  const name = AGGREGATES.find((known) => upper(first) === known.toUpperCase())
  const closing = tokens.findIndex((_, at) => at > first && at < end && is(at, ')'))
  if (name === undefined || !is(first + 1, '(') || closing === -1) return undefined
  const isDistinct = upper(first + 2) === 'DISTINCT'
  const argument = first + (isDistinct ? 3 : 2)
  const isInParentheses = is(argument, '(')
  const close = isInParentheses ? closing + 1 : closing
  if (!is(close, ')')) return undefined
  const inner = tokens.slice(isInParentheses ? argument + 1 : argument, closing)
  // A number is never NULL: `count(1)` counts all rows.
  const isAllRows =
    inner.length === 1 &&
    !isInParentheses &&
    (inner[0]?.text === '*' || (inner[0]?.kind === 'number' && name === 'count' && !isDistinct))
  const [column] = columns
  if (!isAllRows && (!isName(inner) || columns.length !== 1 || column === undefined)) return undefined
  let at = close + 1
  const isType = (nth: number) => tokens[nth]?.kind === 'word' && CAST_TYPES.has(upper(nth))
  let isCast = isInCast
  const skipCasts = () => {
    for (; is(at, '::') && at < end && isType(at + 1); at += 2) isCast = true
  }
  if (isZeroed) {
    skipCasts()
    if (!is(at, ',') || tokens[at + 1]?.text !== '0' || !is(at + 2, ')')) return undefined
    at += 3
  }
  if (isInCast) {
    if (upper(at) !== 'AS' || !isType(at + 1) || !is(at + 2, ')')) return undefined
    at += 3
  }
  skipCasts()
  if (upper(at) === 'AS' && at < end) at += 1
  const isNamed = at < end && outputName !== undefined
  if (end - at !== (isNamed ? 1 : 0)) return undefined
  return { name, isDistinct, column: isAllRows ? undefined : column, isCast, isZeroed, isNamed }
}
