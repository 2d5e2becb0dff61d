import { conditionsIn, foldedName } from './conditions.ts'
import { Frame, readSetList } from './frame.ts'
import { queryStarts, words } from './keywords.ts'
import { readAlias, readFromList, readParentheses, readTableReference, scan } from './read-query.ts'
import { readWith } from './read-with.ts'
import type { Scope, StatementCursor } from './statement-cursor.ts'
import type { Condition } from './statement-types.ts'
import type { Token } from './tokenize.ts'

const priorities = words('LOW_PRIORITY DELAYED HIGH_PRIORITY QUICK')
const afterDelete = words('WHERE RETURNING ORDER LIMIT')
const afterTruncate = words('RESTART CONTINUE IDENTITY CASCADE RESTRICT')

/** Reads `INSERT …` and `REPLACE …`. */
export function readInsert(cursor: StatementCursor, scope: Scope): void {
  const { dialect } = cursor
  let replaces = cursor.isWord('REPLACE')
  if (replaces && dialect === 'postgresql') cursor.fail('REPLACE statement')
  cursor.position++
  if (dialect === 'sqlite' && cursor.takeWord('OR')) {
    replaces ||= cursor.isWord('REPLACE')
    cursor.namePart()
  }
  if (dialect === 'mysql') {
    while (cursor.takeAnyWord(priorities));
    cursor.takeWord('IGNORE')
    cursor.takeWord('INTO')
  } else cursor.expectWord('INTO')
  const target = cursor.tableName()
  if (dialect === 'mysql' && cursor.takeWord('PARTITION')) cursor.skipParentheses()
  let called = cursor.tokens[cursor.position - 1]
  if (cursor.takeWord('AS')) called = cursor.namePart()
  if (cursor.isSymbol('(') && !cursor.isSymbol('(', 1) && !cursor.isAnyWord(queryStarts, 1)) cursor.skipParentheses()
  const frame = new Frame(cursor.position)
  readRows(cursor, scope, frame)
  const how = replaces ? 'replace' : frame.upserts ? 'upsert' : 'insert'
  if (how !== 'upsert') cursor.write(target, how)
  else cursor.write(target, how, frame.columns, called === undefined ? undefined : upsertConditions(cursor, frame.start, called))
}

/** What the WHERE of the one `DO UPDATE` says of the table's row; there is the new row besides. */
function upsertConditions(cursor: StatementCursor, start: number, called: Token): readonly Condition[] | undefined {
  const { tokens, dialect, position } = cursor
  const updates: number[] = []
  for (let at = start; at < position; at++) if (tokens[at]?.upper === 'UPDATE' && tokens[at - 1]?.upper === 'DO') updates.push(at)
  const [only] = updates
  if (only === undefined || updates.length > 1) return undefined
  return conditionsIn(tokens, dialect, { start: only, end: position, calledAs: foldedName(called, dialect) })
}

function readRows(cursor: StatementCursor, scope: Scope, frame: Frame): void {
  if (cursor.takeWord('OVERRIDING')) {
    cursor.namePart()
    cursor.expectWord('VALUE')
  }
  let inner = scope
  if (cursor.isWord('WITH')) inner = readWith(cursor, scope)
  else if (cursor.isWord('SET') && cursor.dialect === 'mysql') {
    readSetList(cursor, frame)
    // The columns of the row itself are no columns of an update.
    frame.columns = []
    frame.clause = 'other'
  } else if (cursor.isWord('VALUE') || cursor.isWord('VALUES')) cursor.position++
  else if (!cursor.takeWords('DEFAULT', 'VALUES') && !cursor.isAnyWord(queryStarts) && !cursor.isSymbol('(')) cursor.fail('rows expected')
  frame.start = cursor.position
  scan(cursor, inner, frame)
}

/** Reads `UPDATE …`. A raw update reads its table too. */
export function readUpdate(cursor: StatementCursor, scope: Scope): void {
  cursor.expectWord('UPDATE')
  if (cursor.dialect === 'mysql') {
    readMysqlUpdate(cursor, scope)
    return
  }
  let replaces = false
  if (cursor.dialect === 'sqlite' && cursor.takeWord('OR')) {
    replaces = cursor.isWord('REPLACE')
    cursor.namePart()
  }
  const target = readTarget(cursor)
  const frame = new Frame(cursor.position)
  frame.selects = true
  readSetList(cursor, frame)
  scan(cursor, scope, frame)
  cursor.write(target, 'update', frame.columns, conditionsSince(cursor, frame.start))
  if (replaces) cursor.write(target, 'replace')
}

function readMysqlUpdate(cursor: StatementCursor, scope: Scope): void {
  cursor.takeWord('LOW_PRIORITY')
  cursor.takeWord('IGNORE')
  const frame = new Frame(cursor.position)
  frame.selects = true
  const targets: (readonly string[])[] = []
  frame.targets = targets
  frame.clause = 'from'
  const isNamed = cursor.isName()
  readTableReference(cursor, scope, frame)
  const isAlone = isNamed && cursor.isWord('SET')
  scanTo(cursor, scope, frame, 'SET')
  frame.targets = undefined
  const start = cursor.position
  readSetList(cursor, frame)
  scan(cursor, scope, frame)
  if (targets.length === 0) cursor.fail('table expected')
  const conditions = isAlone ? conditionsSince(cursor, start) : undefined
  // In a join, a column without its table may belong to any of them.
  for (const target of targets) cursor.write(target, 'update', targets.length === 1 ? frame.columns : undefined, conditions)
}

