import { queriesAndWrites, words } from '../keywords.ts'
import type { Range } from '../token-map.ts'
import { BlockDraft, type BlockScope, type CteEntry, type CteScope } from './block-scope.ts'
import type { SqlCursor } from './cursor.ts'
import { placedIn, type QueryBlock } from './query-tree.ts'
import { readExpressions } from './read-expression.ts'
import { readSource } from './read-from.ts'
import { readSelect } from './read-select.ts'
import { readTail } from './read-tail.ts'

const setOperators = words('UNION INTERSECT EXCEPT MINUS')
const writes = words('INSERT REPLACE UPDATE DELETE MERGE')

/** Reads a query, or the statement that follows a WITH, up to its end. */
export function readQuery(
  cursor: SqlCursor,
  parent: QueryBlock | undefined,
  ctes: CteScope | undefined,
  isStatement = false,
): BlockDraft {
  cursor.enter()
  const start = cursor.position
  const subqueries: QueryBlock[] = []
  const inner = readWith(cursor, { parent, ctes, subqueries })
  if (isStatement)
    cursor.kinds.push(
      cursor.isSymbol('(')
        ? 'SELECT'
        : cursor.isAny(queriesAndWrites)
          ? cursor.word()
          : cursor.fail('query expected'),
    )
  const block = readBody(cursor, parent, inner, start, subqueries)
  cursor.leave()
  return block
}

