import { lowerAscii } from '../characters.ts'
import { words } from '../keywords.ts'
import type { SqlCursor } from './cursor.ts'
import type { Expression } from './expression.ts'
import { type ExpressionSource, OR, readList } from './operators.ts'
import type { ColumnName } from './query-tree.ts'
import { readCall, readMatchAgainst } from './read-call.ts'

/** Words with which no operand begins, unless they are quoted. */
const notOperands = words(`
  SELECT FROM WHERE GROUP HAVING ORDER LIMIT UNION EXCEPT INTERSECT JOIN ON USING AND OR IN IS AS INTO WHEN THEN ELSE END LIKE BETWEEN
  RETURNING WITH`)
const literals = words('NULL TRUE FALSE')
/** Their values are unknown, but they are not columns. */
const constants = words(`
  CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURRENT_ROLE CURRENT_CATALOG CURRENT_SCHEMA SESSION_USER LOCALTIME
  LOCALTIMESTAMP UTC_DATE UTC_TIME UTC_TIMESTAMP DEFAULT`)
/** Every word that an operand does not read as a name in all dialects. */
const special: ReadonlySet<string> = new Set([
  ...notOperands,
  ...literals,
  ...constants,
  ...words('FOR CASE EXISTS CAST TRY_CAST ROW ARRAY INTERVAL MATCH BINARY'),
])
const units = words('YEAR MONTH DAY HOUR MINUTE SECOND')

/** Reads an operand. */
export function readOperand(source: ExpressionSource): Expression {
  const { cursor } = source
  const token = cursor.token()
  const start = cursor.position
  switch (token?.kind) {
    case 'parameter': {
      const place = cursor.parameter()
      if (place === undefined) return { kind: 'other', parts: [], start, end: cursor.position }
      return { kind: 'value', term: { kind: 'parameter', place }, start, end: cursor.position }
    }
    case 'string':
      return readString(source)
    case 'number':
      cursor.position++
      return literal(source, start)
    case 'symbol':
      return readParentheses(source, false)
    case 'word':
      return readWord(source)
    case 'quoted':
      return readName(source)
    case undefined:
      return cursor.fail('expression expected')
  }
}

/** Reads a parenthesized list, or a query; a list of one element is also a list. */
export function readInList(source: ExpressionSource): readonly Expression[] {
  const found = readParentheses(source, true)
  return found.kind === 'row' ? found.parts : [found]
}

function literal({ cursor }: ExpressionSource, start: number): Expression {
  let text = cursor.map.tokens[start]?.text ?? cursor.fail('expression expected')
  for (let at = start + 1; at < cursor.position; at++) text += ` ${cursor.map.tokens[at]?.text ?? ''}`
  return { kind: 'value', term: { kind: 'literal', text }, start, end: cursor.position }
}

/** Adjacent strings are one string, except in SQLite. */
function readString(source: ExpressionSource): Expression {
  const { cursor } = source
  const start = cursor.position
  cursor.position++
  if (cursor.dialect !== 'sqlite') while (cursor.token()?.kind === 'string') cursor.position++
  return literal(source, start)
}

function readParentheses(source: ExpressionSource, isList: boolean): Expression {
  const { cursor } = source
  const start = cursor.position
  if (!cursor.isSymbol('(')) cursor.fail('expression expected')
  if (cursor.map.startsQuery(start)) return readSubquery(source)
  if (isList && cursor.isSymbol(')', 1) && cursor.dialect === 'sqlite') {
    cursor.position += 2
    return { kind: 'row', parts: [], start, end: cursor.position }
  }
  const parts = cursor.parenthesised(() => readList(source))
  const [first] = parts
  if (parts.length === 1 && !isList && first !== undefined) return { ...first, start, end: cursor.position }
  return { kind: 'row', parts, start, end: cursor.position }
}

function readSubquery({ cursor, scope }: ExpressionSource): Expression & { readonly kind: 'query' } {
  const start = cursor.position
  const block = cursor.parenthesised(() => cursor.read.query(cursor, scope.block, scope.ctes))
  scope.subqueries.push(block)
  return { kind: 'query', block, start, end: cursor.position }
}

