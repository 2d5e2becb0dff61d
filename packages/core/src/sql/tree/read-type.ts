import type { SqlCursor } from './cursor.ts'

const second: Readonly<Record<string, string>> = { DOUBLE: 'PRECISION', CHARACTER: 'VARYING', BIT: 'VARYING', NATIONAL: 'CHARACTER' }

/** Reads the type after `::`, and gives it as written, in lower case. */
export function readType(cursor: SqlCursor): string {
  const start = cursor.position
  const word = cursor.word()
  cursor.tableName()
  const more = second[word]
  if (more !== undefined && cursor.takeWord(more) && more === 'CHARACTER') cursor.takeWord('VARYING')
  if (cursor.isSymbol('(')) cursor.skipParentheses()
  if ((word === 'TIMESTAMP' || word === 'TIME') && (cursor.isWord('WITH') || cursor.isWord('WITHOUT')) && cursor.isWord('TIME', 1)) {
    cursor.position += 2
    cursor.expectWord('ZONE')
  }
  while (cursor.isSymbol('[')) {
    cursor.position++
    if (cursor.token()?.kind === 'number') cursor.position++
    cursor.expectSymbol(']')
  }
  return typeText(cursor, start, cursor.position)
}

/** A type as people write it: `character varying(20)`, `int[]`. */
export function typeText(cursor: SqlCursor, start: number, end: number): string {
  let text = ''
  for (let at = start; at < end; at++) {
    const token = cursor.map.tokens[at]
    if (token === undefined) break
    const isWord = token.kind === 'word' || token.kind === 'quoted'
    const follows = at > start && isWord && /[\w)"]$/.test(text)
    text += `${follows ? ' ' : ''}${token.text}`
  }
  return text.toLowerCase()
}
