import type { BlockScope } from './block-scope.ts'
import type { Expression } from './expression.ts'
import type { ColumnTerm, OrderTerm, OutputTerm } from './query-tree.ts'
import { readExpression } from './read-expression.ts'
import { columnTerm } from './terms.ts'
import type { TreeCursor } from './tree-cursor.ts'

/** Reads the terms after ORDER BY. */
export function readOrder(cursor: TreeCursor, scope: BlockScope): OrderTerm[] {
  return cursor.list(() => {
    const expression = readExpression(cursor, scope)
    const descending = cursor.takeWord('DESC')
    // An operator says the direction in ways of its own.
    if (cursor.isWord('USING')) cursor.fail('ORDER BY … USING')
    if (!descending) cursor.takeWord('ASC')
    let nulls: 'first' | 'last' | undefined
    if (cursor.takeWord('NULLS')) {
      nulls = cursor.takeWord('FIRST') ? 'first' : 'last'
      if (nulls === 'last') cursor.expectWord('LAST')
    }
    const column = orderColumn(expression, scope.block.outputs, true)
    return {
      ...(column === undefined ? {} : { column }),
      descending,
      ...(nulls === undefined ? {} : { nulls }),
      start: expression.start,
      end: cursor.position,
    }
  })
}

/** The column that a term of ORDER BY or GROUP BY means: by itself, by the place of an output, or (where outputs come first) by an output's name. */
export function orderColumn(expression: Expression, outputs: readonly OutputTerm[], byName: boolean): ColumnTerm | undefined {
  if (expression.kind === 'value' && expression.term.kind === 'literal' && /^\d+$/.test(expression.term.text)) {
    // What a star stands for is not known here.
    const place = Number(expression.term.text)
    const before = outputs.slice(0, place)
    return before.some(({ star }) => star !== undefined) ? undefined : before[place - 1]?.column
  }
  const column = columnTerm(expression)
  if (column === undefined || column.table !== undefined || !byName) return column
  const output = outputs.find(({ name, star }) => star === undefined && name === column.column)
  if (output === undefined) return column
  // PostgreSQL takes a name for that of an output only where it stands alone.
  return expression.kind === 'column' ? output.column : column
}
