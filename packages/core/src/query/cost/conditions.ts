import { words } from '../../sql/keywords.ts'
import type { Range, TokenMap } from '../../sql/token-map.ts'
import type { Predicate } from './outline-types.ts'

const disjunctions = words('OR XOR')
const wordOperators = words('IN BETWEEN LIKE ILIKE GLOB IS REGEXP SIMILAR')

/** The conditions that must all hold. One with an `OR` at its top is opaque: it has no column. */
export function readConditions(map: TokenMap, range: Range): Predicate[] {
  const inner = withoutParentheses(map, range)
  if (inner.start >= inner.end) return []
  const parts = conjuncts(map, inner)
  if (parts === undefined) return [opaque(inner)]
  if (parts.length === 1) return [readPredicate(map, inner)]
  return parts.flatMap((part) => readConditions(map, part))
}

function opaque(range: Range): Predicate {
  return { ...range, operator: '', value: range }
}

function withoutParentheses(map: TokenMap, { start, end }: Range): Range {
  const isWrapped = map.isSymbol(start, '(') && map.closing(start) === end - 1 && !map.isWord(start + 1, 'SELECT')
  return isWrapped ? withoutParentheses(map, { start: start + 1, end: end - 1 }) : { start, end }
}

/** What AND joins; `undefined` where an OR joins. */
function conjuncts(map: TokenMap, range: Range): Range[] | undefined {
  let cases = 0
  let betweens = 0
  let isDisjunction = false
  const parts = map.split(range, (at) => {
    if (map.isWord(at, 'CASE')) cases++
    else if (map.isWord(at, 'END')) cases--
    if (cases > 0) return false
    if (map.isAny(at, disjunctions) || (map.dialect === 'mysql' && map.isSymbol(at, '|') && map.isSymbol(at + 1, '|'))) isDisjunction = true
    else if (map.isWord(at, 'BETWEEN')) betweens++
    else if (map.isWord(at, 'AND')) {
      if (betweens === 0) return true
      betweens--
    }
    return false
  })
  return isDisjunction ? undefined : parts
}

function readPredicate(map: TokenMap, range: Range): Predicate {
  const left = map.column(range.start)
  if (left === undefined || left.end >= range.end) return mirrored(map, range) ?? opaque(range)
  const { operator, end } = readOperator(map, left.end, range.end)
  if (operator === '') return opaque(range)
  const right = map.column(end)
  const other = right?.end === range.end ? { other: right.ref } : {}
  return { ...range, column: left.ref, operator, value: { start: end, end: range.end }, ...other }
}

/** `value = column`. */
function mirrored(map: TokenMap, range: Range): Predicate | undefined {
  const sign = map.find(range, (at) => map.isSymbol(at, '='))
  const column = map.column(sign + 1)
  if (sign >= range.end || column?.end !== range.end) return undefined
  if (readOperator(map, sign, range.end).operator !== '=' || map.tokens[sign - 1]?.kind === 'symbol') return undefined
  return { ...range, column: column.ref, operator: '=', value: { start: range.start, end: sign } }
}

function readOperator(map: TokenMap, at: number, limit: number): { readonly operator: string; readonly end: number } {
  let end = at
  let operator = ''
  while (end < limit && map.tokens[end]?.kind === 'symbol' && !'(),.;[]::'.includes(map.tokens[end]?.text ?? '(')) {
    // A sign belongs to the value.
    if (operator !== '' && (map.isSymbol(end, '-') || map.isSymbol(end, '+'))) break
    operator += map.tokens[end]?.text
    end++
  }
  if (operator !== '') return { operator, end }
  const negated = map.isWord(at, 'NOT') ? 1 : 0
  const word = map.tokens[at + negated]
  if (word === undefined || !map.isAny(at + negated, wordOperators)) return { operator: '', end: at }
  const isNegated = negated === 1 || (word.upper === 'IS' && (map.isWord(at + 1, 'NOT') || map.isWord(at + 1, 'DISTINCT')))
  return { operator: isNegated ? `NOT ${word.upper}` : word.upper, end: at + negated + 1 }
}
