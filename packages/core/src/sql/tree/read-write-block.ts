import { words } from '../keywords.ts'
import type { BlockScope } from './block-scope.ts'
import { conditionsOf } from './conditions-of.ts'
import type { Expression } from './expression.ts'
import type { FromItem, WriteTarget } from './query-tree.ts'
import { readExpression, readExpressions } from './read-expression.ts'
import { readFrom, readTarget } from './read-from.ts'
import { readOutputs } from './read-outputs.ts'
import { readWhere } from './read-select.ts'
import { readTail } from './read-tail.ts'
import { startsQuery } from './starts-query.ts'
import { valueTerm } from './terms.ts'
import type { TreeCursor } from './tree-cursor.ts'

const modifiers = words('LOW_PRIORITY HIGH_PRIORITY DELAYED QUICK IGNORE')
const resolutions = words('ROLLBACK ABORT REPLACE FAIL IGNORE')

/** Reads an INSERT, REPLACE, UPDATE or DELETE. */
export function readWrite(cursor: TreeCursor, scope: BlockScope): void {
  const word = cursor.word()
  cursor.position++
  if (cursor.dialect === 'sqlite' && cursor.takeWord('OR') && !cursor.takeAny(resolutions)) cursor.fail('resolution expected')
  if (cursor.dialect === 'mysql') while (cursor.takeAny(modifiers));
  if (word === 'UPDATE') readUpdate(cursor, scope)
  else if (word === 'DELETE') readDelete(cursor, scope)
  else readInsert(cursor, scope)
}

type WrittenValues = WriteTarget['values']

function readInsert(cursor: TreeCursor, scope: BlockScope): void {
  const { block } = scope
  block.kind = 'insert'
  if (!cursor.takeWord('INTO') && cursor.dialect !== 'mysql') cursor.fail('INTO expected')
  const table = cursor.dottedName()
  if (cursor.takeWord('PARTITION')) cursor.parenthesised(() => cursor.names())
  if (cursor.takeWord('AS')) cursor.name()
  const isList = cursor.isSymbol('(') && !startsQuery(cursor.map, cursor.position)
  const columns = isList
    ? cursor.parenthesised(() => (cursor.isSymbol(')') ? [] : cursor.list(() => cursor.dottedName().at(-1) ?? '')))
    : []
  if (cursor.takeWord('OVERRIDING')) {
    if (!cursor.takeWord('SYSTEM')) cursor.expectWord('USER')
    cursor.expectWord('VALUE')
  }
  const values: { readonly place: number; readonly column: number }[] = []
  // An insert's own SET gives its columns.
  const set = cursor.dialect === 'mysql' && cursor.takeWord('SET') ? readAssignments(cursor, scope) : undefined
  if (set === undefined) readRows(cursor, scope, values)
  cursor.writes.push({ kind: 'insert', table, columns: set?.columns ?? columns, values: set?.values ?? values })
  readConflicts(cursor, scope, table)
  if (cursor.takeWord('RETURNING')) block.outputs = readOutputs(cursor, scope)
}

function readRows(cursor: TreeCursor, scope: BlockScope, values: { readonly place: number; readonly column: number }[]): void {
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
    if (cursor.isSymbol('(')) cursor.parenthesised(() => cursor.names())
  }
}

function written(value: Expression, column: number): WrittenValues {
  const term = valueTerm(value)
  return term.kind === 'parameter' ? [{ place: term.place, column }] : []
}

function readConflicts(cursor: TreeCursor, scope: BlockScope, table: readonly string[]): void {
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
    pushUpsert(cursor, scope, table)
    if (cursor.takeWord('WHERE')) conditionsOf(readExpression(cursor, scope))
  }
  if (!cursor.takeWords('ON', 'DUPLICATE', 'KEY', 'UPDATE')) return
  pushUpsert(cursor, scope, table)
}

function pushUpsert(cursor: TreeCursor, scope: BlockScope, table: readonly string[]): void {
  const { columns, values } = readAssignments(cursor, scope)
  cursor.writes.push({ kind: 'update', table, columns, values })
}

