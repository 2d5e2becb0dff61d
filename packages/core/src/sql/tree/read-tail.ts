import { words } from '../keywords.ts'
import type { BlockScope } from './block-scope.ts'
import type { ValueTerm } from './query-tree.ts'
import { readExpression } from './read-expression.ts'
import { readOrder } from './read-order.ts'
import { valueTerm } from './terms.ts'
import type { TreeCursor } from './tree-cursor.ts'

const rows = words('ROW ROWS')
const first = words('FIRST NEXT')

/** Reads ORDER BY, LIMIT, OFFSET, FETCH and locks. */
export function readTail(cursor: TreeCursor, scope: BlockScope): void {
  const { block } = scope
  const start = cursor.position
  if (cursor.takeWord('ORDER')) {
    cursor.expectWord('BY')
    block.orderBy = readOrder(cursor, scope)
    block.clauses.orderBy = { start: start + 2, end: cursor.position }
  }
  const limit = cursor.position
  while (readBound(cursor, scope));
  if (cursor.position > limit) block.clauses.limit = { start: limit, end: cursor.position }
  while (readLock(cursor));
  if (cursor.isWord('INTO')) cursor.fail('SELECT INTO')
}

function readBound(cursor: TreeCursor, scope: BlockScope): boolean {
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

function read(cursor: TreeCursor, scope: BlockScope): ValueTerm {
  return valueTerm(readExpression(cursor, scope))
}

const strengths = words('UPDATE SHARE NO KEY')

/** `FOR UPDATE OF t SKIP LOCKED`, `LOCK IN SHARE MODE`: locks change no plan. */
function readLock(cursor: TreeCursor): boolean {
  if (cursor.takeWords('LOCK', 'IN', 'SHARE', 'MODE')) return true
  if (!(cursor.isWord('FOR') && cursor.isAny(strengths, 1))) return false
  cursor.position++
  while (cursor.takeAny(strengths));
  if (cursor.takeWord('OF')) cursor.list(() => cursor.dottedName())
  if (!cursor.takeWord('NOWAIT')) cursor.takeWords('SKIP', 'LOCKED')
  return true
}
