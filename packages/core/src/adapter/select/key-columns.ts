import { keyText } from '../../pipeline/key-text.ts'
import type { LookupKey } from '../../pipeline/lookup.ts'
import type { SchemaCatalog } from '../../schema/catalog.ts'
import type { ColumnInfo, ColumnType } from '../../schema/catalog-data.ts'
import type { Range } from '../../sql/token-map.ts'
import type { Token } from '../../sql/tokenize.ts'
import type { ComparisonNode, QueryTree } from '../../sql/tree/query-tree.ts'
import { chooseKey } from '../choose-key.ts'
import { isKeyType } from '../key-values.ts'
import type { SelectGround } from './ground.ts'
import { keyParameter } from './key-parameter.ts'
import { isName, withoutParentheses } from './names.ts'

/** A column of the key: a condition `column = parameter` or `column IN (parameter)`. */
export interface KeyColumn {
  /** The index of its table. */
  readonly at: number
  readonly column: string
  readonly type: ColumnType
  /** The parameter that holds its value. */
  readonly place: number
  /** The column as written. */
  readonly text: string
  /** The SQL before and after the parameter that casts its value; both are empty without a cast. */
  readonly cast: readonly [before: string, after: string]
  /** Whether its table is written. */
  readonly isQualified: boolean
  /** The tokens of the condition, without parentheses around them. */
  readonly range: Range
  /** The earlier conditions on the same column, which must have the same value. */
  readonly repeats: readonly Pick<KeyColumn, 'place' | 'range'>[]
}

/** Returns parameters with the values of a key. */
export function paramsOf(
  params: readonly unknown[],
  keys: readonly KeyColumn[],
  { values }: LookupKey,
): unknown[] {
  const bound = [...params]
  for (const [nth, key] of keys.entries())
    for (const { place } of [key, ...key.repeats]) bound[place] = values[nth]
  return bound
}

/** Whether all conditions on each column of the key have the same value. */
export function areRepeated(params: readonly unknown[], keys: readonly KeyColumn[]): boolean {
  return keys.every(({ place, repeats, type }) => {
    // As parameters, 7 and '7' are the same for a column of integers.
    const textOf = (value: unknown) =>
      type === 'integer' && typeof value === 'string' ? `i${value}` : keyText(value)
    return repeats.every((repeat) => textOf(params[repeat.place]) === textOf(params[place]))
  })
}

/**
 * Returns the columns of one table that are the key, in the order of the catalog's key; empty if no condition
 * can be the key. Their conditions keep or omit whole rows of the result: those of WHERE, and of ON if it
 * omits rows without a partner.
 */
export function keyColumnsOf(
  tree: QueryTree,
  ground: SelectGround,
  catalog: SchemaCatalog,
): readonly KeyColumn[] {
  const { from, where, clauses } = tree.root
  const tables = new Map<number, Candidates>()
  for (const node of [...from.flatMap(({ join, on }) => (join === 'inner' ? on : [])), ...where]) {
    const found = node.kind === 'comparison' ? candidateOf(node, tree, ground, catalog) : undefined
    if (found === undefined) continue
    const candidates = tables.get(found.at) ?? { dates: new Map(), others: new Map() }
    const sameType = candidates[found.type === 'datetime' ? 'dates' : 'others']
    const earlier = sameType.get(found.column)
    sameType.delete(found.column)
    sameType.set(found.column, earlier ? { ...found, repeats: [...earlier.repeats, earlier] } : found)
    tables.delete(found.at)
    tables.set(found.at, candidates)
  }
  const rank = (keys: readonly KeyColumn[]) => rankOf(keys, ground, catalog, clauses.limit !== undefined)
  const [best] = [...tables]
    // Lookups usually share a date, so it is the key only with other columns, or if there is no other column.
    .map(([at, { dates, others }]) =>
      chooseKey(new Map([...dates, ...others]), catalog, ground.items[at]?.table),
    )
    .reverse()
    .sort((left, right) => rank(right) - rank(left))
  return best ?? []
}

/** The conditions on columns of one table, by column, in their order. */
type Candidates = Readonly<Record<'dates' | 'others', Map<string, KeyColumn>>>

/**
 * Ranks the keys of the tables: a unique or foreign key first, of the base table if possible. With a limit,
 * only the base table has keys whose first rows are certain.
 */
function rankOf(
  keys: readonly KeyColumn[],
  { items }: SelectGround,
  catalog: SchemaCatalog,
  isLimited: boolean,
): number {
  const { at = 0 } = keys[0] ?? {}
  const { id = '' } = items[at]?.table ?? {}
  const isBase = at === 0 ? 1 : 0
  const columns = new Set(keys.map(({ column }) => column))
  const isKey =
    catalog.isUniqueKey(id, [...columns]) ||
    catalog.foreignKeys.some((key) => key.table === id && key.columns.every((name) => columns.has(name)))
  if (isKey || (isLimited && isBase === 1)) return 4 + isBase
  return keys.some(({ type }) => type !== 'datetime') ? 2 + isBase : isBase
}

/**
 * Only `column = parameter` and lists of one: a cast to a type different from the column's could make two
 * keys one.
 */
function candidateOf(
  node: ComparisonNode,
  tree: QueryTree,
  ground: SelectGround,
  { defaultSchema }: SchemaCatalog,
): KeyColumn | undefined {
  const { sql, tokens, places } = tree
  const [value] = node.values
  const isList = node.operator === 'in'
  if (!(isList || node.operator === '=') || node.negated) return undefined
  if (node.isNullSafe === true || node.other !== undefined || node.subquery !== undefined) return undefined
  if (node.values.length !== 1 || value?.kind !== 'parameter' || value.isArray === true) return undefined
  const found = ground.columnOf(node.column)
  if (found === undefined || !isKeyColumn(found.info)) return undefined
  const { name: column, type } = found.info
  const range = withoutParentheses(node, tokens)
  let operator = range.start + 1
  const isOperator = ({ text, upper }: Token) => (isList ? upper === 'IN' : text === '=')
  while (operator < range.end && !isOperator(tokens[operator] as Token)) operator += 1
  if (!isName(tokens.slice(range.start, operator))) return undefined
  const written = isList
    ? listOfOne(operator + 1, range.end, tokens)
    : { start: operator + 1, end: range.end }
  const at = written && keyParameter(written, tree, found.info, defaultSchema)
  const parameter = at === undefined ? undefined : tokens[at]
  if (parameter === undefined || written === undefined || places.get(at ?? -1) !== value.place)
    return undefined
  const text = sql.slice(tokens[range.start]?.start, tokens[operator - 1]?.end)
  const cast = [
    sql.slice(tokens[written.start]?.start, parameter.start),
    sql.slice(parameter.end, tokens[written.end - 1]?.end),
  ] as const
  const isQualified = operator - range.start > 1
  return { at: found.at, column, type, place: value.place, text, cast, isQualified, range, repeats: [] }
}

function listOfOne(start: number, end: number, tokens: readonly Token[]): Range | undefined {
  return tokens[start]?.text === '(' && tokens[end - 1]?.text === ')'
    ? { start: start + 1, end: end - 1 }
    : undefined
}

function isKeyColumn({ type, exactType }: ColumnInfo): boolean {
  return isKeyType(type) || exactType === 'date'
}
