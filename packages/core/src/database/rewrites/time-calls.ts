import type { Range } from '../../sql/token-map.ts'
import type { Token } from '../../sql/tokenize.ts'
import type { ConditionNode, QueryTree } from '../../sql/tree/query-tree.ts'

/** A period that a function cuts times to. */
export type Period = 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year'

type TimeOperator = '=' | '<' | '<=' | '>' | '>=' | 'between'

/** A function that cuts a time to a period, and its comparison with values. */
export interface TimeCall {
  /** Name for messages: `date`, `date_trunc`. */
  readonly name: string
  readonly period: Period
  /**
   * The compared value: a day (`2024-05-31`), a year as a number, a part of the text (`2024-05`), or the
   * time at which the period begins.
   */
  readonly form: 'day' | 'number' | 'text' | 'start'
  readonly column: Range
  readonly operator: TimeOperator
  readonly values: readonly Range[]
}

type Call = Pick<TimeCall, 'name' | 'period' | 'form' | 'column'> & { readonly end: number }

/**
 * Reads `date(x) = v`, `x::date BETWEEN v AND w`, `year(x) = v`, `date_trunc('month', x) = v`,
 * `strftime('%Y-%m', x) = v` and the like.
 */
export function readTimeCall(tree: QueryTree, condition: ConditionNode): TimeCall | undefined {
  let { start, end } = condition
  const { tokens } = tree
  while (isEnclosed(tokens, start, end)) {
    start += 1
    end -= 1
  }
  const call = readCall(tree, start)
  if (call === undefined) return undefined
  const compared = comparisonOf(tokens, call.end, end)
  return compared && { ...call, ...compared }
}

function isEnclosed(tokens: readonly Token[], start: number, end: number): boolean {
  return tokens[start]?.text === '(' && closingOf(tokens, start) === end - 1
}

/** The index of the parenthesis that closes one; -1 if there is none. */
function closingOf(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let at = open; at < tokens.length; at++) {
    const text = tokens[at]?.kind === 'symbol' ? tokens[at]?.text : undefined
    if (text === '(') depth += 1
    else if (text === ')') depth -= 1
    if (depth === 0) return at
  }
  return -1
}

