import { fromEnds, queryStarts, reservedFromEnds, words } from './keywords.ts'
import type { StatementCursor } from './statement-cursor.ts'
import type { Token } from './tokenize.ts'

const setOperators = words('UNION EXCEPT INTERSECT')
const operators = words('ON AND OR NOT IN IS LIKE BETWEEN CASE WHEN THEN ELSE')
const setQuantifiers = words('ALL DISTINCT')

/** What one level of parentheses, or one statement, has seen so far. */
export class Frame {
  /** FROM names tables only after SELECT, or in an update or delete; in `extract(year FROM x)` it does not. */
  selects = false
  clause: 'from' | 'set' | 'other' = 'other'
  /** The columns that SET names; `undefined` once they cannot be told. */
  columns: string[] | undefined = []
  /** How many CASE are open in a MERGE, whose own WHEN ends its join; -1 elsewhere. */
  openCases = -1
  /** Whether an insert also updates. */
  upserts = false
  /** Collects the tables named in FROM themselves, and not in subqueries. */
  targets: (readonly string[])[] | undefined

  /** @param start - Where the frame's first token is. */
  constructor(public start: number) {}
}

/** Whether FROM here belongs to `IS [NOT] DISTINCT FROM`. */
export function endsDistinctFrom(cursor: StatementCursor): boolean {
  if (!cursor.isWord('DISTINCT', -1)) return false
  const is = cursor.isWord('NOT', -2) ? -3 : -2
  return cursor.isWord('IS', is) && !cursor.isSymbol('.', is - 1)
}

export function startsQuery(cursor: StatementCursor, frame: Frame): boolean {
  if (cursor.position === frame.start || cursor.isAnyWord(setOperators, -1)) return true
  return cursor.isAnyWord(setQuantifiers, -1) && cursor.isAnyWord(setOperators, -2)
}

export function endsClause(cursor: StatementCursor): boolean {
  if (cursor.isAnyWord(fromEnds) || cursor.isAnyWord(reservedFromEnds[cursor.dialect])) return true
  // Not reserved in SQLite, nor in older MySQL: a column may have the name.
  if (cursor.isWord('WINDOW')) return cursor.isWord('AS', 2)
  if (cursor.isWord('INTERSECT')) return cursor.isSymbol('(', 1) || cursor.isAnyWord(queryStarts, 1) || cursor.isAnyWord(setQuantifiers, 1)
  if (!cursor.isWord('RETURNING') || !endsOperand(cursor.token(-1))) return false
  const next = cursor.token(1)
  if (next === undefined || (next.kind === 'symbol' && next.text !== '*' && next.text !== '(')) return false
  return next.upper !== 'AND' && next.upper !== 'OR' && next.upper !== 'IS' && next.upper !== 'IN' && next.upper !== 'NOT'
}

function endsOperand(token: Token | undefined): boolean {
  if (token?.kind === 'symbol') return token.text === ')'
  return token !== undefined && !operators.has(token.upper)
}

/** Takes SET and its first target. */
export function readSetList(cursor: StatementCursor, frame: Frame): void {
  cursor.expectWord('SET')
  frame.clause = 'set'
  readAssignmentTarget(cursor, frame)
}

/** Takes what is left of `=` in a SET list. */
export function readAssignmentTarget(cursor: StatementCursor, frame: Frame): void {
  const list = cursor.takeSymbol('(')
  do {
    if (!cursor.isName()) {
      frame.columns = undefined
      return
    }
    const parts = [cursor.namePart()]
    while (cursor.takeSymbol('.')) parts.push(cursor.namePart())
    // PostgreSQL qualifies no column here: what follows the dot is a field of it.
    const column = cursor.dialect === 'postgresql' ? parts[0] : parts.at(-1)
    if (column !== undefined) frame.columns?.push(cursor.fold(column))
  } while (list && cursor.takeSymbol(','))
  if (list) cursor.expectSymbol(')')
}
