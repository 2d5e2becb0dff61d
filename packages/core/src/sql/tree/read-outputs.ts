import { words } from '../keywords.ts'
import type { BlockScope } from './block-scope.ts'
import type { SqlCursor } from './cursor.ts'
import { columnsOf, type Expression, visit } from './expression.ts'
import type { OutputTerm } from './query-tree.ts'
import { readExpression } from './read-expression.ts'

/** Words after an expression that are no alias of it. */
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
    scope.block.mentions.push({ ...(star.schema === undefined ? {} : { schema: star.schema }), ...table, column: '*' })
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
