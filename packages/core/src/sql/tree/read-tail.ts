import { words } from '../keywords.ts'
import type { BlockScope } from './block-scope.ts'
import type { SqlCursor } from './cursor.ts'
import { columnTerm, type Expression, valueTerm } from './expression.ts'
import { operatorAt } from './operators.ts'
import type { ColumnTerm, OrderTerm, OutputTerm, ValueTerm } from './query-tree.ts'
import { readExpression } from './read-expression.ts'

const rows = words('ROW ROWS')
const first = words('FIRST NEXT')

/** Reads ORDER BY, LIMIT, OFFSET, FETCH and locks. */
export function readTail(cursor: SqlCursor, scope: BlockScope): void {
  const { block } = scope
  const start = cursor.position
  if (cursor.takeWord('ORDER')) {
    cursor.expectWord('BY')
    block.orderBy = readOrder(cursor, scope)
    block.clauses.orderBy = { start: start + 2, end: cursor.position }
  }
  for (;;) {
    const at = cursor.position
    const { limit, lock } = block.clauses
    if (readBound(cursor, scope)) {
      if (lock !== undefined) cursor.leaveOut('LIMIT after FOR')
      block.clauses.limit = { start: limit?.start ?? at, end: cursor.position }
    } else if (readLock(cursor)) block.clauses.lock = { start: lock?.start ?? at, end: cursor.position }
    else break
  }
  if (cursor.isWord('INTO')) cursor.fail('SELECT INTO')
}

function readBound(cursor: SqlCursor, scope: BlockScope): boolean {
  const { block } = scope
  if (cursor.takeWord('LIMIT')) {
    if (block.limit !== undefined) cursor.fail('LIMIT twice')
    const isAll = cursor.isWord('ALL') || cursor.isWord('NULL')
    if (isAll) cursor.position++
    const value = isAll ? undefined : read(cursor, scope)
    if (value !== undefined && cursor.dialect !== 'postgresql' && cursor.takeSymbol(',')) {
      block.offset = value
      block.limit = read(cursor, scope)
    } else if (value !== undefined) block.limit = value
    return true
  }
  if (cursor.takeWord('OFFSET')) {
    if (block.offset !== undefined) cursor.fail('OFFSET twice')
    block.offset = read(cursor, scope)
    while (cursor.takeSymbol(',')) {
      cursor.leaveOut('OFFSET of several values')
      read(cursor, scope)
    }
    cursor.takeAny(rows)
    return true
  }
  if (!(cursor.isWord('FETCH') && cursor.isAny(first, 1))) return false
  cursor.position += 2
  if (block.limit !== undefined) cursor.fail('LIMIT twice')
  block.limit = cursor.isAny(rows) ? { kind: 'literal', text: '1' } : read(cursor, scope)
  if (!cursor.takeAny(rows)) cursor.fail('ROWS expected')
  if (!cursor.takeWord('ONLY') && !cursor.takeWords('WITH', 'TIES')) cursor.fail('ONLY expected')
  return true
}

function read(cursor: SqlCursor, scope: BlockScope): ValueTerm {
  return valueTerm(readExpression(cursor, scope))
}

const strengths = words('UPDATE SHARE NO KEY')

/** `FOR UPDATE OF t SKIP LOCKED`, `LOCK IN SHARE MODE`: locks do not change the plan. */
function readLock(cursor: SqlCursor): boolean {
  const isShared = cursor.takeWords('LOCK', 'IN', 'SHARE', 'MODE')
  if (!isShared && !(cursor.isWord('FOR') && cursor.isAny(strengths, 1))) return false
  cursor.locks = true
  if (isShared) return true
  cursor.position++
  while (cursor.takeAny(strengths));
  if (cursor.takeWord('OF')) cursor.list(() => cursor.dottedName())
  if (!cursor.takeWord('NOWAIT')) cursor.takeWords('SKIP', 'LOCKED')
  return true
}

/** Reads the terms after ORDER BY. */
function readOrder(cursor: SqlCursor, scope: BlockScope): OrderTerm[] {
  const outputs = new NamedOutputs(scope.block.outputs)
  return cursor.list(() => {
    const expression = readExpression(cursor, scope)
    const descending = cursor.takeWord('DESC')
    // An operator specifies the direction in its own way.
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

/** The outputs of a query, as referenced by terms of ORDER BY and GROUP BY. */
export class NamedOutputs {
  #byName: Map<string, OutputTerm> | undefined
  #firstStar: number | undefined

  constructor(private readonly outputs: readonly OutputTerm[]) {}

  /** `undefined` after a star: the number of its columns is unknown. */
  at(place: number): OutputTerm | undefined {
    this.#firstStar ??= this.outputs.findIndex(({ star }) => star !== undefined)
    return this.#firstStar >= 0 && this.#firstStar < place ? undefined : this.outputs[place - 1]
  }

  named(name: string): OutputTerm | undefined {
    if (this.#byName === undefined) {
      this.#byName = new Map()
      for (const output of this.outputs)
        if (output.star === undefined && output.name !== undefined && !this.#byName.has(output.name))
          this.#byName.set(output.name, output)
    }
    return this.#byName.get(name)
  }
}

/**
 * The column to which a term of ORDER BY or GROUP BY refers: directly, by the position of an output, or (if
 * outputs take precedence) by an output's name.
 */
export function orderColumn(
  expression: Expression,
  outputs: NamedOutputs,
  byName: boolean,
): ColumnTerm | undefined {
  if (
    expression.kind === 'value' &&
    expression.term.kind === 'literal' &&
    /^\d+$/.test(expression.term.text)
  ) {
    return outputs.at(Number(expression.term.text))?.column
  }
  const column = columnTerm(expression)
  if (column === undefined || column.table !== undefined || !byName) return column
  const output = outputs.named(column.column)
  if (output === undefined) return column
  // PostgreSQL resolves a name to an output only if the name is the whole term.
  return expression.kind === 'column' ? output.column : column
}
