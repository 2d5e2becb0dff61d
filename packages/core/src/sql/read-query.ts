import { isKeywordBeforeParenthesis, noteCall } from './calls.ts'
import { upperAscii } from './characters.ts'
import { endsClause, endsDistinctFrom, Frame, readAssignmentTarget, readSetList, startsQuery } from './frame.ts'
import { isRelativeDate, isVolatileWord } from './functions.ts'
import { notAliases, queryStarts, words } from './keywords.ts'
import { readWith } from './read-with.ts'
import type { Scope, StatementCursor } from './statement-cursor.ts'
import type { Token } from './tokenize.ts'

const hintWords = words('USE FORCE IGNORE')
const indexWords = words('INDEX KEY')
const rowLocks = words('UPDATE SHARE NO KEY')
const sequenceParts = words('NEXTVAL CURRVAL')
const sequenceValues = words('NEXT PREVIOUS')

/**
 * Reads expressions and clauses up to the parenthesis, bracket or semicolon that ends the frame.
 *
 * @param until - A word, upper case, to stop before.
 */
export function scan(cursor: StatementCursor, scope: Scope, frame: Frame, until?: string): void {
  for (let token = cursor.token(); token !== undefined; token = cursor.token()) {
    if (token.kind === 'symbol') {
      if (token.text === ')' || token.text === ']' || token.text === ';') return
      scanSymbol(cursor, scope, frame, token)
    } else if (token.kind === 'word') {
      if (token.upper === until) return
      scanWord(cursor, scope, frame, token)
    } else if (token.kind === 'quoted') scanName(cursor)
    else {
      if (token.kind === 'string' && cursor.dialect === 'postgresql' && isRelativeDate(token.text)) cursor.volatile = true
      if (token.kind === 'parameter' && cursor.dialect === 'mysql' && token.text.startsWith('@')) cursor.volatile = true
      cursor.position++
    }
  }
}

/** Reads what an opening parenthesis holds, and its end. */
export function readParentheses(cursor: StatementCursor, scope: Scope): void {
  cursor.expectSymbol('(')
  cursor.nested(() => {
    const inner = cursor.isWord('WITH') ? readWith(cursor, scope) : scope
    scan(cursor, inner, new Frame(cursor.position))
  })
  cursor.expectSymbol(')')
}

/** Reads one entry of a FROM list, or what follows JOIN: a table, a subquery, a function, or a join in parentheses; and its alias. */
export function readTableReference(cursor: StatementCursor, scope: Scope, frame: Frame): void {
  readSource(cursor, scope, frame)
  if (cursor.dialect === 'mysql' && cursor.isWord('PARTITION') && cursor.isSymbol('(', 1)) {
    cursor.position++
    cursor.skipParentheses()
  }
  if (cursor.dialect === 'postgresql') {
    cursor.takeSymbol('*')
    cursor.takeWords('WITH', 'ORDINALITY')
  }
  readAlias(cursor)
  if (cursor.dialect === 'mysql') skipIndexHints(cursor)
}

/** Takes `[AS] alias [(columns)]`, or nothing. */
export function readAlias(cursor: StatementCursor): void {
  const named = cursor.takeWord('AS')
  const kind = cursor.token()?.kind
  const taken = kind === 'quoted' || (named && kind === 'string') || (kind === 'word' && (named || !cursor.isAnyWord(notAliases)))
  if (taken) cursor.position++
  if ((taken || named) && cursor.isSymbol('(')) cursor.skipParentheses()
}

function readSource(cursor: StatementCursor, scope: Scope, frame: Frame): void {
  const { dialect } = cursor
  if (dialect === 'mysql' && cursor.isSymbol('(', 1)) cursor.takeWord('LATERAL')
  if (dialect === 'postgresql') {
    cursor.takeWord('LATERAL')
    if (cursor.takeWords('ROWS', 'FROM')) {
      readParentheses(cursor, scope)
      return
    }
    if (cursor.takeWord('ONLY') && cursor.takeSymbol('(')) {
      readTable(cursor, cursor.tableName(), scope, frame)
      cursor.expectSymbol(')')
      return
    }
  }
  if (cursor.isSymbol('(')) {
    readSourceInParentheses(cursor, scope, frame)
    return
  }
  const first = cursor.token()
  const name = cursor.tableName()
  if (cursor.isSymbol('(')) {
    noteCall(cursor, name, name.length === 1 && first?.kind === 'word')
    readParentheses(cursor, scope)
  } else readTable(cursor, name, scope, frame)
}

