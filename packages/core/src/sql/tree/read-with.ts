import type { Range } from '../token-map.ts'
import type { CteEntry, CteScope } from './block-scope.ts'
import type { SqlCursor } from './cursor.ts'
import type { QueryBlock } from './query-tree.ts'

interface Outside {
  readonly parent: QueryBlock | undefined
  readonly ctes: CteScope | undefined
  /** Takes the expressions: what is named nowhere is still read. */
  readonly subqueries: QueryBlock[]
}

/** Reads `WITH …`, if it is there, and gives the names that hold from there on. */
export function readWith(cursor: SqlCursor, { parent, ctes, subqueries }: Outside): CteScope | undefined {
  if (!cursor.takeWord('WITH')) return ctes
  const isRecursive = cursor.takeWord('RECURSIVE')
  const heads = headsAhead(cursor)
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
    if (entry.isRecursive || isMaterialized || block.kind === 'insert' || block.kind === 'update' || block.kind === 'delete')
      block.isFenced = true
    entry.block = block
    entry.isInline = isInline
    subqueries.push(block)
  }
  return { entries, visible: ordered.length, outer: ctes }
}

/** How many expressions a body sees. SQLite takes every list for a recursive one; there and in PostgreSQL a body may name later ones. */
function visibleIn({ dialect }: SqlCursor, index: number, isRecursive: boolean): number {
  if (dialect === 'sqlite' || (isRecursive && dialect === 'postgresql')) return Number.POSITIVE_INFINITY
  return isRecursive ? index + 1 : index
}

/** The names of one WITH: with RECURSIVE they see each other before they are read. */
function headsAhead(cursor: SqlCursor): readonly ({ readonly name: string } & Range)[] {
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
