import { AND, IS, MATCH, OR, OTHER, XOR } from './operators.ts'

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
