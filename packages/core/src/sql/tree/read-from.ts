import { lowerAscii } from '../characters.ts'
import { notAliases, notTables, words } from '../keywords.ts'
import { type BlockScope, findCte } from './block-scope.ts'
import { conditionsOf } from './conditions-of.ts'
import type { SqlCursor } from './cursor.ts'
import type { ConditionNode, FromItem, JoinKind, QueryBlock } from './query-tree.ts'
import { readExpression, readExpressions } from './read-expression.ts'
import { readHints } from './read-hints.ts'

/** A FROM entry while it is being read. */
interface ItemDraft extends FromItem {
  join: JoinKind
  joinStart?: number
  alias: string
  table?: readonly string[]
  subquery?: QueryBlock
  columnNames?: readonly string[]
  isFunction?: boolean
  on: readonly ConditionNode[]
  using: readonly string[]
  isNatural?: true
  end: number
}

const joinStarts = words('JOIN INNER LEFT RIGHT FULL CROSS NATURAL STRAIGHT_JOIN')
const kinds: Readonly<Record<string, JoinKind>> = {
  LEFT: 'left',
  RIGHT: 'right',
  FULL: 'full',
  CROSS: 'cross',
  INNER: 'inner',
}
const notNames = words('ON USING LEFT RIGHT INNER CROSS NATURAL FULL JOIN')

/** Reads the entries of FROM, including joins within parentheses, as one list. */
export function readFrom(cursor: SqlCursor, scope: BlockScope): void {
  new FromReader(cursor, scope).list('cross')
}

/** Reads one entry: the target of UPDATE, DELETE and INSERT. */
export function readTarget(cursor: SqlCursor, scope: BlockScope): FromItem {
  return new FromReader(cursor, scope).target()
}

/** Reads the source of a MERGE, and its ON. */
export function readMergeSource(cursor: SqlCursor, scope: BlockScope): void {
  new FromReader(cursor, scope).joinedSource()
}

/** Reads the table of `TABLE t`; or, without an alias, the table or function of SQLite's `x IN t`. */
export function readSource(cursor: SqlCursor, scope: BlockScope, isAliased: boolean): FromItem {
  const reader = new FromReader(cursor, scope)
  return isAliased ? reader.source() : reader.bare()
}

class FromReader {
  readonly #items: ItemDraft[]

  constructor(
    private readonly cursor: SqlCursor,
    private readonly scope: BlockScope,
  ) {
    this.#items = scope.block.from as ItemDraft[]
  }

  list(join: JoinKind): void {
    const { cursor } = this
    this.#joined(join)
    while (cursor.isSymbol(',')) {
      const comma = cursor.position++
      const next = this.#items.length
      this.#joined(join)
      this.#joinsAt(next, comma)
    }
  }

  /** The target of a write is a table, even if a common table expression has its name. */
  target(): FromItem {
    return this.#table('cross', this.cursor.position, false, true)
  }

  joinedSource(): void {
    const { cursor, scope } = this
    this.#joined('cross')
    cursor.expectWord('ON')
    readExpression(cursor, scope)
  }

  source(): FromItem {
    return this.#table('cross', this.cursor.position)
  }

  bare(): FromItem {
    const { cursor, scope } = this
    const start = cursor.position
    const table = cursor.tableName()
    if (!cursor.isSymbol('(')) return this.#named(table, 'cross', start, false)
    cursor.names.fill(0, start, cursor.position)
    cursor.parenthesised(() => (cursor.isSymbol(')') ? [] : readExpressions(cursor, scope)))
    return this.#item({ join: 'cross', start, isFunction: true })
  }

  /** Reads one entry, and the entries joined to it. */
  #joined(join: JoinKind): void {
    const { cursor } = this
    /** Entries whose ON can still follow: `a JOIN b JOIN c ON … ON …`. */
    const waiting: ItemDraft[] = []
    this.#primary(join)
    for (;;) {
      const waits = waiting.at(-1)
      if (waits !== undefined && this.#condition(waits)) {
        waiting.pop()
        continue
      }
      if (!this.#startsJoin()) break
      const at = cursor.position
      const { kind, isNatural } = this.#joinKind()
      const next = this.#items.length
      const item = this.#primary(kind)
      this.#joinsAt(next, at)
      if (isNatural) item.isNatural = true
      else if (kind !== 'cross') waiting.push(item)
    }
    if (cursor.dialect === 'postgresql' && waiting.length > 0) cursor.leaveOut('ON expected')
  }

