import type { Dialect } from '../dialect.ts'
import type { Token } from '../tokenize.ts'
import type { BlockScope } from './block-scope.ts'
import type { SqlCursor } from './cursor.ts'
import type { Expression } from './expression.ts'

/** How tightly operators bind. Those above comparisons need no finer order: what they make is never a condition. */
export const OR = 1
export const XOR = 2
export const AND = 3
export const NOT = 4
export const IS = 5
export const COMPARISON = 6
export const MATCH = 7
export const OTHER = 8

const characters: ReadonlySet<string> = new Set('+-*/<>=~!@#%^&|')
const fixed = ['->>', '<=>', '->', '<<', '>>', '<=', '>=', '<>', '!=', '==', '||', '&&', ':=']
/** PostgreSQL: with one of these in it, an operator may end in a sign. */
const SIGNED = /[~!@#%^&|?]/

/** PostgreSQL's longest has five or so; what is longer is none. */
const MAX_LENGTH = 10

/** The operator at the cursor, of symbols that touch; `undefined` where there is none. */
export function operatorAt(cursor: SqlCursor): { readonly text: string; readonly tokens: number } | undefined {
  const token = cursor.token()
  if (token === undefined || (token.kind !== 'symbol' && token.kind !== 'parameter')) return undefined
  const text = touching(cursor)
  if (text === '') return undefined
  const operator = cursor.dialect === 'postgresql' ? withoutSigns(text) : (fixed.find((known) => text.startsWith(known)) ?? text.charAt(0))
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
  // PostgreSQL's `?`, `?|`, `?&` and `@?` ask for parts of a document; after any other sign it is a bound value.
  if (kind === 'parameter') return dialect === 'postgresql' && text === '?' && (before === '' || before === '@')
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

/** How tightly an operator binds, and what kind it is of. */
export function powerOf(operator: string, dialect: Dialect): number {
  if (dialect === 'mysql') {
    if (operator === '||') return OR
    if (operator === '&&') return AND
    if (operator === ':=') return OR
  }
  return comparisons.has(operator) && (operator !== '==' || dialect === 'sqlite') && (operator !== '<=>' || dialect === 'mysql')
    ? COMPARISON
    : OTHER
}

/** Where operands find their own operands. */
export interface ExpressionSource {
  readonly cursor: SqlCursor
  readonly scope: BlockScope
  /** Reads an expression of operators that bind at least so tightly. */
  read(power: number): Expression
}

export function readList(source: ExpressionSource): Expression[] {
  return source.cursor.list(() => source.read(OR))
}
