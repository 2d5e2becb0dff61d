import type { Dialect } from '../dialect.ts'
import type { Token } from '../tokenize.ts'
import type { BlockScope } from './block-scope.ts'
import type { SqlCursor } from './cursor.ts'
import type { Expression } from './expression.ts'

/**
 * Precedence of operators. Operators above comparisons need no finer order, because their result is never a
 * condition.
 */
export const OR = 1
const XOR = 2
export const AND = 3
export const NOT = 4
export const IS = 5
export const COMPARISON = 6
export const MATCH = 7
export const OTHER = 8

const characters: ReadonlySet<string> = new Set('+-*/<>=~!@#%^&|')
const fixed = ['->>', '<=>', '->', '<<', '>>', '<=', '>=', '<>', '!=', '==', '||', '&&', ':=']
/** PostgreSQL: an operator that contains one of these can end in a sign. */
const SIGNED = /[~!@#%^&|?]/

/** PostgreSQL's longest operator has about 5 characters; a longer sequence is not an operator. */
const MAX_LENGTH = 10

/** The operator at the cursor, made of adjacent symbols; `undefined` if there is none. */
export function operatorAt(
  cursor: SqlCursor,
): { readonly text: string; readonly tokens: number } | undefined {
  const token = cursor.token()
  if (token === undefined || (token.kind !== 'symbol' && token.kind !== 'parameter')) return undefined
  const text = touching(cursor)
  if (text === '') return undefined
  const operator =
    cursor.dialect === 'postgresql'
      ? withoutSigns(text)
      : (fixed.find((known) => text.startsWith(known)) ?? text.charAt(0))
  return { text: operator, tokens: operator.length }
}

function touching(cursor: SqlCursor): string {
  let text = ''
  for (let offset = 0; offset < MAX_LENGTH; offset++) {
    const token = cursor.token(offset)
    if (token === undefined || (offset > 0 && cursor.token(offset - 1)?.end !== token.start)) return text
    if (!isOperatorPart(token, cursor.dialect, text)) return text
    text += token.text
  }
  return text
}

function isOperatorPart({ kind, text }: Token, dialect: Dialect, before: string): boolean {
  // PostgreSQL's `?`, `?|`, `?&` and `@?` are operators on documents; after any other sign, `?` is a bound
  // value.
  if (kind === 'parameter')
    return dialect === 'postgresql' && text === '?' && (before === '' || before === '@')
  if (kind !== 'symbol') return false
  return characters.has(text) || (text === ':' && dialect === 'mysql')
}

function withoutSigns(text: string): string {
  if (SIGNED.test(text)) return text
  let end = text.length
  while (end > 1 && (text[end - 1] === '-' || text[end - 1] === '+')) end--
  return text.slice(0, end)
}

const comparisons: ReadonlySet<string> = new Set(['=', '==', '<=>', '<>', '!=', '<', '<=', '>', '>='])

/** The precedence of an operator, which also determines its kind. */
export function powerOf(operator: string, dialect: Dialect): number {
  if (dialect === 'mysql') {
    if (operator === '||') return OR
    if (operator === '&&') return AND
    if (operator === ':=') return OR
  }
  return comparisons.has(operator) &&
    (operator !== '==' || dialect === 'sqlite') &&
    (operator !== '<=>' || dialect === 'mysql')
    ? COMPARISON
    : OTHER
}

/** Reads operands for operands that contain others. */
export interface ExpressionSource {
  readonly cursor: SqlCursor
  readonly scope: BlockScope
  /** Reads an expression of operators with at least this precedence. */
  read(power: number): Expression
}

export function readList(source: ExpressionSource): Expression[] {
  return source.cursor.list(() => source.read(OR))
}

/** The words that continue an expression, with their precedence. */
export const wordOperators: ReadonlyMap<string, number> = new Map([
  ['OR', OR],
  ['XOR', XOR],
  ['AND', AND],
  ['IS', IS],
  ['ISNULL', IS],
  ['NOTNULL', IS],
  ['NOT', MATCH],
  ['BETWEEN', MATCH],
  ['IN', MATCH],
  ['LIKE', MATCH],
  ['ILIKE', MATCH],
  ['GLOB', MATCH],
  ['MATCH', MATCH],
  ['REGEXP', MATCH],
  ['RLIKE', MATCH],
  ['SIMILAR', MATCH],
  ['SOUNDS', MATCH],
  ['MEMBER', MATCH],
  ['OVERLAPS', MATCH],
  ['OPERATOR', OTHER],
  ['DIV', OTHER],
  ['MOD', OTHER],
])
/** Words that are operators in some dialects only, and names in the others. */
export const dialectsOfWord: Readonly<Record<string, readonly string[]>> = {
  XOR: ['mysql'],
  ISNULL: ['postgresql', 'sqlite'],
  NOTNULL: ['postgresql', 'sqlite'],
  ILIKE: ['postgresql'],
  GLOB: ['sqlite'],
  MATCH: ['sqlite'],
  REGEXP: ['sqlite', 'mysql'],
  RLIKE: ['mysql'],
  SIMILAR: ['postgresql'],
  SOUNDS: ['mysql'],
  MEMBER: ['mysql'],
  OVERLAPS: ['postgresql'],
  OPERATOR: ['postgresql'],
  DIV: ['mysql'],
  MOD: ['mysql'],
}
export const patternOperators: Readonly<Record<string, 'like' | 'ilike' | 'glob' | 'match'>> = {
  LIKE: 'like',
  ILIKE: 'ilike',
  GLOB: 'glob',
  MATCH: 'match',
}
export const postgresqlPatterns: Readonly<
  Record<string, { readonly operator: 'like' | 'ilike' | 'match'; readonly negated: boolean }>
> = {
  '~~': { operator: 'like', negated: false },
  '~~*': { operator: 'ilike', negated: false },
  '!~~': { operator: 'like', negated: true },
  '!~~*': { operator: 'ilike', negated: true },
  '@@': { operator: 'match', negated: false },
}