function readWord(source: ExpressionSource): Expression {
  const { cursor } = source
  const start = cursor.position
  const word = cursor.word()
  // Most words are columns and functions.
  if (cursor.isSymbol('.', 1) || !(special.has(word) || cursor.token(1)?.kind === 'string'))
    return readName(source)
  if ((notOperands.has(word) && !isColumnOrCall(cursor)) || isReserved(cursor))
    cursor.fail('expression expected')
  if (literals.has(word)) {
    cursor.position++
    return literal(source, start)
  }
  if (word === 'CASE') return readCase(source)
  if (constants.has(word) && !(cursor.isSymbol('(', 1) && word === 'DEFAULT')) {
    cursor.position++
    if (cursor.isSymbol('(')) cursor.skipParentheses()
    return { kind: 'other', parts: [], start, end: cursor.position }
  }
  if (word === 'EXISTS' && cursor.isSymbol('(', 1)) {
    cursor.position++
    const { block } = readSubquery(source)
    return { kind: 'exists', block, start, end: cursor.position }
  }
  if ((word === 'CAST' || word === 'TRY_CAST') && cursor.isSymbol('(', 1)) return readCast(source)
  if (word === 'ROW' && cursor.isSymbol('(', 1)) return readRow(source)
  if (word === 'ARRAY' && (cursor.isSymbol('[', 1) || cursor.isSymbol('(', 1))) return readArray(source)
  if (word === 'INTERVAL' && !cursor.isSymbol('(', 1)) return readInterval(source)
  if (word === 'MATCH' && cursor.dialect === 'mysql') return readMatchAgainst(source)
  if (word === 'BINARY' && cursor.dialect === 'mysql') {
    cursor.position++
    cursor.enter()
    const of = readOperand(source)
    cursor.leave()
    return { kind: 'other', parts: [of], start, end: cursor.position }
  }
  if (cursor.token(1)?.kind === 'string' && isTypedLiteral(source, word)) {
    cursor.position += 2
    return literal(source, start)
  }
  return readName(source)
}

/** SQLite reads words that are reserved in other dialects as columns. */
function isReserved(cursor: SqlCursor): boolean {
  return cursor.isWord('FOR') && cursor.dialect !== 'sqlite'
}

/** SQLite has calls of `like()`, and columns named like the clause of a write. */
function isColumnOrCall(cursor: SqlCursor): boolean {
  if (cursor.dialect !== 'sqlite') return false
  return cursor.isWord('LIKE') ? cursor.isSymbol('(', 1) : cursor.isWord('RETURNING')
}

/** `DATE '2020-01-01'`. In other dialects the string is an alias. */
function isTypedLiteral({ cursor }: ExpressionSource, word: string): boolean {
  if (cursor.dialect === 'sqlite') return false
  return (
    cursor.dialect === 'postgresql' ||
    word === 'DATE' ||
    word === 'TIME' ||
    word === 'TIMESTAMP' ||
    word.startsWith('_')
  )
}

function readCase(source: ExpressionSource): Expression {
  const { cursor } = source
  const start = cursor.position
  const parts: Expression[] = []
  cursor.position++
  if (!cursor.isWord('WHEN')) parts.push(source.read(OR))
  do {
    cursor.expectWord('WHEN')
    parts.push(source.read(OR))
    cursor.expectWord('THEN')
    parts.push(source.read(OR))
  } while (cursor.isWord('WHEN'))
  if (cursor.takeWord('ELSE')) parts.push(source.read(OR))
  cursor.expectWord('END')
  return { kind: 'other', parts, start, end: cursor.position }
}

function readCast(source: ExpressionSource): Expression {
  const { cursor } = source
  const start = cursor.position
  cursor.position++
  const end = cursor.map.closing(cursor.position)
  return cursor.parenthesised(() => {
    const of = source.read(OR)
    cursor.expectWord('AS')
    if (cursor.position === end) cursor.fail('type expected')
    const type = typeText(cursor, cursor.position, end)
    cursor.skipNames(end)
    const range = { start, end: end + 1 }
    return of.kind === 'cast'
      ? { kind: 'other', parts: [of], ...range }
      : { kind: 'cast', of, type, ...range }
  })
}

function readRow(source: ExpressionSource): Expression {
  const { cursor } = source
  const start = cursor.position
  cursor.position++
  const parts = cursor.parenthesised(() => (cursor.isSymbol(')') ? [] : readList(source)))
  return { kind: 'row', parts, start, end: cursor.position }
}

