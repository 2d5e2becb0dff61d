import { words } from '../keywords.ts'
import type { BlockScope } from './block-scope.ts'
import { conditionsOf } from './conditions-of.ts'
import type { SqlCursor } from './cursor.ts'
import { columnsOf, type Expression, visit } from './expression.ts'
import type { ConditionNode, OrderTerm, OutputTerm } from './query-tree.ts'
import { readExpression, readExpressions } from './read-expression.ts'
import { readFrom } from './read-from.ts'
import { NamedOutputs, orderColumn } from './read-tail.ts'

const modifiers = words(
  'ALL DISTINCTROW HIGH_PRIORITY STRAIGHT_JOIN SQL_SMALL_RESULT SQL_BIG_RESULT SQL_BUFFER_RESULT SQL_NO_CACHE SQL_CALC_FOUND_ROWS SQL_CACHE',
)

/** Reads the rest of a SELECT, up to the end of HAVING and WINDOW. */
export function readSelect(cursor: SqlCursor, scope: BlockScope): void {
  const { block } = scope
  readModifiers(cursor, scope)
  const start = cursor.position
  // PostgreSQL also allows a SELECT without columns.
  if (cursor.dialect !== 'postgresql' || !(cursor.isWord('FROM') || cursor.isWord('WHERE')))
    block.outputs = readOutputs(cursor, scope)
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
  cursor.markOpaque('SELECT INTO')
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
  if (cursor.dialect === 'postgresql' && (cursor.isWord('ALL') || cursor.isWord('DISTINCT')))
    cursor.position++
  const outputs = new NamedOutputs(block.outputs)
  block.groupBy = cursor.list(() => {
    if (cursor.isWord('GROUPING') && cursor.isWord('SETS', 1)) return readGroupingSets(cursor, scope)
    return groupTerm(readExpression(cursor, scope), outputs)
  })
  // The totals belong to different groups.
  if (cursor.takeWords('WITH', 'ROLLUP'))
    block.groupBy = block.groupBy.map(({ start: from, end }) => ({ descending: false, start: from, end }))
  block.clauses.groupBy = { start, end: cursor.position }
}

/** `GROUPING SETS ((a, b), (a), ())`: no order of an index produces all of them. */
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
    // The columns of a window are only recorded as mentioned.
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

/** Words after an expression that are not its alias. */
const notAliases = words(`
  FROM WHERE GROUP HAVING ORDER LIMIT OFFSET FETCH FOR WINDOW UNION INTERSECT EXCEPT MINUS RETURNING INTO ON LOCK PROCEDURE AND OR NOT IN IS
  LIKE BETWEEN THEN ELSE WHEN SET USING JOIN AS`)

/** Reads the list of SELECT or RETURNING. */
export function readOutputs(cursor: SqlCursor, scope: BlockScope): OutputTerm[] {
  return cursor.list(() => readOutput(cursor, scope))
}

function readOutput(cursor: SqlCursor, scope: BlockScope): OutputTerm {
  const start = cursor.position
  const star = readStar(cursor)
  if (star !== undefined) {
    const table = star.of === undefined ? {} : { table: star.of }
    scope.block.mentions.push({
      ...(star.schema === undefined ? {} : { schema: star.schema }),
      ...table,
      column: '*',
    })
    return { star, columns: [], start, end: cursor.position }
  }
  const expression = readExpression(cursor, scope)
  const alias = readAlias(cursor)
  const end = cursor.position
  if (expression.kind === 'column') {
    const { name: column } = expression
    return { name: alias ?? column.column, column, columns: [column], start, end }
  }
  return {
    ...(alias === undefined ? {} : { name: alias }),
    columns: columnsOf(expression),
    ...(expression.kind === 'call' && expression.isAggregate ? { aggregate: expression.name } : {}),
    ...(isAggregated(expression) ? { isAggregated: true as const } : {}),
    start,
    end,
  }
}

function readStar(cursor: SqlCursor): { readonly schema?: string; readonly of?: string } | undefined {
  const { map } = cursor
  let last = cursor.position
  while (map.isName(last) && map.isSymbol(last + 1, '.')) last += 2
  if (!map.isSymbol(last, '*')) return undefined
  const parts: string[] = []
  while (cursor.isName() && cursor.isSymbol('.', 1)) {
    parts.push(cursor.fold(cursor.namePart()))
    cursor.position++
  }
  cursor.position++
  const [of, schema] = [parts.at(-1), parts.at(-2)]
  return { ...(schema === undefined ? {} : { schema }), ...(of === undefined ? {} : { of }) }
}

function readAlias(cursor: SqlCursor): string | undefined {
  const isNamed = cursor.takeWord('AS')
  const token = cursor.token()
  if (token?.kind === 'string' && cursor.dialect !== 'postgresql') {
    cursor.position++
    return token.text.slice(1, -1)
  }
  if (isNamed || (cursor.isName() && !cursor.isAny(notAliases))) return cursor.fold(cursor.namePart())
  return undefined
}

function isAggregated(expression: Expression): boolean {
  let found = false
  visit(expression, (part) => {
    if (part.kind === 'call' && (part.isAggregate || part.isWindow)) found = true
  })
  return found
}