  /** Records the start of an entry's JOIN or comma. */
  #joinsAt(index: number, start: number): void {
    const item = this.#items[index]
    if (item !== undefined) item.joinStart = start
  }

  #startsJoin(): boolean {
    const { cursor } = this
    return cursor.isAny(joinStarts) && (!cursor.isWord('STRAIGHT_JOIN') || cursor.dialect === 'mysql')
  }

  #joinKind(): { readonly kind: JoinKind; readonly isNatural: boolean } {
    const { cursor } = this
    if (cursor.isWord('STRAIGHT_JOIN')) {
      cursor.names[cursor.position++] = 1
      return { kind: 'inner', isNatural: false }
    }
    const isNatural = cursor.takeWord('NATURAL')
    const kind = kinds[cursor.word()] ?? 'inner'
    if (kinds[cursor.word()] !== undefined) cursor.position++
    cursor.takeWord('OUTER')
    cursor.expectWord('JOIN')
    // SQLite and MySQL also accept a condition after CROSS JOIN.
    return { kind: kind === 'cross' && cursor.dialect !== 'postgresql' ? 'inner' : kind, isNatural }
  }

  /** Reads the ON or USING of an entry; returns false if there is none. */
  #condition(item: ItemDraft): boolean {
    const { cursor } = this
    if (cursor.isWord('USING') && cursor.isSymbol('(', 1)) {
      cursor.position++
      item.using = cursor.parenthesised(() => cursor.nameList())
      // The alias of the joined columns.
      if (cursor.dialect === 'postgresql' && cursor.takeWord('AS')) cursor.name()
    } else if (cursor.isWord('ON') && !this.#startsUpsert()) {
      cursor.position++
      item.on = conditionsOf(readExpression(cursor, this.scope))
    } else return false
    item.end = cursor.position
    return true
  }

  /** `ON CONFLICT …` and `ON DUPLICATE KEY …`; in other dialects the words are columns. */
  #startsUpsert(): boolean {
    const { cursor } = this
    if (cursor.isWord('DUPLICATE', 1)) return cursor.isWord('KEY', 2)
    return (
      cursor.isWord('CONFLICT', 1) &&
      (cursor.isSymbol('(', 2) || cursor.isWord('DO', 2) || cursor.isWord('ON', 2))
    )
  }

  #primary(join: JoinKind): ItemDraft {
    const { cursor } = this
    const start = cursor.position
    const isLateral = this.#startsLateral()
    if (isLateral) cursor.position++
    if (!cursor.isSymbol('(')) return this.#table(join, start, isLateral)
    if (cursor.map.startsQuery(cursor.position)) return this.#derived(join, start, isLateral)
    const first = this.#items.length
    cursor.parenthesised(() => this.list(join))
    const item = this.#items[first]
    if (item === undefined) return cursor.fail('table expected')
    if (this.#isAlias()) {
      cursor.leaveOut('alias of a join')
      this.#alias({ ...item })
    }
    return item
  }

  /** In SQLite, a table can have that name. */
  #startsLateral(): boolean {
    const { cursor } = this
    if (!cursor.isWord('LATERAL') || cursor.dialect === 'sqlite') return false
    return cursor.dialect === 'postgresql' ? !cursor.isSymbol('.', 1) : cursor.isSymbol('(', 1)
  }

  /** A query sees its sibling entries only with LATERAL, but always the entries of enclosing queries. */
  #derived(join: JoinKind, start: number, isLateral: boolean): ItemDraft {
    const { cursor, scope } = this
    const parent = isLateral ? scope.block : scope.block.parent
    const subquery = cursor.parenthesised(() => cursor.read.query(cursor, parent, scope.ctes))
    cursor.placed.add(subquery)
    const item = this.#item({ join, start, subquery, ...(isLateral ? { isLateral } : {}) })
    this.#alias(item)
    return item
  }

  #item(
    rest: Partial<ItemDraft> & {
      readonly join: JoinKind
      readonly start: number
      readonly isLateral?: boolean
    },
  ): ItemDraft {
    const item: ItemDraft = {
      alias: rest.table?.at(-1) ?? '',
      on: [],
      using: [],
      end: this.cursor.position,
      ...rest,
    }
    this.#items.push(item)
    return item
  }

  #table(join: JoinKind, start: number, isLateral = false, isTarget = false): ItemDraft {
    const { cursor } = this
    if (cursor.dialect === 'postgresql' && cursor.isWord('ROWS') && cursor.isWord('FROM', 1))
      return this.#rowsFrom(join, start)
    const isOnly =
      cursor.dialect === 'postgresql' &&
      cursor.isWord('ONLY') &&
      (cursor.isName(1) || cursor.isSymbol('(', 1))
    if (isOnly) cursor.position++
    if (isOnly && cursor.isSymbol('(')) {
      const item = cursor.parenthesised(() => this.#table(join, start, false, isTarget))
      this.#alias(item)
      return item
    }
    if (
      cursor.isAny(notTables) ||
      cursor.isAny(notNames) ||
      (cursor.dialect === 'postgresql' && cursor.isWord('ONLY'))
    )
      cursor.fail('table expected')
    const first = cursor.position
    const table = cursor.dottedName()
    if (cursor.isSymbol('(') && !isTarget) {
      cursor.names.fill(0, first, cursor.position)
      return this.#function(table, join, start, isLateral)
    }
    if (table.length > 3) cursor.leaveOut('name of too many parts')
    if (cursor.dialect === 'postgresql') cursor.takeSymbol('*')
    const item = this.#named(table, join, start, isTarget)
    if (cursor.takeWord('PARTITION')) cursor.parenthesised(() => cursor.nameList())
    this.#alias(item)
    readHints(cursor)
    item.end = cursor.position
    return item
  }

  /** Adds a table, or the common table expression to which its name refers. */
  #named(table: readonly string[], join: JoinKind, start: number, isTarget: boolean): ItemDraft {
    const { cursor, scope } = this
    const entry =
      table.length === 1 && !isTarget ? findCte(scope.ctes, this.#fold(table[0] ?? '')) : undefined
    if (entry !== undefined) return this.#cte(entry, table, join, start)
    if (!isDual(cursor, table)) cursor.reads.push(table)
    return this.#item({ join, start, table })
  }

  #fold(name: string): string {
    return this.cursor.dialect === 'postgresql' ? name : lowerAscii(name)
  }

  #cte(
    entry: NonNullable<ReturnType<typeof findCte>>,
    table: readonly string[],
    join: JoinKind,
    start: number,
  ): ItemDraft {
    const { cursor } = this
    const alias = table[0] ?? ''
    const { block } = entry
    if (block === undefined) {
      entry.isRecursive = true
      return this.#item({ join, start, alias })
    }
    entry.uses++
    if (entry.uses > 1 && !entry.isInline) block.isFenced = true
    cursor.placed.add(block)
    return this.#item({
      join,
      start,
      alias,
      subquery: block,
      ...(block.columnNames === undefined ? {} : { columnNames: block.columnNames }),
    })
  }

  #function(name: readonly string[], join: JoinKind, start: number, isLateral: boolean): ItemDraft {
    const { cursor, scope } = this
    const last = name.at(-1)?.toLowerCase()
    // Their arguments have a different grammar.
    if (last === 'json_table' || last === 'xmltable') cursor.skipParentheses()
    else cursor.parenthesised(() => (cursor.isSymbol(')') ? [] : readExpressions(cursor, scope)))
    cursor.takeWords('WITH', 'ORDINALITY')
    const item = this.#item({
      join,
      start,
      alias: name.at(-1) ?? '',
      isFunction: true,
      ...(isLateral ? { isLateral } : {}),
    })
    this.#alias(item)
    return item
  }

  /** PostgreSQL's `ROWS FROM (f(1), g(2))`. */
  #rowsFrom(join: JoinKind, start: number): ItemDraft {
    const { cursor, scope } = this
    cursor.leaveOut('ROWS FROM')
    cursor.position += 2
    cursor.parenthesised(() => readExpressions(cursor, scope))
    cursor.takeWords('WITH', 'ORDINALITY')
    const item = this.#item({ join, start, isFunction: true })
    this.#alias(item)
    return item
  }

  #isAlias(): boolean {
    const { cursor } = this
    return cursor.isWord('AS') || (cursor.isName() && !cursor.isAny(notAliases))
  }

  #alias(item: ItemDraft): void {
    const { cursor } = this
    if (this.#isAlias()) {
      const isNamed = cursor.takeWord('AS')
      // `AS (a int, b text)` defines a function's columns without an alias.
      const isString = isNamed && cursor.dialect !== 'postgresql' && cursor.token()?.kind === 'string'
      if (isString) {
        cursor.leaveOut('alias in a string')
        cursor.position++
      } else if (!(isNamed && cursor.isSymbol('('))) item.alias = cursor.name()
      if (cursor.isSymbol('(')) item.columnNames = this.#columnNames()
    }
    item.end = cursor.position
  }

  #columnNames(): readonly string[] {
    const { cursor } = this
    const end = cursor.map.closing(cursor.position)
    return cursor.parenthesised(() =>
      cursor.list(() => {
        const name = cursor.name()
        // The column's type.
        while (cursor.position < end && !cursor.isSymbol(','))
          cursor.skipNames(cursor.map.closing(cursor.position) + 1)
        return name
      }),
    )
  }
}

/** MySQL's table without columns, which is in no schema. */
function isDual({ dialect }: SqlCursor, table: readonly string[]): boolean {
  return dialect === 'mysql' && table.length === 1 && table[0]?.toUpperCase() === 'DUAL'
}