function readBody(
  cursor: SqlCursor,
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
    const scope = first.isClosed
      ? wrapping(first.block, parent, ctes, start)
      : { block: first.block, ctes, subqueries: [] }
    readTail(cursor, scope)
    for (const subquery of subqueries) scope.subqueries.push(subquery)
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

function startsSetOperation(cursor: SqlCursor): boolean {
  return cursor.isAny(setOperators) && (!cursor.isWord('MINUS') || cursor.dialect === 'mysql')
}

/** `(SELECT … LIMIT 5) ORDER BY x`: the query in parentheses is complete, unless nothing follows it. */
function wrapping(
  inner: BlockDraft,
  parent: QueryBlock | undefined,
  ctes: CteScope | undefined,
  start: number,
): BlockScope {
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

function readTerm(
  cursor: SqlCursor,
  parent: QueryBlock | undefined,
  ctes: CteScope | undefined,
  start: number,
): Term {
  if (cursor.isSymbol('(')) {
    if (!cursor.map.startsQuery(cursor.position)) cursor.fail('query expected')
    const block = cursor.parenthesised(() => readQuery(cursor, parent, ctes))
    return { block, isClosed: cursor.isAny(tails) }
  }
  const scope: BlockScope = { block: new BlockDraft(start, parent), ctes, subqueries: [] }
  if (cursor.takeWord('SELECT')) readSelect(cursor, scope)
  else if (cursor.takeWord('VALUES')) readValues(cursor, scope)
  else if (cursor.takeWord('TABLE')) readTable(cursor, scope, true)
  else cursor.fail('query expected')
  return { block: finished(cursor, scope), isClosed: false }
}

const tails = words('ORDER LIMIT OFFSET FETCH FOR LOCK')

function readValues(cursor: SqlCursor, scope: BlockScope): void {
  scope.block.kind = 'values'
  cursor.list(() => {
    cursor.takeWord('ROW')
    cursor.parenthesised(() => readExpressions(cursor, scope))
  })
}

/** Reads the name of a table, or a call, as the query of all its rows. */
export function readTableQuery(cursor: SqlCursor, { block: parent, ctes }: BlockScope): BlockDraft {
  const scope: BlockScope = { block: new BlockDraft(cursor.position, parent), ctes, subqueries: [] }
  readTable(cursor, scope, false)
  return finished(cursor, scope)
}

/** `TABLE t` is `SELECT * FROM t`. */
function readTable(cursor: SqlCursor, scope: BlockScope, isAliased: boolean): void {
  const { start, end } = readSource(cursor, scope, isAliased)
  scope.block.outputs = [{ star: {}, columns: [], start, end }]
}

/** Adds the subqueries that no condition contains to the block. */
function finished(cursor: SqlCursor, { block, subqueries }: BlockScope): BlockDraft {
  block.end = cursor.position
  if (subqueries.length === 0) return block
  for (const found of placedIn([...block.where, ...block.having, ...block.from.flatMap(({ on }) => on)]))
    cursor.placed.add(found)
  const known = new Set(block.subqueries)
  for (const found of subqueries)
    if (!cursor.placed.has(found) && !known.has(found)) block.subqueries.push(found)
  return block
}

interface Outside {
  readonly parent: QueryBlock | undefined
  readonly ctes: CteScope | undefined
  /** Receives the expressions: an expression without a reference is still read. */
  readonly subqueries: QueryBlock[]
}

/** Reads `WITH …`, if present, and returns the names that are visible from there on. */
function readWith(cursor: SqlCursor, { parent, ctes, subqueries }: Outside): CteScope | undefined {
  if (!cursor.takeWord('WITH')) return ctes
  const isRecursive = cursor.takeWord('RECURSIVE')
  const heads = commonTableHeads(cursor)
  const entries = new Map<string, CteEntry>()
  const ordered = heads.map(({ name }, index) => {
    const entry: CteEntry = { index, isRecursive: false, isInline: false, uses: 0 }
    if (!entries.has(name)) entries.set(name, entry)
    return entry
  })
  for (const [index, entry] of ordered.entries()) {
    if (index > 0) cursor.expectSymbol(',')
    cursor.position = heads[index]?.end ?? cursor.position
    const columnNames = cursor.isSymbol('(') ? cursor.parenthesised(() => cursor.nameList()) : undefined
    cursor.expectWord('AS')
    const isInline = cursor.takeWords('NOT', 'MATERIALIZED')
    const isMaterialized = !isInline && cursor.takeWord('MATERIALIZED')
    const scope = { entries, visible: visibleIn(cursor, index, isRecursive), outer: ctes }
    const block = cursor.parenthesised(() => cursor.read.query(cursor, parent, scope, true))
    skipSearchAndCycle(cursor)
    if (columnNames !== undefined) block.columnNames = columnNames
    if (
      entry.isRecursive ||
      isMaterialized ||
      block.kind === 'insert' ||
      block.kind === 'update' ||
      block.kind === 'delete'
    )
      block.isFenced = true
    entry.block = block
    entry.isInline = isInline
    subqueries.push(block)
  }
  return { entries, visible: ordered.length, outer: ctes }
}

/**
 * How many expressions a body sees. SQLite treats every list as recursive. In SQLite, and in a recursive list
 * of PostgreSQL, a body can also refer to later expressions.
 */
function visibleIn({ dialect }: SqlCursor, index: number, isRecursive: boolean): number {
  if (dialect === 'sqlite' || (isRecursive && dialect === 'postgresql')) return Number.POSITIVE_INFINITY
  return isRecursive ? index + 1 : index
}

/** The names of one WITH: with RECURSIVE they are visible to each other before they are read. */
function commonTableHeads(cursor: SqlCursor): readonly ({ readonly name: string } & Range)[] {
  const { position } = cursor
  const found: ({ readonly name: string } & Range)[] = []
  do {
    const start = cursor.position
    const name = cursor.foldCase(cursor.namePart())
    cursor.names[start] = 1
    found.push({ name, start, end: cursor.position })
    if (cursor.isSymbol('(')) cursor.position = cursor.map.closing(cursor.position) + 1
    cursor.expectWord('AS')
    if (!cursor.takeWords('NOT', 'MATERIALIZED')) cursor.takeWord('MATERIALIZED')
    if (!cursor.isSymbol('(')) cursor.fail('"(" expected')
    cursor.position = cursor.map.closing(cursor.position) + 1
    skipSearchAndCycle(cursor)
  } while (cursor.takeSymbol(','))
  cursor.position = position
  return found
}

const clauseEnds = { SEARCH: 'SET', CYCLE: 'USING' } as const

/** PostgreSQL's `SEARCH … SET x` and `CYCLE … USING x`, after a recursive query. */
function skipSearchAndCycle(cursor: SqlCursor): void {
  for (const clause of ['SEARCH', 'CYCLE'] as const) {
    if (!cursor.takeWord(clause)) continue
    cursor.leaveOut('SEARCH or CYCLE')
    const last = clauseEnds[clause]
    while (!cursor.takeWord(last)) {
      if (cursor.atEnd()) cursor.fail(`${last} expected`)
      cursor.position++
    }
    cursor.name()
  }
}
