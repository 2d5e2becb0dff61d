import { words } from '../keywords.ts'
import type { BlockDraft, BlockScope } from './block-scope.ts'
import { conditionsOf } from './conditions-of.ts'
import type { SqlCursor } from './cursor.ts'
import { type Expression, valueTerm } from './expression.ts'
import type { TableChange } from './parsed-sql.ts'
import type { FromItem, WriteTarget } from './query-tree.ts'
import { readExpression, readExpressions, readSubscript } from './read-expression.ts'
import { readFrom, readMergeSource, readTarget } from './read-from.ts'
import { readOutputs, readWhere } from './read-select.ts'
import { readTail } from './read-tail.ts'

const modifiers = words('LOW_PRIORITY HIGH_PRIORITY DELAYED QUICK IGNORE')
const resolutions = words('ROLLBACK ABORT REPLACE FAIL IGNORE')
/** MySQL's maximum number of joined tables in one statement. */
const MAX_TARGETS = 61

/** Reads an INSERT, REPLACE, UPDATE, DELETE or MERGE. */
export function readWrite(cursor: SqlCursor, scope: BlockScope): void {
  const start = cursor.position
  const word = cursor.word()
  cursor.position++
  if (word === 'MERGE') {
    readMerge(cursor, scope)
    return
  }
  let replaces = word === 'REPLACE'
  if (replaces && cursor.dialect === 'postgresql') cursor.fail('REPLACE statement')
  if (cursor.dialect === 'sqlite' && cursor.takeWord('OR')) {
    replaces ||= cursor.isWord('REPLACE')
    if (!cursor.takeAny(resolutions)) cursor.fail('resolution expected')
  }
  if (cursor.dialect === 'mysql') while (cursor.takeAny(modifiers));
  // `UPDATE (a JOIN b …)` is not a call.
  cursor.names.fill(1, start, cursor.position)
  if (word === 'UPDATE') readUpdate(cursor, scope, replaces)
  else if (word === 'DELETE') readDelete(cursor, scope)
  else readInsert(cursor, scope, replaces)
}

type WrittenValues = WriteTarget['values']

function readInsert(cursor: SqlCursor, scope: BlockScope, replaces: boolean): void {
  const { block } = scope
  block.kind = 'insert'
  if (!cursor.takeWord('INTO') && cursor.dialect !== 'mysql') cursor.fail('INTO expected')
  const table = cursor.tableName()
  if (cursor.takeWord('PARTITION')) cursor.parenthesised(() => cursor.nameList())
  let called = cursor.position - 1
  if (cursor.takeWord('AS')) {
    called = cursor.position
    cursor.name()
  }
  const isList = cursor.isSymbol('(') && !cursor.map.startsQuery(cursor.position)
  const columns = isList
    ? cursor.parenthesised(() =>
        cursor.isSymbol(')') ? [] : cursor.list(() => cursor.dottedName().at(-1) ?? ''),
      )
    : []
  readOverriding(cursor)
  const values: { readonly place: number; readonly column: number }[] = []
  // The SET of an insert lists its columns.
  const set =
    cursor.dialect === 'mysql' && cursor.takeWord('SET') ? readAssignments(cursor, scope) : undefined
  if (set === undefined) readRows(cursor, scope, values)
  cursor.writes.push({
    kind: 'insert',
    table,
    columns: set?.columns ?? columns,
    values: set?.values ?? values,
  })
  const upsert = readConflicts(cursor, scope, table, called)
  if (cursor.takeWord('RETURNING')) block.outputs = readOutputs(cursor, scope)
  if (replaces || upsert === undefined) cursor.changes.push({ how: replaces ? 'replace' : 'insert', table })
  else cursor.changes.push({ how: 'upsert', table, ...upsert })
}

