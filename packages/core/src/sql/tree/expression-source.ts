import type { BlockScope } from './block-scope.ts'
import type { SqlCursor } from './cursor.ts'
import type { Expression } from './expression.ts'
import { OR } from './operators.ts'

/** Where operands find their own operands. */
export interface ExpressionSource {
  readonly cursor: SqlCursor
  readonly scope: BlockScope
  /** Reads an expression of operators that bind at least so tightly. */
  read(power: number): Expression
}

export function readList(source: ExpressionSource): Expression[] {
  return source.cursor.list(() => source.read(OR))
}
