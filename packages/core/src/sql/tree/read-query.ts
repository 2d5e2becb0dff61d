import { words } from '../keywords.ts'
import type { Range } from '../token-map.ts'
import { BlockDraft, type BlockScope, type CteScope } from './block-scope.ts'
import { placedIn } from './placed-in.ts'
import type { QueryBlock } from './query-tree.ts'
import { readExpressions } from './read-expression.ts'
import { readSelect } from './read-select.ts'
import { readTail } from './read-tail.ts'
import { readWith } from './read-with.ts'
import { startsQuery } from './starts-query.ts'
import type { TreeCursor } from './tree-cursor.ts'

const setOperators = words('UNION INTERSECT EXCEPT MINUS')
const writes = words('INSERT REPLACE UPDATE DELETE')

/** Reads a query, or what a WITH goes on with, up to where it ends. */
export function readQuery(cursor: TreeCursor, parent: QueryBlock | undefined, ctes: CteScope | undefined): BlockDraft {
  cursor.enter()
  const start = cursor.position
  const subqueries: QueryBlock[] = []
  const inner = readWith(cursor, { parent, ctes, subqueries })
  const block = readBody(cursor, parent, inner, start, subqueries)
  cursor.leave()
  return block
}

function readBody(
  cursor: TreeCursor,
  parent: QueryBlock | undefined,
  ctes: CteScope | undefined,
  start: number,
  subqueries: QueryBlock[],
): BlockDraft {
  if (cursor.isAny(writes)) {
    const scope = { block: new BlockDraft(start, parent), ctes, subqueries }
    cursor.read.write(cursor, scope)
    return finished(cursor, scope)
  }
  const first = readTerm(cursor, parent, ctes, start)
  if (!startsSetOperation(cursor)) {
    const scope = first.isClosed ? wrapping(first.block, parent, ctes, start) : { block: first.block, ctes, subqueries: [] }
    readTail(cursor, scope)
    scope.subqueries.push(...subqueries)
    return finished(cursor, scope)
  }
  const scope: BlockScope = { block: new BlockDraft(start, parent), ctes, subqueries }
  const { block } = scope
  block.kind = 'set-operation'
  block.isAll = true
  block.arms.push(first.block)
  while (startsSetOperation(cursor)) {
    const isUnion = cursor.isWord('UNION')
    cursor.position++
    const isAll = cursor.takeWord('ALL')
    if (!isAll) cursor.takeWord('DISTINCT')
    block.isAll &&= isAll && isUnion
    block.arms.push(readTerm(cursor, parent, ctes, cursor.position).block)
  }
  block.outputs = block.arms[0]?.outputs ?? []
  readTail(cursor, scope)
  return finished(cursor, scope)
}

function startsSetOperation(cursor: TreeCursor): boolean {
  return cursor.isAny(setOperators) && (!cursor.isWord('MINUS') || cursor.dialect === 'mysql')
}

/** `(SELECT … LIMIT 5) ORDER BY x`: what stands in parentheses is complete, unless nothing follows it. */
function wrapping(inner: BlockDraft, parent: QueryBlock | undefined, ctes: CteScope | undefined, start: number): BlockScope {
  const block = new BlockDraft(start, parent)
  block.kind = 'set-operation'
  block.isAll = true
  block.arms.push(inner)
  block.outputs = inner.outputs
  return { block, ctes, subqueries: [] }
}

interface Term {
  readonly block: BlockDraft
  readonly isClosed: boolean
}

function readTerm(cursor: TreeCursor, parent: QueryBlock | undefined, ctes: CteScope | undefined, start: number): Term {
  if (cursor.isSymbol('(')) {
    if (!startsQuery(cursor.map, cursor.position)) cursor.fail('query expected')
    const block = cursor.parenthesised(() => readQuery(cursor, parent, ctes))
    return { block, isClosed: cursor.isAny(tails) }
  }
  const scope: BlockScope = { block: new BlockDraft(start, parent), ctes, subqueries: [] }
  if (cursor.takeWord('SELECT')) readSelect(cursor, scope)
  else if (cursor.takeWord('VALUES')) readValues(cursor, scope)
  else if (cursor.takeWord('TABLE')) readTable(cursor, scope)
  else cursor.fail('query expected')
  return { block: finished(cursor, scope), isClosed: false }
}

const tails = words('ORDER LIMIT OFFSET FETCH FOR LOCK')

function readValues(cursor: TreeCursor, scope: BlockScope): void {
  scope.block.kind = 'values'
  cursor.list(() => {
    cursor.takeWord('ROW')
    cursor.parenthesised(() => readExpressions(cursor, scope))
  })
}

/** `TABLE t` is `SELECT * FROM t`. */
function readTable(cursor: TreeCursor, { block }: BlockScope): void {
  const start = cursor.position
  const table = cursor.dottedName()
  const range: Range = { start, end: cursor.position }
  block.from.push({ join: 'cross', alias: table.at(-1) ?? '', table, on: [], using: [], ...range })
  block.outputs = [{ star: {}, columns: [], ...range }]
}

/** Leaves the subqueries that no condition holds to the block. */
function finished(cursor: TreeCursor, { block, subqueries }: BlockScope): BlockDraft {
  block.end = cursor.position
  if (subqueries.length === 0) return block
  for (const found of placedIn([...block.where, ...block.having, ...block.from.flatMap(({ on }) => on)])) cursor.placed.add(found)
  const known = new Set(block.subqueries)
  for (const found of subqueries) if (!cursor.placed.has(found) && !known.has(found)) block.subqueries.push(found)
  return block
}
