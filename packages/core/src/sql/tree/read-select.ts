import { words } from '../keywords.ts'
import type { BlockScope } from './block-scope.ts'
import { conditionsOf } from './conditions-of.ts'
import type { Expression } from './expression.ts'
import type { ConditionNode, OrderTerm, OutputTerm } from './query-tree.ts'
import { readExpression, readExpressions } from './read-expression.ts'
import { readFrom } from './read-from.ts'
import { orderColumn } from './read-order.ts'
import { readOutputs } from './read-outputs.ts'
import type { TreeCursor } from './tree-cursor.ts'

const modifiers = words(
  'ALL DISTINCTROW HIGH_PRIORITY STRAIGHT_JOIN SQL_SMALL_RESULT SQL_BIG_RESULT SQL_BUFFER_RESULT SQL_NO_CACHE SQL_CALC_FOUND_ROWS SQL_CACHE',
)

/** Reads what follows SELECT, up to the end of HAVING and WINDOW. */
export function readSelect(cursor: TreeCursor, scope: BlockScope): void {
  const { block } = scope
  readModifiers(cursor, scope)
  const start = cursor.position
  // PostgreSQL selects no column at all, too.
  if (cursor.dialect !== 'postgresql' || !(cursor.isWord('FROM') || cursor.isWord('WHERE'))) block.outputs = readOutputs(cursor, scope)
  block.clauses.outputs = { start, end: cursor.position }
  if (cursor.isWord('INTO')) cursor.fail('SELECT INTO')
  if (cursor.takeWord('FROM')) {
    const from = cursor.position
    readFrom(cursor, scope)
    block.clauses.from = { start: from, end: cursor.position }
  }
  readWhere(cursor, scope)
  readGroupBy(cursor, scope)
  const having = cursor.position + 1
  if (cursor.takeWord('HAVING')) {
    block.having = conditionsOf(readExpression(cursor, scope))
    block.clauses.having = { start: having, end: cursor.position }
  }
  if (cursor.takeWord('WINDOW')) readWindows(cursor, scope)
}

function readModifiers(cursor: TreeCursor, scope: BlockScope): void {
  const { block } = scope
  for (;;) {
    if (cursor.takeWord('DISTINCT')) {
      block.isDistinct = true
      if (!(cursor.isWord('ON') && cursor.isSymbol('(', 1))) continue
      cursor.position++
      block.distinctOn = cursor.parenthesised(() => readExpressions(cursor, scope)).map(plainOrder)
    } else if (cursor.isAny(modifiers) && (cursor.dialect === 'mysql' || cursor.isWord('ALL'))) {
      block.isDistinct ||= cursor.isWord('DISTINCTROW')
      cursor.position++
    } else return
  }
}

export function readWhere(cursor: TreeCursor, scope: BlockScope): void {
  const start = cursor.position + 1
  if (!cursor.takeWord('WHERE')) return
  scope.block.where = readConditions(cursor, scope)
  scope.block.clauses.where = { start, end: cursor.position }
}

function readConditions(cursor: TreeCursor, scope: BlockScope): ConditionNode[] {
  return conditionsOf(readExpression(cursor, scope))
}

function readGroupBy(cursor: TreeCursor, scope: BlockScope): void {
  const { block } = scope
  if (!cursor.takeWord('GROUP')) return
  cursor.expectWord('BY')
  const start = cursor.position
  if (cursor.dialect === 'postgresql' && (cursor.isWord('ALL') || cursor.isWord('DISTINCT'))) cursor.position++
  block.groupBy = cursor.list(() => {
    if (cursor.isWord('GROUPING') && cursor.isWord('SETS', 1)) return readGroupingSets(cursor, scope)
    return groupTerm(readExpression(cursor, scope), block.outputs)
  })
  // The totals are of other groups.
  if (cursor.takeWords('WITH', 'ROLLUP'))
    block.groupBy = block.groupBy.map(({ start: from, end }) => ({ descending: false, start: from, end }))
  block.clauses.groupBy = { start, end: cursor.position }
}

/** `GROUPING SETS ((a, b), (a), ())`: no order of an index gives all of them. */
function readGroupingSets(cursor: TreeCursor, scope: BlockScope): OrderTerm {
  const start = cursor.position
  cursor.position += 2
  const open = cursor.position
  const end = cursor.map.closing(open)
  cursor.parenthesised(() => {
    while (cursor.position < end) {
      if (cursor.isSymbol('(') && cursor.isSymbol(')', 1)) cursor.position += 2
      else readExpression(cursor, scope)
      if (cursor.position < end) cursor.expectSymbol(',')
    }
  })
  return { descending: false, start, end: cursor.position }
}

function groupTerm(expression: Expression, outputs: readonly OutputTerm[]): OrderTerm {
  const { start, end } = expression
  const column = orderColumn(expression, outputs, false)
  return { ...(column === undefined ? {} : { column }), descending: false, start, end }
}

function plainOrder(expression: Expression): OrderTerm {
  return groupTerm(expression, [])
}

function readWindows(cursor: TreeCursor, scope: BlockScope): void {
  cursor.list(() => {
    cursor.name()
    cursor.expectWord('AS')
    const end = cursor.map.closing(cursor.position)
    // The columns of a window are mentioned, and no more.
    readWindowWords(cursor, scope, end)
  })
}

const windowWords = words('PARTITION BY ORDER ASC DESC NULLS FIRST LAST')
const frames = words('ROWS RANGE GROUPS')

function readWindowWords(cursor: TreeCursor, scope: BlockScope, end: number): void {
  cursor.parenthesised(() => {
    while (cursor.position < end) {
      if (cursor.isAny(frames)) cursor.skipTo(end)
      else if (!cursor.takeAny(windowWords) && !cursor.takeSymbol(',')) readExpression(cursor, scope)
    }
  })
}