/** What WHERE says of the rows of the one table that is named. */
function conditionsSince({ tokens, dialect, position }: StatementCursor, start: number): readonly Condition[] | undefined {
  return conditionsIn(tokens, dialect, { start, end: position })
}

/** Scans up to the word, which must come. */
function scanTo(cursor: StatementCursor, scope: Scope, frame: Frame, upper: string): void {
  scan(cursor, scope, frame, upper)
  if (!cursor.isWord(upper)) cursor.fail(`${upper} expected`)
}

/** Takes `[ONLY] name [*] [[AS] alias]`, the target of a statement that changes rows. */
function readTarget(cursor: StatementCursor): readonly string[] {
  const only = cursor.dialect === 'postgresql' && cursor.takeWord('ONLY')
  const parenthesised = only && cursor.takeSymbol('(')
  const target = cursor.tableName()
  if (parenthesised) cursor.expectSymbol(')')
  cursor.read(target)
  if (cursor.dialect === 'postgresql') cursor.takeSymbol('*')
  readAlias(cursor)
  if (cursor.dialect === 'sqlite') {
    if (cursor.takeWords('INDEXED', 'BY')) cursor.namePart()
    else cursor.takeWords('NOT', 'INDEXED')
  }
  return target
}

/** Reads `DELETE …`. */
export function readDelete(cursor: StatementCursor, scope: Scope): void {
  const mysql = cursor.dialect === 'mysql'
  cursor.expectWord('DELETE')
  if (mysql) {
    while (cursor.takeAnyWord(priorities));
    cursor.takeWord('IGNORE')
    if (!cursor.isWord('FROM')) {
      giveUpMultiTableDelete(cursor)
      return
    }
  }
  cursor.expectWord('FROM')
  const target = readTarget(cursor)
  if (mysql) {
    if (cursor.takeWord('PARTITION')) cursor.skipParentheses()
    if (cursor.isSymbol(',') || cursor.isSymbol('.') || cursor.isWord('USING')) {
      giveUpMultiTableDelete(cursor)
      return
    }
  }
  const frame = new Frame(cursor.position)
  frame.selects = true
  if (cursor.isWord('USING') && cursor.dialect === 'postgresql') readFromList(cursor, scope, frame)
  else if (!cursor.atEnd() && !cursor.isSymbol(')') && !cursor.isAnyWord(afterDelete)) cursor.fail('WHERE expected')
  scan(cursor, scope, frame)
  cursor.write(target, 'delete', undefined, conditionsSince(cursor, frame.start))
}

function giveUpMultiTableDelete(cursor: StatementCursor): void {
  cursor.giveUp('multi-table DELETE: its targets may be aliases')
  cursor.skipStatement()
}

/** Reads PostgreSQL's `MERGE …`. */
export function readMerge(cursor: StatementCursor, scope: Scope): void {
  if (cursor.dialect !== 'postgresql') cursor.fail('MERGE statement')
  cursor.expectWord('MERGE')
  cursor.expectWord('INTO')
  const target = readTarget(cursor)
  if (!cursor.isWord('USING')) cursor.fail('USING expected')
  const frame = new Frame(cursor.position)
  frame.openCases = 0
  readFromList(cursor, scope, frame)
  scan(cursor, scope, frame)
  cursor.write(target, 'merge')
}

/** Reads `TRUNCATE …`. */
export function readTruncate(cursor: StatementCursor): void {
  if (cursor.dialect === 'sqlite') cursor.fail('TRUNCATE statement')
  cursor.expectWord('TRUNCATE')
  cursor.takeWord('TABLE')
  const targets: (readonly string[])[] = []
  do {
    if (cursor.dialect === 'postgresql') cursor.takeWord('ONLY')
    targets.push(cursor.tableName())
    if (cursor.dialect === 'postgresql') cursor.takeSymbol('*')
  } while (cursor.takeSymbol(','))
  let cascades = false
  while (cursor.isAnyWord(afterTruncate)) {
    cascades ||= cursor.isWord('CASCADE')
    cursor.position++
  }
  for (const target of targets) cursor.write(target, cascades ? 'truncate-cascade' : 'truncate')
}

/** Reads PostgreSQL's `REFRESH MATERIALIZED VIEW …`. */
export function readRefresh(cursor: StatementCursor): void {
  if (!cursor.takeWords('REFRESH', 'MATERIALIZED', 'VIEW')) cursor.fail('REFRESH statement')
  cursor.takeWord('CONCURRENTLY')
  cursor.write(cursor.tableName(), 'refresh')
  cursor.skipStatement()
}

/** Reads a query in parentheses at the start of a statement, and what is combined with it. */
export function readParenthesisedQuery(cursor: StatementCursor, scope: Scope): void {
  const frame = new Frame(cursor.position)
  frame.selects = true
  readParentheses(cursor, scope)
  scan(cursor, scope, frame)
}
