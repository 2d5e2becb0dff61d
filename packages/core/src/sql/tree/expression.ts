import type { Range } from '../token-map.ts'
import type { ColumnName, QueryBlock, ValueTerm } from './query-tree.ts'

/** An expression, as far as conditions need it; of whatever else only the parts are kept. */
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

/** What stands directly within an expression. */
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

/** Visits an expression and all within it, but for what is in subqueries. */
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
