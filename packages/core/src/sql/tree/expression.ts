import type { Range } from '../token-map.ts'
import type { ColumnName, ColumnTerm, QueryBlock, ValueTerm } from './query-tree.ts'

/** An expression, as far as conditions need it; for any other expression only the parts are stored. */
export type Expression = Range &
  (
    | { readonly kind: 'column'; readonly name: ColumnName }
    | { readonly kind: 'value'; readonly term: ValueTerm }
    | {
        readonly kind: 'call'
        readonly name: string
        readonly parts: readonly Expression[]
        readonly isAggregate: boolean
        readonly isWindow: boolean
      }
    | { readonly kind: 'cast'; readonly of: Expression; readonly type: string }
    | { readonly kind: 'collate'; readonly of: Expression; readonly collation: string }
    | { readonly kind: 'row'; readonly parts: readonly Expression[] }
    | { readonly kind: 'array'; readonly parts: readonly Expression[] }
    /** `a || b || c`. */
    | { readonly kind: 'concatenation'; readonly parts: Expression[] }
    | { readonly kind: 'query'; readonly block: QueryBlock }
    | { readonly kind: 'exists'; readonly block: QueryBlock }
    | { readonly kind: 'not'; readonly of: Expression }
    | { readonly kind: 'and' | 'or'; readonly parts: Expression[] }
    | CompareExpression
    | BetweenExpression
    | InExpression
    | MatchExpression
    | TestExpression
    | OtherExpression
  )

export interface CompareExpression extends Range {
  readonly kind: 'compare'
  readonly operator: string
  readonly left: Expression
  readonly right: Expression
  /** `= ANY (…)`; SOME is ANY. */
  readonly quantifier?: 'any' | 'all'
}

export interface BetweenExpression extends Range {
  readonly kind: 'between'
  readonly of: Expression
  readonly low: Expression
  readonly high: Expression
  readonly negated: boolean
}

export interface InExpression extends Range {
  readonly kind: 'in'
  readonly of: Expression
  /** The list, or one query. */
  readonly parts: readonly Expression[]
  readonly negated: boolean
}

export interface MatchExpression extends Range {
  readonly kind: 'match'
  readonly operator: 'like' | 'ilike' | 'glob' | 'match' | 'other'
  readonly of: Expression
  readonly pattern: Expression
  readonly negated: boolean
}

/** `IS [NOT] NULL`, `IS TRUE`, `IS FALSE`. */
export interface TestExpression extends Range {
  readonly kind: 'test'
  readonly of: Expression
  readonly test: 'NULL' | 'TRUE' | 'FALSE'
  readonly negated: boolean
}

interface OtherExpression extends Range {
  readonly kind: 'other'
  readonly parts: Expression[]
}

/** The direct parts of an expression. */
function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'column':
    case 'value':
    case 'query':
    case 'exists':
      return []
    case 'call':
    case 'row':
    case 'array':
    case 'concatenation':
    case 'and':
    case 'or':
    case 'other':
      return expression.parts
    case 'compare':
      return [expression.left, expression.right]
    case 'between':
      return [expression.of, expression.low, expression.high]
    case 'in':
      return [expression.of, ...expression.parts]
    case 'match':
      return [expression.of, expression.pattern]
    case 'cast':
    case 'collate':
    case 'not':
    case 'test':
      return [expression.of]
  }
}

/** Visits an expression and everything within it, except for the content of subqueries. */
export function visit(expression: Expression, see: (part: Expression) => void): void {
  see(expression)
  for (const part of partsOf(expression)) visit(part, see)
}

export function columnsOf(expression: Expression): readonly ColumnName[] {
  const found: ColumnName[] = []
  visit(expression, (part) => {
    if (part.kind === 'column') found.push(part.name)
  })
  return found
}