function readRows(
  cursor: SqlCursor,
  scope: BlockScope,
  values: { readonly place: number; readonly column: number }[],
): void {
  if (cursor.takeWords('DEFAULT', 'VALUES')) return
  const isValue = cursor.dialect === 'mysql' && cursor.isWord('VALUE')
  if (!isValue && !(cursor.isWord('VALUES') && (cursor.isSymbol('(', 1) || cursor.isWord('ROW', 1)))) {
    const query = cursor.read.query(cursor, scope.block.parent, scope.ctes)
    scope.subqueries.push(query)
    return
  }
  cursor.position++
  cursor.list(() => {
    cursor.takeWord('ROW')
    const row = cursor.parenthesised(() => (cursor.isSymbol(')') ? [] : readExpressions(cursor, scope)))
    for (const [column, value] of row.entries()) values.push(...written(value, column))
  })
  // MySQL: `VALUES (…) AS new (a, b)`.
  if (cursor.dialect === 'mysql' && cursor.takeWord('AS')) {
    cursor.name()
    if (cursor.isSymbol('(')) cursor.parenthesised(() => cursor.nameList())
  }
}

function written(value: Expression, column: number): WrittenValues {
  const term = valueTerm(value)
  return term.kind === 'parameter' ? [{ place: term.place, column }] : []
}

type Upsert = Pick<TableChange, 'columns' | 'where'>

/** Reads how an insert changes existing rows; `undefined` if it changes none. */
function readConflicts(
  cursor: SqlCursor,
  scope: BlockScope,
  table: readonly string[],
  called: number,
): Upsert | undefined {
  const updates: Upsert[] = []
  while (cursor.takeWords('ON', 'CONFLICT')) {
    if (cursor.takeWords('ON', 'CONSTRAINT')) cursor.name()
    else if (cursor.isSymbol('(')) {
      cursor.parenthesised(() => readExpressions(cursor, scope))
      if (cursor.takeWord('WHERE')) readExpression(cursor, scope)
    }
    cursor.expectWord('DO')
    if (cursor.takeWord('NOTHING')) continue
    cursor.expectWord('UPDATE')
    cursor.expectWord('SET')
    const columns = readUpsert(cursor, scope, table)
    const start = cursor.position + 1
    if (cursor.takeWord('WHERE')) {
      const conditions = conditionsOf(readExpression(cursor, scope))
      const range = { start, end: cursor.position }
      // The new row is also visible here, so a column must certainly belong to the table.
      updates.push({ columns, where: { range, conditions, calledAs: cursor.map.foldedName(called) } })
    } else updates.push({ columns })
  }
  if (cursor.takeWords('ON', 'DUPLICATE', 'KEY', 'UPDATE'))
    updates.push({ columns: readUpsert(cursor, scope, table) })
  return updates.length > 1 ? { columns: updates.flatMap(({ columns = [] }) => columns) } : updates[0]
}

function readUpsert(cursor: SqlCursor, scope: BlockScope, table: readonly string[]): readonly string[] {
  const { columns, values } = readAssignments(cursor, scope)
  cursor.writes.push({ kind: 'update', table, columns, values })
  return columns
}

interface Assignments {
  readonly columns: readonly string[]
  readonly values: WrittenValues
  /** The qualifier of each column. */
  readonly of: readonly (string | undefined)[]
}

/** Reads `a = ?, t.b = c + 1, (d, e) = (?, ?)`. */
function readAssignments(cursor: SqlCursor, scope: BlockScope): Assignments {
  const columns: string[] = []
  const of: (string | undefined)[] = []
  const values: { readonly place: number; readonly column: number }[] = []
  const readColumn = () => {
    const name = cursor.dottedName()
    // PostgreSQL does not allow qualified columns here: the name after the dot is a field of the column.
    const isField = cursor.dialect === 'postgresql' && name.length > 1
    if (isField) cursor.leaveOut('field in SET')
    while (cursor.isSymbol('[')) {
      cursor.leaveOut('subscript in SET')
      readSubscript(cursor, scope)
    }
    of.push(isField ? undefined : name.at(-2))
    return columns.push((isField ? name[0] : name.at(-1)) ?? '') - 1
  }
  cursor.list(() => {
    const isRow = cursor.isSymbol('(')
    const places = isRow ? cursor.parenthesised(() => cursor.list(readColumn)) : [readColumn()]
    cursor.expectSymbol('=')
    const value = readExpression(cursor, scope)
    const parts = isRow && value.kind === 'row' ? value.parts : [value]
    if (parts.length !== places.length) return
    for (const [index, part] of parts.entries()) values.push(...written(part, places[index] ?? 0))
  })
  return { columns, values, of }
}

