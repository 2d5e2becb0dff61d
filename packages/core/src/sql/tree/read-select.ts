import { words } from '../keywords.ts'
import type { BlockScope } from './block-scope.ts'
import { conditionsOf } from './conditions-of.ts'
import type { SqlCursor } from './cursor.ts'
import type { Expression } from './expression.ts'
import type { ConditionNode, OrderTerm } from './query-tree.ts'
import { readExpression, readExpressions } from './read-expression.ts'
import { readFrom } from './read-from.ts'
import { NamedOutputs, orderColumn } from './read-order.ts'
import { readOutputs } from './read-outputs.ts'

const modifiers = words(
  'ALL DISTINCTROW HIGH_PRIORITY STRAIGHT_JOIN SQL_SMALL_RESULT SQL_BIG_RESULT SQL_BUFFER_RESULT SQL_NO_CACHE SQL_CALC_FOUND_ROWS SQL_CACHE',
)

/** Reads what follows SELECT, up to the end of HAVING and WINDOW. */
export function readSelect(cursor: SqlCursor, scope: BlockScope): void {
  const { block } = scope
  readModifiers(cursor, scope)
  const start = cursor.position
  // PostgreSQL selects no column at all, too.
  if (cursor.dialect !== 'postgresql' || !(cursor.isWord('FROM') || cursor.isWord('WHERE'))) block.outputs = readOutputs(cursor, scope)
  block.clauses.outputs = { start, end: cursor.position }
  readInto(cursor)
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
  const windows = cursor.position + 1
  if (!cursor.takeWord('WINDOW')) return
  readWindows(cursor, scope)
  block.clauses.windows = { start: windows, end: cursor.position }
}

/** `SELECT … INTO t` creates a table, `SELECT … INTO @x` sets variables. */
function readInto(cursor: SqlCursor): void {
  if (!cursor.takeWord('INTO')) return
  cursor.giveUp('SELECT INTO')
  cursor.leaveOut('SELECT INTO')
  if (cursor.dialect === 'mysql') {
    cursor.list(() => (cursor.token()?.kind === 'parameter' ? cursor.parameter() : cursor.name()))
    return
  }
  const isTemporary = cursor.takeWord('TEMPORARY') || cursor.takeWord('TEMP')
  cursor.takeWord('UNLOGGED')
  cursor.takeWord('TABLE')
  const name = cursor.tableName().at(-1)
  if (isTemporary && name !== undefined) cursor.temporary.push(name)
}

function readModifiers(cursor: SqlCursor, scope: BlockScope): void {
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

export function readWhere(cursor: SqlCursor, scope: BlockScope): void {
  const start = cursor.position + 1
  if (!cursor.takeWord('WHERE')) return
  if (cursor.takeWords('CURRENT', 'OF')) {
    cursor.leaveOut('WHERE CURRENT OF')
    cursor.name()
    return
  }
  scope.block.where = readConditions(cursor, scope)
  scope.block.clauses.where = { start, end: cursor.position }
}

function readConditions(cursor: SqlCursor, scope: BlockScope): ConditionNode[] {
  return conditionsOf(readExpression(cursor, scope))
}

function readGroupBy(cursor: SqlCursor, scope: BlockScope): void {
  const { block } = scope
  if (!cursor.takeWord('GROUP')) return
  cursor.expectWord('BY')
  const start = cursor.position
  if (cursor.dialect === 'postgresql' && (cursor.isWord('ALL') || cursor.isWord('DISTINCT'))) cursor.position++
  const outputs = new NamedOutputs(block.outputs)
  block.groupBy = cursor.list(() => {
    if (cursor.isWord('GROUPING') && cursor.isWord('SETS', 1)) return readGroupingSets(cursor, scope)
    return groupTerm(readExpression(cursor, scope), outputs)
  })
  // The totals are of other groups.
  if (cursor.takeWords('WITH', 'ROLLUP'))
    block.groupBy = block.groupBy.map(({ start: from, end }) => ({ descending: false, start: from, end }))
  block.clauses.groupBy = { start, end: cursor.position }
}

/** `GROUPING SETS ((a, b), (a), ())`: no order of an index gives all of them. */
function readGroupingSets(cursor: SqlCursor, scope: BlockScope): OrderTerm {
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

function groupTerm(expression: Expression, outputs: NamedOutputs): OrderTerm {
  const { start, end } = expression
  const column = orderColumn(expression, outputs, false)
  return { ...(column === undefined ? {} : { column }), descending: false, start, end }
}

function plainOrder(expression: Expression): OrderTerm {
  return groupTerm(expression, new NamedOutputs([]))
}

function readWindows(cursor: SqlCursor, scope: BlockScope): void {
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

function readWindowWords(cursor: SqlCursor, scope: BlockScope, end: number): void {
  cursor.parenthesised(() => {
    while (cursor.position < end) {
      if (cursor.isAny(frames)) cursor.skipTo(end)
      else if (!cursor.takeAny(windowWords) && !cursor.takeSymbol(',')) readExpression(cursor, scope)
    }
  })
}
