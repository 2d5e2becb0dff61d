import type { Range } from '../token-map.ts'
import { type CompareExpression, columnsOf, type Expression } from './expression.ts'
import type { ColumnTerm, ComparisonNode, ComparisonOperator, ConditionNode, RowComparisonNode } from './query-tree.ts'
import { arrayTerms, columnTerm, dependencies, isBare, valueTerm } from './terms.ts'

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
const mirrors: Partial<Record<ComparisonOperator, ComparisonOperator>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' }

/** A condition that a column of truth values is true, or false. */
export function flagged(column: ColumnTerm, isTrue: boolean, { start, end }: Range): ComparisonNode {
  const text = isTrue ? 'TRUE' : 'FALSE'
  return { kind: 'comparison', column, operator: '=', negated: false, values: [{ kind: 'literal', text }], start, end }
}

/** A comparison as conditions on its columns; `undefined` where it has none. */
export function comparisonsOf(expression: CompareExpression, not: boolean): ConditionNode[] | undefined {
  const found = operators[expression.operator]
  const operator = found === undefined || !not ? found : opposites[found]
  if (operator === undefined) return undefined
  const { left, right, quantifier } = expression
  if (quantifier !== undefined) return quantified(expression, not)
  if (left.kind === 'row' && (right.kind === 'row' || right.kind === 'query')) return rows(expression, left.parts, right, operator)
  return compared(expression, left, right, operator)
}

/** `= ANY (…)` is IN, `<> ALL (…)` is NOT IN. */
function quantified({ operator, left, right, quantifier, start, end }: CompareExpression, not: boolean): ConditionNode[] | undefined {
  const column = columnTerm(left)
  const isIn = operator === '=' && quantifier === 'any'
  if (column === undefined || (!isIn && !((operator === '<>' || operator === '!=') && quantifier === 'all'))) return undefined
  const base = { kind: 'comparison', column, operator: 'in', negated: isIn === not, start, end } as const
  if (right.kind === 'query') return [{ ...base, values: [{ kind: 'expression' }], subquery: right.block }]
  return [{ ...base, values: arrayTerms(right), ...dependencies(right) }]
}

function compared(
  expression: CompareExpression,
  left: Expression,
  right: Expression,
  operator: ComparisonOperator,
): ConditionNode[] | undefined {
  const [first, second] = [columnTerm(left), columnTerm(right)]
  const mirrored = mirrors[operator] ?? operator
  const { start, end } = expression
  const isNullSafe = nullSafe.has(expression.operator) ? ({ isNullSafe: true } as const) : undefined
  const onLeft = { column: left, value: right }
  const onRight = { column: right, value: left }
  const on = (column: ColumnTerm, way: ComparisonOperator, rest: Side, sides: ComparisonNode['sides'] = onLeft): ComparisonNode => {
    return { kind: 'comparison', column, operator: way, negated: false, ...rest, ...isNullSafe, sides: sides ?? onLeft, start, end }
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

type Side = Pick<ComparisonNode, 'values' | 'subquery' | 'dependsOn' | 'other'>

function sideOf(expression: Expression): Side {
  if (expression.kind === 'query') return { values: [{ kind: 'expression' }], subquery: expression.block }
  return { values: [valueTerm(expression)], ...dependencies(expression) }
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
  return keyset(left, others, operator, expression) ?? keyset(others, left, mirrors[operator] ?? operator, expression)
}

function keyset(
  left: readonly Expression[],
  right: readonly Expression[],
  operator: ComparisonOperator,
  { start, end }: Range,
): RowComparisonNode[] | undefined {
  if (operator !== '<' && operator !== '<=' && operator !== '>' && operator !== '>=') return undefined
  const columns = left.map(columnTerm)
  if (!columns.every((column) => column !== undefined) || right.some((part) => columnsOf(part).length > 0)) return undefined
  return [{ kind: 'row', columns, operator, values: right.map(valueTerm), start, end }]
}
