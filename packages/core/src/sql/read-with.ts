import type { Scope, StatementCursor } from './statement-cursor.ts'

/**
 * Reads `WITH name AS (…), …`.
 *
 * @returns The scope of the statement that follows.
 */
export function readWith(cursor: StatementCursor, scope: Scope): Scope {
  cursor.expectWord('WITH')
  const recursive = cursor.takeWord('RECURSIVE')
  const visible = new Set(scope)
  // SQLite takes every list for a recursive one. There and in PostgreSQL a body may name what comes after it.
  if (cursor.dialect === 'sqlite' || (recursive && cursor.dialect === 'postgresql')) {
    const { position } = cursor
    do visible.add(readHeadOfCte(cursor))
    while (skipCteBody(cursor))
    cursor.position = position
  }
  do {
    const name = readHeadOfCte(cursor)
    const body = recursive ? new Set(visible).add(name) : new Set(visible)
    cursor.expectSymbol('(')
    cursor.nested(() => cursor.readBody(cursor, body))
    cursor.expectSymbol(')')
    skipSearchAndCycle(cursor)
    visible.add(name)
  } while (cursor.takeSymbol(','))
  return visible
}

function readHeadOfCte(cursor: StatementCursor): string {
  const name = cursor.foldCase(cursor.namePart())
  if (cursor.isSymbol('(')) cursor.skipParentheses()
  cursor.expectWord('AS')
  if (!cursor.takeWord('MATERIALIZED')) cursor.takeWords('NOT', 'MATERIALIZED')
  return name
}

function skipCteBody(cursor: StatementCursor): boolean {
  if (!cursor.isSymbol('(')) cursor.fail('"(" expected')
  cursor.skipParentheses()
  skipSearchAndCycle(cursor)
  return cursor.takeSymbol(',')
}

function skipSearchAndCycle(cursor: StatementCursor): void {
  for (const [clause, last] of [
    ['SEARCH', 'SET'],
    ['CYCLE', 'USING'],
  ] as const) {
    if (!cursor.takeWord(clause)) continue
    while (!cursor.takeWord(last)) {
      if (cursor.atEnd()) cursor.fail(`${last} expected`)
      cursor.position++
    }
    cursor.namePart()
  }
}
