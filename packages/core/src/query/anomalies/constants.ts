import { trimEnd } from '../../shared/trim-end.ts'
import { words } from '../../sql/keywords.ts'
import type { Token } from '../../sql/tokenize.ts'

/** The result of evaluating an expression. */
export interface Evaluated {
  readonly value: boolean
  /** The index of the first token after it. */
  readonly end: number
  /** Whether it compares two constants, or an operand with itself. */
  readonly compares: boolean
  /** Whether query builders generate it for "all" or "none": `1 = 1`, `1 = 0`, `true`. */
  readonly isBuilders: boolean
}

type Constant = { readonly value: string | number | boolean | null; readonly end: number }

const ends = words(
  'AND OR XOR ORDER LIMIT GROUP HAVING UNION INTERSECT EXCEPT FOR OFFSET FETCH RETURNING THEN END WHEN WINDOW INTO PROCEDURE',
)
const MAX_DEPTH = 50

export function isLiteral(token: Token | undefined): boolean {
  return token?.kind === 'string' || token?.kind === 'number'
}

export function isSymbol(token: Token | undefined, text: string): boolean {
  return token?.kind === 'symbol' && token.text === text
}

/** Evaluates the condition that starts at a token, if it consists of constants; `undefined` otherwise. */
export function evaluate(tokens: readonly Token[], at: number, depth = 0): Evaluated | undefined {
  if (depth > MAX_DEPTH) return undefined
  const token = tokens[at]
  if (token?.upper === 'NOT' || (isSymbol(token, '!') && !isSymbol(tokens[at + 1], '='))) {
    const inner = evaluate(tokens, at + 1, depth + 1)
    return inner && { ...inner, value: !inner.value, isBuilders: false }
  }
  if (isSymbol(token, '(')) {
    const inner = evaluate(tokens, at + 1, depth + 1)
    if (inner !== undefined && isSymbol(tokens[inner.end], ')') && endsAt(tokens, inner.end + 1))
      return { ...inner, end: inner.end + 1 }
  }
  const exists = token?.upper === 'EXISTS' ? existsOfNothing(tokens, at) : undefined
  const found = exists ?? comparison(tokens, at)
  return found !== undefined && endsAt(tokens, found.end) ? found : undefined
}

/** Whether an expression ends before the token. */
function endsAt(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at]
  if (token === undefined || (token.kind === 'word' && ends.has(token.upper))) return true
  return token.kind === 'symbol' && ');|&,'.includes(token.text)
}

/** `EXISTS (SELECT 1)`: a query without a table returns a row. */
function existsOfNothing(tokens: readonly Token[], at: number): Evaluated | undefined {
  if (!isSymbol(tokens[at + 1], '(') || tokens[at + 2]?.upper !== 'SELECT') return undefined
  const item = constant(tokens, at + 3)
  if (item === undefined || !isSymbol(tokens[item.end], ')')) return undefined
  return { value: true, end: item.end + 1, compares: true, isBuilders: false }
}

function comparison(tokens: readonly Token[], at: number): Evaluated | undefined {
  const left = constant(tokens, at)
  const name = left === undefined ? column(tokens, at) : undefined
  const start = left?.end ?? name?.end
  if (start === undefined) return undefined
  const { operator, end } = operatorAt(tokens, start)
  if (operator === '') {
    if (left === undefined) return undefined
    return {
      value: Number(left.value) !== 0 && !Number.isNaN(Number(left.value)),
      end: left.end,
      compares: false,
      isBuilders: false,
    }
  }
  if (operator === 'IS' || operator === 'IS NOT') {
    const right = constant(tokens, end)
    if (left === undefined || right === undefined) return undefined
    return {
      value: (left.value === right.value) === (operator === 'IS'),
      end: right.end,
      compares: true,
      isBuilders: false,
    }
  }
  if (operator === 'IN' || operator === 'BETWEEN') return left && membership(tokens, left, operator, end)
  const right = constant(tokens, end)
  if (left !== undefined && right !== undefined) {
    const isBuilders = operator === '=' && isBit(left.value) && isBit(right.value)
    return { value: holds(left.value, operator, right.value), end: right.end, compares: true, isBuilders }
  }
  if (name === undefined) return undefined
  if (operator === 'LIKE' && right?.value === '%')
    return { value: true, end: right.end, compares: true, isBuilders: false }
  const other = column(tokens, end)
  if (other?.name !== name.name || !['=', '==', '<=', '>=', 'LIKE'].includes(operator)) return undefined
  return { value: true, end: other.end, compares: true, isBuilders: false }
}

