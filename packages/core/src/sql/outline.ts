import type { Dialect } from './dialect.ts'
import { fingerprint } from './fingerprint.ts'
import type { Range, TokenMap } from './token-map.ts'
import { type Token, tokenize } from './tokenize.ts'
import {
  type ClauseRanges,
  type ColumnName,
  type ComparisonNode,
  type ConditionNode,
  type FromItem,
  type JoinKind,
  placedIn,
  type QueryBlock,
} from './tree/query-tree.ts'
import { parseSql } from './tree/read-sql.ts'

export interface OutlineTable {
  /** The parts of its name; empty for a subquery, a common table expression or a function. */
  readonly name: readonly string[]
  /** The name that qualifies its columns. */
  readonly alias: string
}

/** One condition of a conjunction. */
export interface Predicate extends Range {
  /** Set if the condition compares a plain column. */
  readonly column?: ColumnName
  /**
   * `=`, `<`, `in`, `not in`, `null-safe =`, `between`, `like`, `is null` …; empty if no plain column is
   * compared.
   */
  readonly operator: string
  /** The plain column on its other side, if there is one. */
  readonly other?: ColumnName
  /** The tokens of the column and of its value, if the condition consists of these two sides. */
  readonly sides?: { readonly column: Range; readonly value: Range }
  /** A literal that the column is compared with, as written. */
  readonly literal?: string
}

export interface OutlineJoin extends Range {
  readonly type: JoinKind
  readonly isComma: boolean
  readonly isNatural: boolean
  readonly table: OutlineTable
  readonly on: readonly Predicate[]
}

/** One SELECT, UPDATE or DELETE, excluding nested ones; or a set operation, excluding its arms. */
export interface Block extends Range {
  readonly kind: QueryBlock['kind']
  /** The driving table; `undefined` if nothing is read. */
  readonly table: OutlineTable | undefined
  readonly joins: readonly OutlineJoin[]
  readonly where: readonly Predicate[]
  readonly clauses: ClauseRanges
  readonly isDistinct: boolean
  readonly isDistinctOn: boolean
  readonly hasOffset: boolean
  /** Whether the list of columns contains a `*`. */
  readonly star: boolean
}

/** The parts of a SQL string that cost estimates and merging need. */
export interface Outline {
  readonly tokens: readonly Token[]
  readonly map: TokenMap
  readonly statements: number
  /** The outermost query first. */
  readonly blocks: readonly Block[]
  /** Why the outline does not cover the whole string. */
  readonly incomplete: string | undefined
  /** A range as a shape: without its values. */
  label(range: Range): string
}

/**
 * Derives the outline of a SQL string from its tree. A statement that cannot be parsed has no blocks.
 *
 * @throws SqlSyntaxError if the string cannot be split into tokens.
 */
export function outlineOf(sql: string, dialect: Dialect): Outline {
  const tokens = tokenize(sql, dialect)
  const { map, statements, roots, incomplete } = parseSql(tokens, dialect)
  const blocks = roots.flatMap((root) => blocksOf(root, map)).map((block) => outlined(map, block))
  const label = ({ start, end }: Range) => fingerprint(tokens.slice(start, end), dialect).shape
  return { tokens, map, statements, blocks, incomplete, label }
}

const outlinedKinds: ReadonlySet<QueryBlock['kind']> = new Set([
  'select',
  'set-operation',
  'update',
  'delete',
])

/** The blocks outside parentheses first, the others in source order. */
function blocksOf(root: QueryBlock, map: TokenMap): readonly QueryBlock[] {
  const found = new Set<QueryBlock>()
  const waiting = [root]
  for (let block = waiting.pop(); block !== undefined; block = waiting.pop()) {
    if (found.has(block)) continue
    found.add(block)
    const { arms, from, where, having, subqueries } = block
    const conditions = [...where, ...having, ...from.flatMap(({ on }) => on)]
    const derived = from.flatMap(({ subquery }) => subquery ?? [])
    for (const inner of [...arms, ...subqueries, ...derived, ...placedIn(conditions)]) waiting.push(inner)
  }
  const outermost = new Set(outerArms(root, map))
  const byPlace = [...found].filter(({ kind }) => outlinedKinds.has(kind)).sort((a, b) => a.start - b.start)
  return [
    ...byPlace.filter((block) => outermost.has(block)),
    ...byPlace.filter((block) => !outermost.has(block)),
  ]
}

function outerArms(block: QueryBlock, map: TokenMap): QueryBlock[] {
  return [
    block,
    ...block.arms.flatMap((arm) => (map.isSymbol(arm.start - 1, '(') ? [] : outerArms(arm, map))),
  ]
}

function outlined(map: TokenMap, block: QueryBlock): Block {
  const { kind, start, end, clauses, isDistinct, distinctOn, offset, outputs } = block
  const [first, ...others] = block.from
  return {
    kind,
    start,
    end,
    clauses,
    isDistinct,
    isDistinctOn: distinctOn.length > 0,
    hasOffset: offset !== undefined,
    table: first === undefined ? undefined : tableOf(first),
    joins: others.map((item) => joinOf(map, item)),
    where: predicatesOf(map, block.where),
    star: kind === 'select' && outputs.some(({ star }) => star !== undefined),
  }
}

function tableOf({ table = [], alias }: FromItem): OutlineTable {
  return { name: table, alias }
}

function joinOf(map: TokenMap, item: FromItem): OutlineJoin {
  const { join, joinStart = item.start, end, alias, using, isNatural } = item
  const shared = using.map((column): Predicate => {
    const range = { start: item.start, end }
    return { ...range, column: { table: alias, column }, operator: '=', other: { column } }
  })
  return {
    start: joinStart,
    end,
    type: join,
    isComma: map.isSymbol(joinStart, ','),
    isNatural: isNatural === true,
    table: tableOf(item),
    on: [...predicatesOf(map, item.on), ...shared],
  }
}

function predicatesOf(map: TokenMap, conditions: readonly ConditionNode[]): readonly Predicate[] {
  return conditions.map((node) => {
    const { start, end } = map.unwrapped(node)
    const predicate = { start, end, operator: '' }
    return node.kind === 'comparison' && isBare(node)
      ? { ...predicate, ...comparedIn(node, { start, end }) }
      : predicate
  })
}

function isBare({ operator, column: { call, cast, collation }, sides }: ComparisonNode): boolean {
  // A column without a comparison is also a condition, but has no value.
  if (operator === '=' && sides === undefined) return false
  return call === undefined && cast === undefined && collation === undefined
}

function comparedIn(node: ComparisonNode, { start, end }: Range): Omit<Predicate, keyof Range> {
  const { operator, negated, isNullSafe, column, other, sides, values } = node
  const isWhole =
    sides !== undefined &&
    Math.min(sides.column.start, sides.value.start) === start &&
    Math.max(sides.column.end, sides.value.end) === end
  const [value] = values
  return {
    column,
    operator: `${negated ? 'not ' : ''}${isNullSafe === true ? 'null-safe ' : ''}${operator}`,
    ...(other === undefined ? {} : { other }),
    ...(isWhole ? { sides } : {}),
    ...(value?.kind === 'literal' ? { literal: value.text } : {}),
  }
}
