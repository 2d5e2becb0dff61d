import { words } from '../keywords.ts'
import type { BlockScope } from './block-scope.ts'
import type { SqlCursor } from './cursor.ts'
import type { ValueTerm } from './query-tree.ts'
import { readExpression } from './read-expression.ts'
import { readOrder } from './read-order.ts'
import { valueTerm } from './terms.ts'

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

/** `FOR UPDATE OF t SKIP LOCKED`, `LOCK IN SHARE MODE`: locks change no plan. */
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
