import { comparisonsOf, flagged } from './comparisons-of.ts'
import {
  type BetweenExpression,
  columnsOf,
  type Expression,
  type InExpression,
  type MatchExpression,
  subqueriesOf,
  type TestExpression,
} from './expression.ts'
import type { ComparisonNode, ConditionNode, OpaqueNode } from './query-tree.ts'
import { columnTerm, dependencies, isKnown, valueTerm } from './terms.ts'

/** The conditions that all hold where an expression does. */
export function conditionsOf(expression: Expression): ConditionNode[] {
  if (expression.kind === 'and') return expression.parts.flatMap(conditionsOf)
  return conditionOf(expression, false)
}

function conditionOf(expression: Expression, negated: boolean): ConditionNode[] {
  const { start, end } = expression
  switch (expression.kind) {
    case 'and':
    case 'or':
      // NOT of a group is a group of NOTs; neither is of use to an index.
      if (negated) return [opaque(expression)]
      if (expression.kind === 'and') return expression.parts.flatMap(conditionsOf)
      {
        const arms = alternatives(expression)
        return [{ kind: 'or', arms: arms.map(conditionsOf), ranges: arms.map((arm) => ({ start: arm.start, end: arm.end })), start, end }]
      }
    case 'not':
      return conditionOf(expression.of, !negated).map((found) => ({ ...found, start, end }))
    case 'exists':
      return [{ kind: 'exists', negated, subquery: expression.block, start, end }]
    case 'compare':
      return comparisonsOf(expression, negated) ?? [opaque(expression)]
    case 'between':
      return between(expression, negated) ?? [opaque(expression)]
    case 'in':
      return inList(expression, negated) ?? [opaque(expression)]
    case 'match':
      return match(expression, negated) ?? [opaque(expression)]
    case 'test':
      return test(expression, negated) ?? [opaque(expression)]
    default: {
      const column = columnTerm(expression)
      return column === undefined ? [opaque(expression)] : [flagged(column, !negated, expression)]
    }
  }
}

/** `a OR (b OR c)` has three arms. */
function alternatives(expression: Expression): Expression[] {
  return expression.kind === 'or' ? expression.parts.flatMap(alternatives) : [expression]
}

function opaque(expression: Expression): OpaqueNode {
  const { start, end } = expression
  return { kind: 'opaque', columns: columnsOf(expression), subqueries: subqueriesOf(expression), start, end }
}

function between(expression: BetweenExpression, not: boolean): ConditionNode[] | undefined {
  const { of, low, high, start, end } = expression
  const negated = expression.negated !== not
  const column = columnTerm(of)
  if (column !== undefined)
    return [
      {
        kind: 'comparison',
        column,
        operator: 'between',
        negated,
        values: [valueTerm(low), valueTerm(high)],
        ...dependencies(low, high),
        start,
        end,
      },
    ]
  const [from, to] = [columnTerm(low), columnTerm(high)]
  if (negated || from === undefined || to === undefined || !isKnown(of)) return undefined
  const values = [valueTerm(of)]
  return [
    { kind: 'comparison', column: from, operator: '<=', negated, values, start, end },
    { kind: 'comparison', column: to, operator: '>=', negated, values, start, end },
  ]
}

function inList(expression: InExpression, not: boolean): ConditionNode[] | undefined {
  const { of, parts, start, end } = expression
  const negated = expression.negated !== not
  const [first] = parts
  if (of.kind === 'row') {
    const columns = of.parts.map(columnTerm)
    // Each column must be in its own list; of NOT, nothing of the kind is so.
    if (negated && columns.length > 1 && first?.kind !== 'query') return undefined
    return columns.flatMap((column, place): ComparisonNode[] => {
      if (column === undefined) return []
      const base = { kind: 'comparison', column, operator: 'in', negated, start, end } as const
      if (first?.kind === 'query') return [{ ...base, values: [{ kind: 'expression' }], subquery: first.block, output: place }]
      const values = parts.map((part) => {
        const value = part.kind === 'row' ? part.parts[place] : undefined
        return value === undefined ? ({ kind: 'expression' } as const) : valueTerm(value)
      })
      return [{ ...base, values, ...dependencies(...parts) }]
    })
  }
  const column = columnTerm(of)
  if (column === undefined) return undefined
  const base = { kind: 'comparison', column, operator: 'in', negated, start, end } as const
  if (first?.kind === 'query' && parts.length === 1) return [{ ...base, values: [{ kind: 'expression' }], subquery: first.block }]
  return [{ ...base, values: parts.map(valueTerm), ...dependencies(...parts) }]
}

function match({ of, operator, pattern, negated, start, end }: MatchExpression, not: boolean): ConditionNode[] | undefined {
  const column = columnTerm(of)
  if (column === undefined || operator === 'other') return undefined
  return [
    { kind: 'comparison', column, operator, negated: negated !== not, values: [valueTerm(pattern)], ...dependencies(pattern), start, end },
  ]
}

function test({ of, test: what, negated, start, end }: TestExpression, not: boolean): ConditionNode[] | undefined {
  const column = columnTerm(of)
  if (column === undefined) return undefined
  const isNot = negated !== not
  if (what === 'NULL')
    return [{ kind: 'comparison', column, operator: isNot ? 'is not null' : 'is null', negated: false, values: [], start, end }]
  return [{ kind: 'comparison', column, operator: '=', negated: isNot, values: [{ kind: 'literal', text: what }], start, end }]
}