function membership(
  tokens: readonly Token[],
  left: Constant,
  operator: string,
  at: number,
): Evaluated | undefined {
  const isList = operator === 'IN'
  const first = constant(tokens, isList ? at + 1 : at)
  if (first === undefined) return undefined
  const base = { compares: true, isBuilders: false }
  if (isList)
    return isSymbol(tokens[first.end], ')')
      ? { ...base, value: left.value === first.value, end: first.end + 1 }
      : undefined
  const last = tokens[first.end]?.upper === 'AND' ? constant(tokens, first.end + 1) : undefined
  return (
    last && {
      ...base,
      value: holds(first.value, '<=', left.value) && holds(left.value, '<=', last.value),
      end: last.end,
    }
  )
}

function operatorAt(
  tokens: readonly Token[],
  at: number,
): { readonly operator: string; readonly end: number } {
  let end = at
  let operator = ''
  while (tokens[end]?.kind === 'symbol' && '=<>!'.includes(tokens[end]?.text ?? ' '))
    operator += tokens[end++]?.text
  if (operator !== '') return { operator, end }
  const upper = tokens[at]?.upper ?? ''
  if (upper === 'IS')
    return tokens[at + 1]?.upper === 'NOT'
      ? { operator: 'IS NOT', end: at + 2 }
      : { operator: 'IS', end: at + 1 }
  return ['LIKE', 'ILIKE', 'RLIKE', 'REGEXP', 'IN', 'BETWEEN'].includes(upper)
    ? { operator: upper === 'IN' || upper === 'BETWEEN' ? upper : 'LIKE', end: at + 1 }
    : { operator: '', end: at }
}

function constant(tokens: readonly Token[], at: number, depth = 0): Constant | undefined {
  const token = tokens[at]
  if (token === undefined || depth > MAX_DEPTH) return undefined
  if (token.kind === 'string') return { value: token.text.replace(/^[a-z&]*['"]|['"]$/gi, ''), end: at + 1 }
  if (token.kind === 'number') return { value: Number(token.text), end: at + 1 }
  if (isSymbol(token, '-') && tokens[at + 1]?.kind === 'number')
    return { value: -Number(tokens[at + 1]?.text), end: at + 2 }
  if (isSymbol(token, '(')) {
    const inner = constant(tokens, at + 1, depth + 1)
    return inner !== undefined && isSymbol(tokens[inner.end], ')')
      ? { value: inner.value, end: inner.end + 1 }
      : undefined
  }
  if (isSymbol(tokens[at + 1], '.')) return undefined
  switch (token.upper) {
    case 'TRUE':
      return { value: true, end: at + 1 }
    case 'FALSE':
      return { value: false, end: at + 1 }
    case 'NULL':
      return { value: null, end: at + 1 }
  }
  return undefined
}

function column(
  tokens: readonly Token[],
  at: number,
): { readonly name: string; readonly end: number } | undefined {
  let name = ''
  let end = at
  for (;;) {
    const token = tokens[end]
    if (token?.kind !== 'word' && token?.kind !== 'quoted') return undefined
    name += token.text.toLowerCase()
    end++
    if (!isSymbol(tokens[end], '.')) return isSymbol(tokens[end], '(') ? undefined : { name, end }
    name += '.'
    end++
  }
}

function isBit(value: Constant['value']): boolean {
  return value === 0 || value === 1
}

function holds(left: Constant['value'], operator: string, right: Constant['value']): boolean {
  if (left === null || right === null) return operator === '<=>' && left === right
  const [a, b] = typeof left === typeof right ? [left, right] : [Number(left), Number(right)]
  switch (operator) {
    case '=':
    case '==':
    case '<=>':
      return a === b
    case '<>':
    case '!=':
      return a !== b
    case '<':
      return a < b
    case '>':
      return a > b
    case '<=':
      return a <= b
    case '>=':
      return a >= b
    default:
      // LIKE and similar operators.
      return a === b || (typeof b === 'string' && typeof a === 'string' && a.startsWith(trimEnd(b, '%')))
  }
}