function readUpdate(cursor: SqlCursor, scope: BlockScope, replaces: boolean): void {
  const { block } = scope
  block.kind = 'update'
  const isNamed = cursor.isName()
  if (cursor.dialect === 'mysql') readFrom(cursor, scope)
  else readTarget(cursor, scope)
  const targets = [...block.from]
  if (targets.length > MAX_TARGETS) cursor.fail('too many tables')
  cursor.expectWord('SET')
  const { columns, values, of } = readAssignments(cursor, scope)
  for (const item of targets) pushUpdate(cursor, item, targets.length === 1, { columns, values, of })
  readFromAndWhere(cursor, scope, 'FROM')
  const tables = targets.flatMap(({ table }) => (table === undefined ? [] : [table]))
  if (tables.length === 0) cursor.fail('table expected')
  const where = isNamed ? whereOf(block) : undefined
  // In a join, an unqualified column can belong to any of the tables.
  for (const table of tables)
    cursor.changes.push({ how: 'update', table, ...(tables.length === 1 ? { columns } : {}), ...where })
  if (replaces) for (const table of tables) cursor.changes.push({ how: 'replace', table })
}

/** The WHERE of a block with one table. */
function whereOf({ from, where, clauses }: BlockDraft): Pick<TableChange, 'where'> {
  return from.length === 1 && clauses.where !== undefined
    ? { where: { range: clauses.where, conditions: where } }
    : {}
}

/** An unqualified column can belong to any updated table. */
function pushUpdate(
  cursor: SqlCursor,
  item: FromItem,
  isAlone: boolean,
  { columns, values, of }: Assignments,
): void {
  if (item.table === undefined) return
  const own: string[] = []
  /** The index of each column of the SET within the table's columns. */
  const places = columns.map((column, place) => {
    if (!isAlone && of[place] !== undefined && !isNamed(cursor, item, of[place])) return -1
    return own.push(column) - 1
  })
  if (own.length === 0) return
  const ownValues = values.flatMap(({ place, column }) => {
    const at = places[column] ?? -1
    return at < 0 ? [] : [{ place, column: at }]
  })
  cursor.writes.push({ kind: 'update', table: item.table, columns: own, values: ownValues })
}

function isNamed({ dialect }: SqlCursor, { alias }: FromItem, name: string | undefined): boolean {
  return dialect === 'postgresql' ? alias === name : alias.toLowerCase() === name?.toLowerCase()
}

function readDelete(cursor: SqlCursor, scope: BlockScope): void {
  const { block } = scope
  block.kind = 'delete'
  // MySQL: `DELETE a, b FROM …`, and `DELETE FROM a, b USING …`.
  const before = cursor.dialect === 'mysql' && !cursor.isWord('FROM') ? readTargetNames(cursor) : undefined
  cursor.expectWord('FROM')
  const isUsing = cursor.dialect === 'mysql' && before === undefined && namesThenUsing(cursor)
  const names = isUsing ? readTargetNames(cursor) : before
  if (isUsing) cursor.expectWord('USING')
  if (names === undefined) readTarget(cursor, scope)
  else readFrom(cursor, scope)
  if (names === undefined) readFromAndWhere(cursor, scope, 'USING')
  else readFromAndWhere(cursor, scope, undefined)
  if (names !== undefined) cursor.markOpaque('multi-table DELETE: its targets may be aliases')
  const [first] = block.from
  if ((names?.length ?? 0) > MAX_TARGETS) cursor.fail('too many tables')
  const targets =
    names === undefined
      ? [first]
      : names.map((name) => block.from.find((item) => isNamed(cursor, item, name.at(-1))))
  for (const item of targets) {
    if (item === undefined) cursor.fail('target of DELETE is not in its list')
    if (item.table === undefined) continue
    cursor.writes.push({ kind: 'delete', table: item.table, columns: [], values: [] })
    if (names === undefined) cursor.changes.push({ how: 'delete', table: item.table, ...whereOf(block) })
  }
}