function readArray(source: ExpressionSource): Expression {
  const { cursor } = source
  const start = cursor.position
  cursor.position++
  if (cursor.isSymbol('(')) {
    const part = readSubquery(source)
    return { kind: 'other', parts: [part], start, end: cursor.position }
  }
  return readBrackets(source, start)
}

function readBrackets(source: ExpressionSource, start: number): Expression {
  const { cursor } = source
  cursor.expectSymbol('[')
  const parts: Expression[] = []
  cursor.enter()
  while (!cursor.isSymbol(']')) {
    if (parts.length > 0) cursor.expectSymbol(',')
    parts.push(cursor.isSymbol('[') ? readBrackets(source, cursor.position) : source.read(OR))
  }
  cursor.leave()
  cursor.position++
  return { kind: 'array', parts, start, end: cursor.position }
}

/** PostgreSQL: `INTERVAL '1' DAY TO HOUR`; MySQL: `INTERVAL ? DAY`. */
function readInterval(source: ExpressionSource): Expression {
  const { cursor } = source
  const start = cursor.position
  if (cursor.dialect === 'sqlite' || (cursor.dialect === 'postgresql' && cursor.token(1)?.kind !== 'string'))
    return readName(source)
  cursor.position++
  const amount = source.read(OR)
  if (cursor.dialect === 'mysql') cursor.name()
  else {
    cursor.takeAny(units)
    if (cursor.takeWord('TO') && !cursor.takeAny(units)) cursor.fail('unit expected')
  }
  return amount.kind === 'value' && cursor.dialect === 'postgresql'
    ? literal(source, start)
    : { kind: 'other', parts: [amount], start, end: cursor.position }
}

/** A column, or a call. */
function readName(source: ExpressionSource): Expression {
  const { cursor, scope } = source
  const start = cursor.position
  const parts = [cursor.fold(cursor.namePart())]
  while (cursor.takeSymbol('.')) {
    // `count(t.*)`, `ROW(t.*)`: all columns of a row.
    if (cursor.takeSymbol('*')) {
      scope.block.mentions.push(columnName([...parts, '*']))
      return { kind: 'other', parts: [], start, end: cursor.position }
    }
    parts.push(cursor.fold(cursor.namePart()))
  }
  if (cursor.isSymbol('(')) return readCall(source, start, lowerAscii(parts.at(-1) ?? ''))
  if (parts.length > 4) cursor.leaveOut('name of too many parts')
  const name = columnName(parts)
  scope.block.mentions.push(name)
  return { kind: 'column', name, start, end: cursor.position }
}

function columnName(parts: readonly string[]): ColumnName {
  const [column = '', table, schema] = [parts.at(-1), parts.at(-2), parts.at(-3)]
  if (table === undefined) return { column }
  return schema === undefined ? { table, column } : { schema, table, column }
}

const second: Readonly<Record<string, string>> = {
  DOUBLE: 'PRECISION',
  CHARACTER: 'VARYING',
  BIT: 'VARYING',
  NATIONAL: 'CHARACTER',
}

/** Reads the type after `::`, and returns it as written, in lower case. */
export function readType(cursor: SqlCursor): string {
  const start = cursor.position
  const word = cursor.word()
  cursor.tableName()
  const more = second[word]
  if (more !== undefined && cursor.takeWord(more) && more === 'CHARACTER') cursor.takeWord('VARYING')
  if (cursor.isSymbol('(')) cursor.skipParentheses()
  if (
    (word === 'TIMESTAMP' || word === 'TIME') &&
    (cursor.isWord('WITH') || cursor.isWord('WITHOUT')) &&
    cursor.isWord('TIME', 1)
  ) {
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

/** A type in its usual notation: `character varying(20)`, `int[]`. */
function typeText(cursor: SqlCursor, start: number, end: number): string {
  let text = ''
  let last = ''
  for (let at = start; at < end; at++) {
    const token = cursor.map.tokens[at]
    if (token === undefined) break
    const isWord = token.kind === 'word' || token.kind === 'quoted'
    const follows = isWord && /[\w)"]/.test(last)
    text += `${follows ? ' ' : ''}${token.text}`
    last = token.text.at(-1) ?? last
  }
  return text.toLowerCase()
}