function readSourceInParentheses(cursor: StatementCursor, scope: Scope, frame: Frame): void {
  if (cursor.isAnyWord(queryStarts, 1)) {
    readParentheses(cursor, scope)
    return
  }
  cursor.expectSymbol('(')
  cursor.nested(() => {
    const inner = new Frame(cursor.position)
    inner.selects = true
    inner.clause = 'from'
    inner.targets = frame.targets
    readTableReference(cursor, scope, inner)
    scan(cursor, scope, inner)
  })
  cursor.expectSymbol(')')
}

function readTable(cursor: StatementCursor, name: readonly string[], scope: Scope, frame: Frame): void {
  if (cursor.dialect === 'mysql' && name.length === 1 && name[0]?.toUpperCase() === 'DUAL') return
  if (cursor.read(name, scope)) frame.targets?.push(name)
}

function skipIndexHints(cursor: StatementCursor): void {
  while (cursor.isAnyWord(hintWords) && cursor.isAnyWord(indexWords, 1)) {
    cursor.position += 2
    if (cursor.takeWord('FOR') && !cursor.takeWord('JOIN') && !cursor.takeWords('ORDER', 'BY') && !cursor.takeWords('GROUP', 'BY')) {
      cursor.fail('index hint')
    }
    if (!cursor.isSymbol('(')) cursor.fail('index hint')
    cursor.skipParentheses()
  }
}

function scanSymbol(cursor: StatementCursor, scope: Scope, frame: Frame, token: Token): void {
  switch (token.text) {
    case '(':
      readParentheses(cursor, scope)
      return
    case '[':
      cursor.position++
      cursor.nested(() => scan(cursor, scope, new Frame(cursor.position)))
      cursor.expectSymbol(']')
      return
    case ',':
      cursor.position++
      if (frame.clause === 'from') readTableReference(cursor, scope, frame)
      else if (frame.clause === 'set') readAssignmentTarget(cursor, frame)
      return
    case '.':
      // The name after it is a part of something read before: `(row).field`.
      cursor.position += cursor.isName(1) ? 2 : 1
      return
    case '::':
      cursor.position++
      skipType(cursor)
      return
    case '{':
    case '}':
      cursor.fail('escape in braces')
      return
    default:
      cursor.position++
  }
}

function skipType(cursor: StatementCursor): void {
  if (!cursor.isName()) return
  cursor.tableName()
  if (cursor.isSymbol('(')) cursor.skipParentheses()
}

function scanWord(cursor: StatementCursor, scope: Scope, frame: Frame, token: Token): void {
  if (cursor.isSymbol('.', 1)) {
    scanName(cursor)
    return
  }
  const { upper } = token
  switch (upper) {
    case 'AS':
      // What follows is a label or a type, and PostgreSQL takes any word for a label.
      cursor.position += cursor.isName(1) || cursor.token(1)?.kind === 'string' ? 2 : 1
      return
    case 'SELECT':
      cursor.position++
      frame.selects = true
      frame.clause = 'other'
      return
    case 'FROM':
      if (!frame.selects || endsDistinctFrom(cursor)) break
      readFromList(cursor, scope, frame)
      return
    case 'JOIN':
    case 'STRAIGHT_JOIN':
      if (frame.clause !== 'from' || (upper !== 'JOIN' && cursor.dialect !== 'mysql')) break
      cursor.position++
      readTableReference(cursor, scope, frame)
      return
    case 'INTO':
      readInto(cursor, frame)
      return
    case 'TABLE':
      if (!startsQuery(cursor, frame)) break
      cursor.position++
      readSource(cursor, scope, frame)
      return
    case 'IN':
      if (cursor.dialect !== 'sqlite' || cursor.isSymbol('(', 1) || cursor.token(1)?.kind === 'parameter') break
      readTableAfterIn(cursor, scope)
      return
    case 'ON':
      readOn(cursor, frame)
      return
    case 'DO':
      cursor.position++
      if (cursor.takeWord('UPDATE')) frame.upserts = true
      return
    case 'SET':
      // Elsewhere it is a column's name.
      if (!cursor.isWord('UPDATE', -1)) break
      readSetList(cursor, frame)
      return
    case 'FOR':
    case 'LOCK':
      readLock(cursor, frame)
      return
    case 'TABLESAMPLE':
      if (cursor.dialect !== 'postgresql') break
      cursor.volatile = true
      cursor.position++
      cursor.tableName()
      return
    case 'WHEN':
      if (frame.openCases === 0) frame.clause = 'other'
      break
    case 'CASE':
    case 'END':
      if (frame.openCases >= 0) frame.openCases += upper === 'CASE' ? 1 : -1
      break
  }
  if (frame.clause !== 'other' && endsClause(cursor)) frame.clause = 'other'
  if (cursor.isSymbol('(', 1) && !isKeywordBeforeParenthesis(cursor, token)) noteCall(cursor, [cursor.fold(token)], true)
  else if (isVolatileWord(upper, cursor.dialect)) cursor.volatile = true
  else if (upper === 'REGEXP' && cursor.dialect === 'sqlite') cursor.functions.add('regexp')
  cursor.position++
}