function namesThenUsing(cursor: SqlCursor): boolean {
  let at = cursor.position
  const { map } = cursor
  while (map.isName(at) || map.isSymbol(at, '.') || map.isSymbol(at, ',') || map.isSymbol(at, '*')) {
    if (map.isWord(at, 'USING')) return true
    at++
  }
  return false
}

/** Names that can end in `.*`. */
function readTargetNames(cursor: SqlCursor): readonly (readonly string[])[] {
  return cursor.list(() => {
    const name = [cursor.name()]
    while (cursor.takeSymbol('.')) if (!cursor.takeSymbol('*')) name.push(cursor.name())
    return name
  })
}

function readFromAndWhere(cursor: SqlCursor, scope: BlockScope, word: 'FROM' | 'USING' | undefined): void {
  const { block } = scope
  if (word !== undefined && cursor.dialect !== 'mysql' && cursor.takeWord(word)) {
    readFrom(cursor, scope)
    block.clauses.from = { start: block.from[1]?.start ?? cursor.position, end: cursor.position }
  }
  readWhere(cursor, scope)
  readTail(cursor, scope)
  if (cursor.takeWord('RETURNING')) block.outputs = readOutputs(cursor, scope)
  // MySQL has no RETURNING; in SQLite, LIMIT follows it.
  readTail(cursor, scope)
}

/** Reads the rest of a MERGE, in PostgreSQL's grammar. */
function readMerge(cursor: SqlCursor, scope: BlockScope): void {
  const { block } = scope
  if (cursor.dialect !== 'postgresql') cursor.fail('MERGE statement')
  cursor.leaveOut('MERGE statement')
  block.kind = 'merge'
  cursor.expectWord('INTO')
  const { table = [] } = readTarget(cursor, scope)
  cursor.expectWord('USING')
  readMergeSource(cursor, scope)
  while (cursor.takeWord('WHEN')) {
    const isNot = cursor.takeWord('NOT')
    cursor.expectWord('MATCHED')
    if (isNot && cursor.takeWord('BY') && !cursor.takeWord('SOURCE')) cursor.expectWord('TARGET')
    if (cursor.takeWord('AND')) readExpression(cursor, scope)
    cursor.expectWord('THEN')
    readMergeAction(cursor, scope)
  }
  if (cursor.takeWord('RETURNING')) block.outputs = readOutputs(cursor, scope)
  cursor.changes.push({ how: 'merge', table })
}

function readMergeAction(cursor: SqlCursor, scope: BlockScope): void {
  if (cursor.takeWords('DO', 'NOTHING') || cursor.takeWord('DELETE')) return
  if (cursor.takeWords('UPDATE', 'SET')) {
    readAssignments(cursor, scope)
    return
  }
  cursor.names[cursor.position] = 1
  cursor.expectWord('INSERT')
  if (cursor.isSymbol('(')) cursor.parenthesised(() => cursor.list(() => cursor.dottedName()))
  readOverriding(cursor)
  readRows(cursor, scope, [])
}

function readOverriding(cursor: SqlCursor): void {
  if (!cursor.takeWord('OVERRIDING')) return
  if (!cursor.takeWord('SYSTEM')) cursor.expectWord('USER')
  cursor.expectWord('VALUE')
}
