import { conditionsIn, foldedName } from './conditions.ts'
import type { Dialect } from './dialect.ts'
import { words } from './keywords.ts'
import { readAlias } from './read-query.ts'
import { StatementCursor } from './statement-cursor.ts'
import type { Listing } from './statement-types.ts'
import { SqlSyntaxError } from './syntax-error.ts'
import type { Token } from './tokenize.ts'

/** With one of these, rows of the result may come of no row of the table. */
const mixing = words('UNION INTERSECT EXCEPT MINUS GROUP HAVING WINDOW INTO PROCEDURE')

/**
 * A SELECT as a listing of the first table of its FROM; `undefined` if it is none for certain, or without conditions on single columns.
 *
 * @param tokens - Of one statement that starts with SELECT.
 */
export function readListing(tokens: readonly Token[], dialect: Dialect): Listing | undefined {
  const end = tokens.at(-1)?.text === ';' ? tokens.length - 1 : tokens.length
  const from = findFrom(tokens, end)
  if (from < 0) return undefined
  const cursor = new StatementCursor(tokens.slice(0, end), dialect, () => {})
  cursor.position = from + 1
  // A function's rows, those of a subquery, or those of a table without its children.
  if (!cursor.isName() || cursor.isWord('LATERAL') || cursor.isWord('ROWS') || cursor.isWord('ONLY')) return undefined
  try {
    const table = cursor.tableName()
    if (cursor.isSymbol('(')) return undefined
    const named = cursor.position
    readAlias(cursor)
    const called = tokens[cursor.position - 1]
    if (called === undefined || (cursor.position > named && called.kind !== 'word' && called.kind !== 'quoted')) return undefined
    const isAlone = cursor.isWord('WHERE')
    const calledAs = isAlone ? undefined : foldedName(called, dialect)
    const conditions = conditionsIn(tokens, dialect, { start: cursor.position, end, calledAs })
    return conditions === undefined ? undefined : { table, conditions, isPlain: isAlone }
  } catch (error) {
    if (error instanceof SqlSyntaxError) return undefined
    throw error
  }
}

/** The place of FROM; -1 if the select list holds more than columns, or rows are grouped or united. */
function findFrom(tokens: readonly Token[], end: number): number {
  let depth = 0
  let from = -1
  for (let at = 1; at < end; at++) {
    const token = tokens[at]
    if (token?.kind === 'symbol') {
      if (token.text === '(' || token.text === '[') {
        // A call may be an aggregate, which gives a row where there is none.
        if (from < 0) return -1
        depth++
      } else if (token.text === ')' || token.text === ']') depth--
    } else if (token?.kind === 'word' && depth === 0 && tokens[at - 1]?.text !== '.') {
      if (mixing.has(token.upper) || (token.upper === 'DISTINCT' && at > 1)) return -1
      if (token.upper === 'FROM' && from < 0) from = at
    }
  }
  return from
}
