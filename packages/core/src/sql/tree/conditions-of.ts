import type { Range } from '../token-map.ts'
import {
  arrayTerms,
  type BetweenExpression,
  type CompareExpression,
  columnsOf,
  columnTerm,
  dependencies,
  type Expression,
  type InExpression,
  isBare,
  isKnown,
  type MatchExpression,
  subqueriesOf,
  type TestExpression,
  valueTerm,
} from './expression.ts'
import type {
  ColumnTerm,
  ComparisonNode,
  ComparisonOperator,
  ConditionNode,
  OpaqueNode,
  RowComparisonNode,
} from './query-tree.ts'

/** The conditions that all hold if an expression is true. */
export function conditionsOf(expression: Expression): ConditionNode[] {
  if (expression.kind === 'and') return expression.parts.flatMap(conditionsOf)
  return conditionOf(expression, false)
}

function conditionOf(expression: Expression, negated: boolean): ConditionNode[] {
  const { start, end } = expression
  switch (expression.kind) {
    case 'and':
    case 'or':
      // NOT of a group is a group of NOTs; an index can use neither.
      if (negated) return [opaque(expression)]
      if (expression.kind === 'and') return expression.parts.flatMap(conditionsOf)
      {
        const arms = alternatives(expression)
        return [
          {
            kind: 'or',
            arms: arms.map(conditionsOf),
            ranges: arms.map((arm) => ({ start: arm.start, end: arm.end })),
            start,
            end,
          },
        ]
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
        ...dependencies([low, high]),
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
    // Each column must be in its own list; under NOT, this does not follow.
    if (negated && columns.length > 1 && first?.kind !== 'query') return undefined
    const shared = dependencies(parts)
    return columns.flatMap((column, place): ComparisonNode[] => {
      if (column === undefined) return []
      const base = { kind: 'comparison', column, operator: 'in', negated, start, end } as const
      if (first?.kind === 'query')
        return [{ ...base, values: [{ kind: 'expression' }], subquery: first.block, output: place }]
      const values = parts.map((part) => {
        const value = part.kind === 'row' ? part.parts[place] : undefined
        return value === undefined ? ({ kind: 'expression' } as const) : valueTerm(value)
      })
      return [{ ...base, values, ...shared }]
    })
  }
  const column = columnTerm(of)
  if (column === undefined) return undefined
  const base = { kind: 'comparison', column, operator: 'in', negated, start, end } as const
  if (first?.kind === 'query' && parts.length === 1)
    return [{ ...base, values: [{ kind: 'expression' }], subquery: first.block }]
  return [{ ...base, values: parts.map(valueTerm), ...dependencies(parts) }]
}

function match(
  { of, operator, pattern, negated, start, end }: MatchExpression,
  not: boolean,
): ConditionNode[] | undefined {
  const column = columnTerm(of)
  if (column === undefined || operator === 'other') return undefined
  return [
    {
      kind: 'comparison',
      column,
      operator,
      negated: negated !== not,
      values: [valueTerm(pattern)],
      ...dependencies([pattern]),
      start,
      end,
    },
  ]
}

function test(
  { of, test: what, negated, start, end }: TestExpression,
  not: boolean,
): ConditionNode[] | undefined {
  const column = columnTerm(of)
  if (column === undefined) return undefined
  const isNot = negated !== not
  if (what === 'NULL')
    return [
      {
        kind: 'comparison',
        column,
        operator: isNot ? 'is not null' : 'is null',
        negated: false,
        values: [],
        start,
        end,
      },
    ]
  return [
    {
      kind: 'comparison',
      column,
      operator: '=',
      negated: isNot,
      values: [{ kind: 'literal', text: what }],
      start,
      end,
    },
  ]
}

const operators: Readonly<Record<string, ComparisonOperator>> = {
  '=': '=',
  '==': '=',
  '<=>': '=',
  is: '=',
  'is not': '<>',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}
const nullSafe: ReadonlySet<string> = new Set(['<=>', 'is', 'is not'])
const opposites: Partial<Record<ComparisonOperator, ComparisonOperator>> = {
  '=': '<>',
  '<>': '=',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
}
const mirrors: Partial<Record<ComparisonOperator, ComparisonOperator>> = {
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
}

/** A condition that a boolean column is true or false. */
function flagged(column: ColumnTerm, isTrue: boolean, { start, end }: Range): ComparisonNode {
  const text = isTrue ? 'TRUE' : 'FALSE'
  return {
    kind: 'comparison',
    column,
    operator: '=',
    negated: false,
    values: [{ kind: 'literal', text }],
    start,
    end,
  }
}

/** A comparison as conditions on its columns; `undefined` if it has none. */
function comparisonsOf(expression: CompareExpression, not: boolean): ConditionNode[] | undefined {
  const found = operators[expression.operator]
  const operator = found === undefined || !not ? found : opposites[found]
  if (operator === undefined) return undefined
  const { left, right, quantifier } = expression
  if (quantifier !== undefined) return quantified(expression, not)
  if (left.kind === 'row' && (right.kind === 'row' || right.kind === 'query'))
    return rows(expression, left.parts, right, operator)
  return compared(expression, left, right, operator)
}

/** `= ANY (…)` is IN, `<> ALL (…)` is NOT IN. */
function quantified(
  { operator, left, right, quantifier, start, end }: CompareExpression,
  not: boolean,
): ConditionNode[] | undefined {
  const column = columnTerm(left)
  const isIn = operator === '=' && quantifier === 'any'
  if (column === undefined || (!isIn && !((operator === '<>' || operator === '!=') && quantifier === 'all')))
    return undefined
  const base = { kind: 'comparison', column, operator: 'in', negated: isIn === not, start, end } as const
  if (right.kind === 'query') return [{ ...base, values: [{ kind: 'expression' }], subquery: right.block }]
  return [{ ...base, values: arrayTerms(right), ...dependencies([right]) }]
}

function compared(
  expression: CompareExpression,
  left: Expression,
  right: Expression,
  operator: ComparisonOperator,
): ConditionNode[] | undefined {
  const [first, second] = [collated(left, right), collated(right, left)]
  const mirrored = mirrors[operator] ?? operator
  const { start, end } = expression
  const isNullSafe = nullSafe.has(expression.operator) ? ({ isNullSafe: true } as const) : undefined
  const onLeft = { column: left, value: right }
  const onRight = { column: right, value: left }
  const on = (
    column: ColumnTerm,
    way: ComparisonOperator,
    rest: Side,
    sides: ComparisonNode['sides'] = onLeft,
  ): ComparisonNode => {
    return {
      kind: 'comparison',
      column,
      operator: way,
      negated: false,
      ...rest,
      ...isNullSafe,
      sides: sides ?? onLeft,
      start,
      end,
    }
  }
  if (first !== undefined && second !== undefined) {
    if (isBare(second)) return [on(first, operator, { values: [], other: second })]
    if (isBare(first)) return [on(second, mirrored, { values: [], other: first }, onRight)]
    return [on(first, operator, sideOf(right)), on(second, mirrored, sideOf(left), onRight)]
  }
  if (first !== undefined) return [on(first, operator, sideOf(right))]
  if (second !== undefined) return [on(second, mirrored, sideOf(left), onRight)]
  return undefined
}

/** A side as a column, with the collation of the other side, which applies to both. */
function collated(side: Expression, other: Expression): ColumnTerm | undefined {
  const column = columnTerm(side)
  if (column === undefined || column.collation !== undefined || other.kind !== 'collate') return column
  return columnTerm(other) === undefined ? { ...column, collation: other.collation } : column
}

type Side = Pick<ComparisonNode, 'values' | 'subquery' | 'dependsOn' | 'other'>

function sideOf(expression: Expression): Side {
  if (expression.kind === 'query') return { values: [{ kind: 'expression' }], subquery: expression.block }
  return { values: [valueTerm(expression)], ...dependencies([expression]) }
}

function rows(
  expression: CompareExpression,
  left: readonly Expression[],
  right: Expression,
  operator: ComparisonOperator,
): ConditionNode[] | undefined {
  const { start, end } = expression
  if (right.kind === 'query') {
    if (operator !== '=') return undefined
    return left.flatMap((part, output): ComparisonNode[] => {
      const column = columnTerm(part)
      if (column === undefined) return []
      return [
        {
          kind: 'comparison',
          column,
          operator,
          negated: false,
          values: [{ kind: 'expression' }],
          subquery: right.block,
          output,
          start,
          end,
        },
      ]
    })
  }
  const others = right.kind === 'row' ? right.parts : []
  if (others.length !== left.length) return undefined
  if (operator === '=') {
    const found = left.flatMap((part, place) => {
      const other = others[place]
      return other === undefined ? [] : (compared(expression, part, other, operator) ?? [])
    })
    return found.length === 0 ? undefined : found
  }
  return (
    keyset(left, others, operator, expression) ??
    keyset(others, left, mirrors[operator] ?? operator, expression)
  )
}

function keyset(
  left: readonly Expression[],
  right: readonly Expression[],
  operator: ComparisonOperator,
  { start, end }: Range,
): RowComparisonNode[] | undefined {
  if (operator !== '<' && operator !== '<=' && operator !== '>' && operator !== '>=') return undefined
  const columns = left.map(columnTerm)
  if (!columns.every((column) => column !== undefined) || right.some((part) => columnsOf(part).length > 0))
    return undefined
  return [{ kind: 'row', columns, operator, values: right.map(valueTerm), start, end }]
}