/** Takes FROM and the first entry of its list. */
export function readFromList(cursor: StatementCursor, scope: Scope, frame: Frame): void {
  cursor.position++
  frame.clause = 'from'
  readTableReference(cursor, scope, frame)
}

/** A column, or `schema.function(…)`; keywords after a dot are names. */
function scanName(cursor: StatementCursor): void {
  const first = cursor.namePart()
  const parts = [first]
  while (cursor.isSymbol('.') && cursor.isName(1)) {
    cursor.position++
    parts.push(cursor.namePart())
  }
  // Of a sequence, in `sql_mode = ORACLE`; elsewhere a column.
  if (parts.length > 1 && cursor.dialect === 'mysql' && sequenceParts.has(upperAscii(parts.at(-1)?.text ?? ''))) cursor.volatile = true
  if (!cursor.isSymbol('(')) return
  const name = parts.map((part) => cursor.fold(part))
  noteCall(cursor, name, name.length === 1 && first.kind === 'word')
}

function readInto(cursor: StatementCursor, frame: Frame): void {
  cursor.position++
  if (!frame.selects) return
  cursor.giveUp('SELECT INTO')
  const temporary = cursor.takeWord('TEMPORARY') || cursor.takeWord('TEMP')
  cursor.takeWord('UNLOGGED')
  cursor.takeWord('TABLE')
  const token = cursor.token()
  if (temporary && token !== undefined) cursor.temporary.push(cursor.fold(token))
}

/** SQLite: `x IN name` reads the table, `x IN name(…)` calls a function. */
function readTableAfterIn(cursor: StatementCursor, scope: Scope): void {
  cursor.position++
  const first = cursor.token()
  const name = cursor.tableName()
  if (cursor.isSymbol('(')) noteCall(cursor, name, name.length === 1 && first?.kind === 'word')
  else cursor.read(name, scope)
}

function readOn(cursor: StatementCursor, frame: Frame): void {
  cursor.position++
  if (cursor.isWord('CONFLICT') && (cursor.isSymbol('(', 1) || cursor.isWord('DO', 1) || cursor.isWord('ON', 1))) {
    cursor.position++
    frame.clause = 'other'
    cursor.takeWords('ON', 'CONSTRAINT')
  } else if (cursor.dialect === 'mysql' && cursor.takeWords('DUPLICATE', 'KEY', 'UPDATE')) {
    frame.upserts = true
    frame.clause = 'set'
    readAssignmentTarget(cursor, frame)
  }
}

function readLock(cursor: StatementCursor, frame: Frame): void {
  if (cursor.takeWords('LOCK', 'IN', 'SHARE', 'MODE')) cursor.locks = true
  else if (cursor.isWord('FOR') && cursor.isAnyWord(rowLocks, 1)) {
    cursor.locks = true
    cursor.position += 2
  } else {
    if (cursor.isWord('FOR') && cursor.isWord('VALUE', -1) && cursor.isAnyWord(sequenceValues, -2)) cursor.fail('value of a sequence')
    if (cursor.isWord('FOR') && frame.selects && cursor.dialect !== 'sqlite') cursor.fail('unknown FOR clause')
    cursor.position++
    return
  }
  frame.clause = 'other'
}
