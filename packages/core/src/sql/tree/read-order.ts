import type { BlockScope } from './block-scope.ts'
import type { SqlCursor } from './cursor.ts'
import type { Expression } from './expression.ts'
import { operatorAt } from './operators.ts'
import type { ColumnTerm, OrderTerm, OutputTerm } from './query-tree.ts'
import { readExpression } from './read-expression.ts'
import { columnTerm } from './terms.ts'

/** Reads the terms after ORDER BY. */
export function readOrder(cursor: SqlCursor, scope: BlockScope): OrderTerm[] {
  const outputs = new NamedOutputs(scope.block.outputs)
  return cursor.list(() => {
    const expression = readExpression(cursor, scope)
    const descending = cursor.takeWord('DESC')
    // An operator says the direction in ways of its own.
    if (cursor.takeWord('USING')) {
      cursor.leaveOut('ORDER BY … USING')
      if (cursor.takeWord('OPERATOR')) cursor.skipParentheses()
      else cursor.position += operatorAt(cursor)?.tokens ?? 0
    }
    if (!descending) cursor.takeWord('ASC')
    let nulls: 'first' | 'last' | undefined
    if (cursor.takeWord('NULLS')) {
      nulls = cursor.takeWord('FIRST') ? 'first' : 'last'
      if (nulls === 'last') cursor.expectWord('LAST')
    }
    const column = orderColumn(expression, outputs, true)
    return {
      ...(column === undefined ? {} : { column }),
      descending,
      ...(nulls === undefined ? {} : { nulls }),
      start: expression.start,
      end: cursor.position,
    }
  })
}

/** The outputs of a query, as terms of ORDER BY and GROUP BY find them. */
export class NamedOutputs {
  #byName: Map<string, OutputTerm> | undefined
  #firstStar: number | undefined

  constructor(private readonly outputs: readonly OutputTerm[]) {}

  /** What a star stands for is not known here. */
  at(place: number): OutputTerm | undefined {
    this.#firstStar ??= this.outputs.findIndex(({ star }) => star !== undefined)
    return this.#firstStar >= 0 && this.#firstStar < place ? undefined : this.outputs[place - 1]
  }

  named(name: string): OutputTerm | undefined {
    if (this.#byName === undefined) {
      this.#byName = new Map()
      for (const output of this.outputs)
        if (output.star === undefined && output.name !== undefined && !this.#byName.has(output.name)) this.#byName.set(output.name, output)
    }
    return this.#byName.get(name)
  }
}

/** The column that a term of ORDER BY or GROUP BY means: by itself, by the place of an output, or (where outputs come first) by an output's name. */
export function orderColumn(expression: Expression, outputs: NamedOutputs, byName: boolean): ColumnTerm | undefined {
  if (expression.kind === 'value' && expression.term.kind === 'literal' && /^\d+$/.test(expression.term.text)) {
    return outputs.at(Number(expression.term.text))?.column
  }
  const column = columnTerm(expression)
  if (column === undefined || column.table !== undefined || !byName) return column
  const output = outputs.named(column.column)
  if (output === undefined) return column
  // PostgreSQL takes a name for that of an output only where it stands alone.
  return expression.kind === 'column' ? output.column : column
}
