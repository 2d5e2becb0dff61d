import type { Range } from '../token-map.ts'
import type { CteEntry, CteScope } from './block-scope.ts'
import type { QueryBlock } from './query-tree.ts'
import type { TreeCursor } from './tree-cursor.ts'

interface Outside {
  readonly parent: QueryBlock | undefined
  readonly ctes: CteScope | undefined
  /** Takes the expressions: what is named nowhere is still read. */
  readonly subqueries: QueryBlock[]
}

/** Reads `WITH …`, if it is there, and gives the names that hold from there on. */
export function readWith(cursor: TreeCursor, { parent, ctes, subqueries }: Outside): CteScope | undefined {
  if (!cursor.takeWord('WITH')) return ctes
  const isRecursive = cursor.takeWord('RECURSIVE')
  const seesItself = isRecursive || cursor.dialect === 'sqlite'
  const names = namesAhead(cursor)
  const entries: CteEntry[] = names.map(({ name }) => ({ name, isRecursive: false, isInline: false, uses: 0 }))
  for (const [index, entry] of entries.entries()) {
    if (index > 0) cursor.expectSymbol(',')
    cursor.position = names[index]?.end ?? cursor.position
    const columnNames = cursor.isSymbol('(') ? cursor.parenthesised(() => cursor.names()) : undefined
    cursor.expectWord('AS')
    const isInline = cursor.takeWords('NOT', 'MATERIALIZED')
    const isMaterialized = !isInline && cursor.takeWord('MATERIALIZED')
    const visible = { entries: seesItself ? entries : entries.slice(0, index), outer: ctes }
    const block = cursor.parenthesised(() => cursor.read.query(cursor, parent, visible))
    skipSearchAndCycle(cursor)
    if (columnNames !== undefined) block.columnNames = columnNames
    if (entry.isRecursive || isMaterialized || block.kind === 'insert' || block.kind === 'update' || block.kind === 'delete')
      block.isFenced = true
    entry.block = block
    entry.isInline = isInline
    subqueries.push(block)
  }
  return { entries, outer: ctes }
}

/** The names of one WITH: with RECURSIVE they see each other before they are read. */
function namesAhead(cursor: TreeCursor): readonly ({ readonly name: string } & Range)[] {
  const start = cursor.position
  const found: ({ readonly name: string } & Range)[] = []
  do {
    const from = cursor.position
    const name = cursor.map.dialect === 'postgresql' ? cursor.name() : cursor.name().toLowerCase()
    found.push({ name, start: from, end: cursor.position })
    if (cursor.isSymbol('(')) cursor.position = cursor.map.closing(cursor.position) + 1
    cursor.expectWord('AS')
    if (!cursor.takeWords('NOT', 'MATERIALIZED')) cursor.takeWord('MATERIALIZED')
    if (!cursor.isSymbol('(')) cursor.fail('"(" expected')
    cursor.position = cursor.map.closing(cursor.position) + 1
    skipSearchAndCycle(cursor)
  } while (cursor.takeSymbol(','))
  cursor.position = start
  return found
}

/** PostgreSQL's `SEARCH … SET x` and `CYCLE …`, after a recursive query. */
function skipSearchAndCycle(cursor: TreeCursor): void {
  if (cursor.isWord('SEARCH') || cursor.isWord('CYCLE')) cursor.fail('SEARCH or CYCLE')
}