interface Assignments {
  readonly columns: readonly string[]
  readonly values: WrittenValues
  /** What each column is qualified with. */
  readonly of: readonly (string | undefined)[]
}

/** Reads `a = ?, t.b = c + 1, (d, e) = (?, ?)`. */
function readAssignments(cursor: TreeCursor, scope: BlockScope): Assignments {
  const columns: string[] = []
  const of: (string | undefined)[] = []
  const values: { readonly place: number; readonly column: number }[] = []
  const readColumn = () => {
    const name = cursor.dottedName()
    // `a[1] = …` writes a part of it.
    if (cursor.isSymbol('[')) cursor.fail('subscript in SET')
    of.push(name.at(-2))
    return columns.push(name.at(-1) ?? '') - 1
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

function readUpdate(cursor: TreeCursor, scope: BlockScope): void {
  const { block } = scope
  block.kind = 'update'
  if (cursor.dialect === 'mysql') readFrom(cursor, scope)
  else readTarget(cursor, scope)
  const targets = [...block.from]
  cursor.expectWord('SET')
  const { columns, values, of } = readAssignments(cursor, scope)
  for (const item of targets) pushUpdate(cursor, item, targets.length === 1, { columns, values, of })
  readFromAndWhere(cursor, scope, 'FROM')
}

/** A column without a qualifier may be that of any table that is updated. */
function pushUpdate(cursor: TreeCursor, item: FromItem, isAlone: boolean, { columns, values, of }: Assignments): void {
  if (item.table === undefined) return
  const places = columns.flatMap((_, place) => (isAlone || of[place] === undefined || isNamed(cursor, item, of[place]) ? [place] : []))
  if (places.length === 0) return
  cursor.writes.push({
    kind: 'update',
    table: item.table,
    columns: places.map((place) => columns[place] ?? ''),
    values: values.flatMap(({ place, column }) => (places.includes(column) ? [{ place, column: places.indexOf(column) }] : [])),
  })
}

function isNamed({ dialect }: TreeCursor, { alias }: FromItem, name: string | undefined): boolean {
  return dialect === 'postgresql' ? alias === name : alias.toLowerCase() === name?.toLowerCase()
}

function readDelete(cursor: TreeCursor, scope: BlockScope): void {
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
  const [first] = block.from
  const targets = names === undefined ? [first] : names.map((name) => block.from.find((item) => isNamed(cursor, item, name.at(-1))))
  for (const item of targets) {
    if (item === undefined) cursor.fail('target of DELETE is not in its list')
    if (item.table !== undefined) cursor.writes.push({ kind: 'delete', table: item.table, columns: [], values: [] })
  }
}

function namesThenUsing(cursor: TreeCursor): boolean {
  let at = cursor.position
  const { map } = cursor
  while (map.isName(at) || map.isSymbol(at, '.') || map.isSymbol(at, ',') || map.isSymbol(at, '*')) {
    if (map.isWord(at, 'USING')) return true
    at++
  }
  return false
}

/** Names that may end in `.*`. */
function readTargetNames(cursor: TreeCursor): readonly (readonly string[])[] {
  return cursor.list(() => {
    const name = [cursor.name()]
    while (cursor.takeSymbol('.')) if (!cursor.takeSymbol('*')) name.push(cursor.name())
    return name
  })
}

function readFromAndWhere(cursor: TreeCursor, scope: BlockScope, word: 'FROM' | 'USING' | undefined): void {
  const { block } = scope
  if (word !== undefined && cursor.dialect !== 'mysql' && cursor.takeWord(word)) {
    readFrom(cursor, scope)
    block.clauses.from = { start: block.from[1]?.start ?? cursor.position, end: cursor.position }
  }
  readWhere(cursor, scope)
  readTail(cursor, scope)
  if (cursor.takeWord('RETURNING')) block.outputs = readOutputs(cursor, scope)
  // MySQL has no RETURNING; SQLite takes its LIMIT after it.
  readTail(cursor, scope)
}