const OPERATORS: Readonly<Record<string, TimeOperator>> = {
  '=': '=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}

function comparisonOf(
  tokens: readonly Token[],
  at: number,
  end: number,
): Pick<TimeCall, 'operator' | 'values'> | undefined {
  if (tokens[at]?.upper === 'BETWEEN') {
    let depth = 0
    for (let and = at + 1; and < end; and++) {
      const { text, upper } = tokens[and] ?? {}
      if (text === '(') depth += 1
      else if (text === ')') depth -= 1
      if (depth !== 0 || upper !== 'AND') continue
      const values = [
        { start: at + 1, end: and },
        { start: and + 1, end },
      ]
      return values.every((value) => isValue(tokens, value)) ? { operator: 'between', values } : undefined
    }
    return undefined
  }
  // Operators can be one token, or a token for each character.
  const isPair = tokens[at + 1]?.text === '=' && tokens[at]?.end === tokens[at + 1]?.start
  const operator = OPERATORS[`${tokens[at]?.text}${isPair ? '=' : ''}`]
  const value = { start: at + (isPair ? 2 : 1), end }
  return operator === undefined || !isValue(tokens, value) ? undefined : { operator, values: [value] }
}

/** Words of values that are the same each time that a statement evaluates them. */
const CONSTANT = /^(CURRENT_DATE|CURDATE|DATE|TIMESTAMP|TIMESTAMPTZ|TEXT|VARCHAR|INT|INTEGER)$/

/** Whether tokens are a value without columns. */
function isValue(tokens: readonly Token[], { start, end }: Range): boolean {
  const own = tokens.slice(start, end)
  const isKnown = ({ kind, text, upper }: Token) => {
    if (kind === 'parameter' || kind === 'string' || kind === 'number') return true
    return kind === 'word' ? CONSTANT.test(upper ?? '') : ['::', '(', ')'].includes(text)
  }
  return own.length > 0 && own.every(isKnown)
}

function readCall(tree: QueryTree, start: number): Call | undefined {
  const { tokens, dialect } = tree
  const isPostgresql = dialect === 'postgresql'
  const open = tokens[start + 1]?.text === '(' ? start + 1 : undefined
  if (open === undefined) return isPostgresql ? castCall(tokens, start) : undefined
  const close = closingOf(tokens, open)
  const name = tokens[start]?.upper ?? ''
  const parts = argumentsOf(tokens, open, close)
  const [first, second] = parts
  const call = (period: Period, form: Call['form'], column: Range | undefined): Call | undefined =>
    column === undefined || !isName(tokens, column)
      ? undefined
      : { name: name.toLowerCase(), period, form, column, end: close + 1 }
  if (close < 0 || first === undefined) return undefined
  switch (name) {
    case 'DATE':
      return parts.length === 1 ? call('day', 'day', first) : undefined
    case 'CAST':
      return castAs(tree, { open, close }, call)
    case 'YEAR':
      return dialect === 'mysql' && parts.length === 1 ? call('year', 'number', first) : undefined
    case 'EXTRACT': {
      const isYear = tokens[open + 1]?.upper === 'YEAR' && tokens[open + 2]?.upper === 'FROM'
      const column = { start: open + 3, end: close }
      return dialect !== 'sqlite' && isYear ? call('year', 'number', column) : undefined
    }
    case 'DATE_PART':
      return isPostgresql && stringOf(tokens, first) === 'year' ? call('year', 'number', second) : undefined
    case 'DATE_TRUNC': {
      const period = stringOf(tokens, first)?.toLowerCase() as Period
      return isPostgresql && parts.length === 2 && PERIODS.has(period)
        ? withoutCast(tokens, call(period, 'start', second))
        : undefined
    }
    case 'STRFTIME':
      return dialect === 'sqlite' ? ofFormat(stringOf(tokens, first), second, call) : undefined
    case 'DATE_FORMAT':
      return dialect === 'mysql' ? ofFormat(stringOf(tokens, second), first, call) : undefined
    case 'TO_CHAR':
      return isPostgresql ? ofFormat(stringOf(tokens, second), first, call) : undefined
    default:
      return undefined
  }
}

const PERIODS: ReadonlySet<string> = new Set<Period>(['hour', 'day', 'week', 'month', 'quarter', 'year'])
const FORMATS: Readonly<Record<string, Period>> = {
  '%Y': 'year',
  '%Y-%m': 'month',
  '%Y-%m-%d': 'day',
  YYYY: 'year',
  'YYYY-MM': 'month',
  'YYYY-MM-DD': 'day',
}

type MakeCall = (period: Period, form: Call['form'], column: Range | undefined) => Call | undefined

function ofFormat(format: string | undefined, column: Range | undefined, call: MakeCall): Call | undefined {
  const period = FORMATS[format ?? '']
  return period === undefined ? undefined : call(period, period === 'day' ? 'day' : 'text', column)
}

/** `CAST(x AS date)`; `CAST(strftime('%Y', x) AS INTEGER)`. */
function castAs(
  tree: QueryTree,
  { open, close }: { readonly open: number; readonly close: number },
  call: MakeCall,
): Call | undefined {
  const { tokens, dialect } = tree
  const isAs = tokens[close - 2]?.upper === 'AS'
  const type = tokens[close - 1]?.upper ?? ''
  if (!isAs) return undefined
  if (type === 'DATE' && dialect !== 'sqlite') return call('day', 'day', { start: open + 1, end: close - 2 })
  if (dialect !== 'sqlite' || !/^(INT|INTEGER)$/.test(type) || tokens[open + 1]?.upper !== 'STRFTIME')
    return undefined
  const inner = readCall(tree, open + 1)
  return inner?.period === 'year' && inner.end === close - 2
    ? { ...inner, form: 'number', end: close + 1 }
    : undefined
}

/** `x::date`. */
function castCall(tokens: readonly Token[], start: number): Call | undefined {
  let end = start + 1
  while (tokens[end]?.text === '.') end += 2
  const column = { start, end }
  if (!isName(tokens, column) || tokens[end]?.text !== '::' || tokens[end + 1]?.upper !== 'DATE')
    return undefined
  return { name: 'date', period: 'day', form: 'day', column, end: end + 2 }
}

/** `date_trunc('day', x)::date` is compared like `date_trunc('day', x)`. */
function withoutCast(tokens: readonly Token[], call: Call | undefined): Call | undefined {
  const isCast = call !== undefined && tokens[call.end]?.text === '::'
  if (!isCast) return call
  return tokens[call.end + 1]?.upper === 'DATE' ? { ...call, end: call.end + 2 } : undefined
}

function argumentsOf(tokens: readonly Token[], open: number, close: number): Range[] {
  const parts: Range[] = []
  let depth = 0
  let start = open + 1
  for (let at = open + 1; at <= close; at++) {
    const text = tokens[at]?.kind === 'symbol' ? tokens[at]?.text : undefined
    if (text === '(') depth += 1
    if (depth === 0 && (text === ',' || at === close)) {
      parts.push({ start, end: at })
      start = at + 1
    }
    if (text === ')') depth -= 1
  }
  return parts
}

function isName(tokens: readonly Token[], { start, end }: Range): boolean {
  const own = tokens.slice(start, end)
  return (
    own.length % 2 === 1 &&
    own.every(({ kind, text }, at) => (at % 2 === 1 ? text === '.' : kind === 'word' || kind === 'quoted'))
  )
}

function stringOf(tokens: readonly Token[], { start, end }: Range | undefined = { start: 0, end: 0 }) {
  const token = tokens[start]
  return end === start + 1 && token?.kind === 'string' ? token.text.slice(1, -1) : undefined
}
