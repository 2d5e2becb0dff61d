import { type Dialect, quoteName } from '../../sql/dialect.ts'
import type { Range } from '../../sql/token-map.ts'
import {
  type ColumnName,
  type ConditionNode,
  type FromItem,
  placedIn,
  type QueryBlock,
  type QueryTree,
} from '../../sql/tree/query-tree.ts'
import type { IndexDefinition } from '../index-definition.ts'
import type { ColumnSnapshot, SnapshotIndex, TableSnapshot } from '../inspectors/database-snapshot.ts'

export type RewriteRule =
  | 'offset-to-keyset'
  | 'star-to-columns'
  | 'substring-search'
  | 'or-to-union'
  | 'or-to-row-values'
  | 'count-to-exists'
  | 'not-in-to-not-exists'
  | 'function-to-range'

/** Another way to write a statement. It is shown, never applied. */
export interface Rewrite {
  readonly rule: RewriteRule
  /** A few words, without a full stop. */
  readonly title: string
  readonly before: string
  readonly after: string
  /** DDL that `after` needs, in order. */
  readonly ddl: readonly string[]
  /** Indexes that the DDL creates. */
  readonly indexes?: readonly IndexDefinition[]
  /** The places of the statement's values that `after` binds, in order. Omitted if they are the same. */
  readonly bound?: readonly number[]
  /**
   * Whether `after` returns the same rows for the same values, for any content of the tables; otherwise, the
   * caveats describe the differences.
   */
  readonly isEquivalent: boolean
  /** Why it would be faster, or safer. */
  readonly why: string
  /** Differences, and points to check: whole sentences. */
  readonly caveats: readonly string[]
}

/** Input of the rules. */
export interface RewriteSource {
  readonly tree: QueryTree
  readonly index: SnapshotIndex
  /** Values that the statement was seen with. */
  readonly bindings: readonly unknown[] | undefined
}

export type RewriteRuleReader = (source: RewriteSource) => readonly Rewrite[]

export interface Edit extends Range {
  readonly text: string
}

/** The text of parts of a statement, and the statement with parts replaced. */
export class SqlParts {
  /** For each token, its place where it is a bound value that is not named. */
  readonly #places = new Map<number, number>()
  readonly #freed: number[] = []
  #count: number
  /** Whether the values keep their numbers regardless of their position in the SQL. */
  readonly isNumbered: boolean

  constructor(readonly tree: QueryTree) {
    this.#count = tree.parameters
    for (const [at, place] of tree.places) if (tree.tokens[at]?.text === '?') this.#places.set(at, place)
    this.isNumbered = tree.dialect === 'sqlite' || this.#places.size === 0
  }

  /** A part as written; values without a number get theirs, where the dialect has numbers. */
  text({ start, end }: Range): string {
    return this.edited({ start, end }, [])
  }

  /**
   * A part with parts of it replaced, the edits in the order of the text. One of no tokens adds its text
   * after the token before it.
   */
  edited({ start, end }: Range, edits: readonly Edit[]): string {
    const { sql, tokens } = this.tree
    let text = ''
    let from = tokens[start]?.start ?? 0
    const pending = [...edits]
    for (let at = start; at < end; at++) {
      const token = tokens[at]
      if (token === undefined) break
      const edit = pending[0]
      if (edit !== undefined && edit.start === at) {
        pending.shift()
        // An insertion follows the token before it.
        const isAdded = edit.end === edit.start
        const until = isAdded ? (tokens[at - 1]?.end ?? from) : token.start
        text += sql.slice(from, until) + edit.text
        from = isAdded ? until : (tokens[edit.end - 1]?.end ?? token.end)
        at = edit.end - 1
        continue
      }
      const place = this.#places.get(at)
      if (place === undefined || this.tree.dialect !== 'sqlite') continue
      text += `${sql.slice(from, token.start)}?${place + 1}`
      from = token.end
    }
    text += sql.slice(from, tokens[end - 1]?.end ?? from)
    return text + pending.map((edit) => edit.text).join('')
  }

  /** The whole statement with parts replaced. */
  all(edits: readonly Edit[]): string {
    return this.edited({ start: 0, end: this.tree.tokens.length }, edits)
  }

  /** Makes the place of a value that is not bound any more the next one to be given. */
  free(place: number): void {
    this.#freed.push(place)
  }

  /** A new bound value. */
  fresh(): string {
    const place = this.#freed.shift() ?? this.#count++
    if (this.tree.dialect === 'postgresql' && this.isNumbered) return `$${place + 1}`
    return this.tree.dialect === 'sqlite' ? `?${place + 1}` : '?'
  }
}

export function quoteTable(
  { schema, name }: { readonly schema: string; readonly name: string },
  dialect: Dialect,
  defaultSchema: string,
): string {
  return schema === defaultSchema
    ? quoteName(name, dialect)
    : `${quoteName(schema, dialect)}.${quoteName(name, dialect)}`
}

/** A block and all within it. */
export function* blocksOf(block: QueryBlock, seen: Set<QueryBlock> = new Set()): Generator<QueryBlock> {
  if (seen.has(block)) return
  seen.add(block)
  yield block
  for (const { subquery } of block.from) if (subquery !== undefined) yield* blocksOf(subquery, seen)
  for (const inner of [...block.arms, ...block.subqueries, ...placedIn(conditionsOf(block))])
    yield* blocksOf(inner, seen)
}

export function conditionsOf(block: QueryBlock): readonly ConditionNode[] {
  return [...block.where, ...block.having, ...block.from.flatMap(({ on }) => on)]
}

/** Conditions, those within OR among them. */
export function* eachCondition(conditions: readonly ConditionNode[]): Generator<ConditionNode> {
  for (const condition of conditions) {
    yield condition
    if (condition.kind === 'or') for (const arm of condition.arms) yield* eachCondition(arm)
  }
}

export interface FoundColumn {
  readonly item: FromItem
  readonly table: TableSnapshot
  readonly column: ColumnSnapshot
}

/** The column of a table in the block's own FROM to which a name refers; `undefined` for any other. */
export function columnIn(block: QueryBlock, name: ColumnName, index: SnapshotIndex): FoundColumn | undefined {
  for (const item of block.from) {
    if (name.table !== undefined && index.fold(item.alias) !== index.fold(name.table)) continue
    const table = tableOfItem(item, index)
    if (table === undefined) {
      // An entry that is not known may have a column of that name.
      return undefined
    }
    const column = index.column(table, name.column)
    if (column !== undefined) return { item, table, column }
  }
  return undefined
}

/** The table of an entry, unless it is a view, or its columns are given other names. */
export function tableOfItem(item: FromItem, index: SnapshotIndex): TableSnapshot | undefined {
  if (item.table === undefined || item.subquery !== undefined || item.columnNames !== undefined)
    return undefined
  const table = index.table(item.table)
  return table?.kind === 'view' || table?.kind === 'virtual' ? undefined : table
}