export function subqueriesOf(expression: Expression): readonly QueryBlock[] {
  const found: QueryBlock[] = []
  visit(expression, (part) => {
    if (part.kind === 'query' || part.kind === 'exists') found.push(part.block)
  })
  return found
}

const EXPRESSION: ValueTerm = { kind: 'expression' }

/** An expression as a column: plain, or within an expression that an index can be created for. */
export function columnTerm(expression: Expression): ColumnTerm | undefined {
  switch (expression.kind) {
    case 'column':
      return expression.name
    case 'call': {
      const { name, parts } = expression
      const [only] = parts
      if ((name !== 'lower' && name !== 'upper') || parts.length !== 1 || only === undefined) return undefined
      const column = columnTerm(only)
      return column === undefined || column.call !== undefined || column.collation !== undefined
        ? undefined
        : { ...column, call: name }
    }
    case 'cast': {
      const column = columnTerm(expression.of)
      return column === undefined || column.call !== undefined || column.cast !== undefined
        ? undefined
        : { ...column, cast: expression.type }
    }
    case 'collate': {
      const column = columnTerm(expression.of)
      return column === undefined || column.collation !== undefined
        ? undefined
        : { ...column, collation: expression.collation }
    }
    default:
      return undefined
  }
}

export function isBare({ call, cast, collation }: ColumnTerm): boolean {
  return call === undefined && cast === undefined && collation === undefined
}

/** An expression as a value: a bound value, a literal, or a value that is known only at run time. */
export function valueTerm(expression: Expression): ValueTerm {
  switch (expression.kind) {
    case 'value':
      return expression.term
    case 'cast':
    case 'collate':
      return valueTerm(expression.of)
    case 'concatenation':
      return patternTerm(expression.parts)
    case 'call': {
      if (expression.name === 'concat') return patternTerm(expression.parts)
      const [only] = expression.parts
      if (
        (expression.name !== 'lower' && expression.name !== 'upper') ||
        expression.parts.length !== 1 ||
        only === undefined
      )
        return EXPRESSION
      const term = valueTerm(only)
      return term.kind === 'parameter' ? term : EXPRESSION
    }
    default:
      return EXPRESSION
  }
}

/** One bound value between strings; any other concatenation is an expression. */
function patternTerm(parts: readonly Expression[]): ValueTerm {
  const terms = parts.map(valueTerm)
  const at = terms.findIndex(({ kind }) => kind === 'parameter')
  const bound = terms[at]
  const texts = terms.map((term) => (term.kind === 'literal' ? stringText(term.text) : undefined))
  if (bound?.kind !== 'parameter' || texts.some((text, place) => place !== at && text === undefined))
    return EXPRESSION
  return {
    kind: 'pattern',
    place: bound.place,
    before: texts.slice(0, at).join(''),
    after: texts.slice(at + 1).join(''),
  }
}

/** The content of a plain string; `undefined` for a number, or if the string can contain escapes. */
function stringText(literal: string): string | undefined {
  return /^'(?:[^'\\]|'')*'$/.test(literal) ? literal.slice(1, -1).replaceAll("''", "'") : undefined
}

/** The columns from which values are computed, if any. */
export function dependencies(expressions: readonly Expression[]): {
  readonly dependsOn?: readonly ColumnName[]
} {
  if (expressions.every(({ kind }) => kind === 'value')) return {}
  const dependsOn = expressions.flatMap(columnsOf)
  return dependsOn.length === 0 ? {} : { dependsOn }
}

export function isKnown(expression: Expression): boolean {
  return valueTerm(expression).kind !== 'expression'
}

/** The values of an array: each element of `ARRAY[…]`, or a bound array itself. */
export function arrayTerms(expression: Expression): readonly ValueTerm[] {
  if (expression.kind === 'array') return expression.parts.map(valueTerm)
  if (expression.kind === 'cast') return arrayTerms(expression.of)
  const term = valueTerm(expression)
  return [term.kind === 'parameter' ? { ...term, isArray: true } : EXPRESSION]
}
