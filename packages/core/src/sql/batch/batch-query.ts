import { canonicalKey } from '../../shared/canonical.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import { analyzeSql } from '../analyze.ts'
import { type Dialect, MAX_BOUND_KEYS } from '../dialect.ts'
import { words } from '../keywords.ts'
import { SqlSyntaxError } from '../syntax-error.ts'
import type { Range } from '../token-map.ts'
import { tokenize } from '../tokenize.ts'
import type { ParsedSql } from '../tree/parsed-sql.ts'
import type { ColumnName, QueryBlock } from '../tree/query-tree.ts'
import { parseSql } from '../tree/read-sql.ts'
import { type Conjunct, conjunctsOf, hasStar, isEquality, statementBlocks } from '../tree/statement-blocks.ts'
import { type Bound, bindValues } from './bound-values.ts'

/** A query: an SQL string that contains its values, or one with bound parameters. */
export type QueryInput = string | { readonly sql: string; readonly parameters: readonly unknown[] }

/** One query that replaces many. */
export interface BatchQuery {
  readonly query: string
  /** Bound in order. Each key occurs once. */
  readonly parameters: readonly unknown[]
  readonly originalQueries: readonly string[]
  /** The result column that identifies the rows of each original query: it contains the key. */
  readonly keyColumn: string
  /**
   * Expected duration in milliseconds, as passed or estimated from observations; `undefined` if there are
   * none.
   */
  readonly expectedTime: number | undefined
  /**
   * Milliseconds that the batch saves compared with the original queries; `undefined` if they were not
   * observed.
   */
  readonly expectedSaving: number | undefined
}

/** Whether no two rows of a table have the same value in a column. */
type IsUnique = (table: readonly string[], column: string) => boolean

type BatchText = Omit<BatchQuery, 'expectedTime' | 'expectedSaving'>

const EXPECTED =
  'queries with the same normalized query, `SELECT … WHERE key = ?`, that differ only in the key'
const NOT_MERGEABLE = 'queries that cannot be batched'
const KEY_NAME = 'sluice_key'

/** Functions that return one value for each row. */
const scalars = words(
  'LOWER UPPER COALESCE NULLIF IFNULL LENGTH CHAR_LENGTH TRIM LTRIM RTRIM ABS ROUND CAST SUBSTR SUBSTRING CONCAT REPLACE',
)
const refused = { groupBy: 'GROUP BY', having: 'HAVING', windows: 'WINDOW', lock: 'a lock' } as const

/**
 * Merges queries that differ in one key into one query with `key IN (…)`.
 *
 * @throws InvalidArgumentError if their normalized queries differ, or a merged query would change their
 *   meaning.
 */
export function mergeByKey(queries: readonly QueryInput[], dialect: Dialect, isUnique: IsUnique): BatchText {
  const parsed = queries.map((query, index) => parse(query, index, dialect))
  const [first] = parsed
  if (first === undefined)
    throw new InvalidArgumentError('queries', 'an array of at least one query', queries)
  for (const one of parsed) if (!isOfShape(one, first)) fail('different normalized queries')
  const block = mergeableBlock(first.parsed)
  const conditions = conjunctsOf(first.parsed.map, block.where)
  const equalities = conditions.filter(({ comparison }) => comparison !== undefined && isEquality(comparison))
  const at = differingValue(parsed) ?? onlyKey(first, equalities)
  const key = equalities.find((condition) => simpleValue(condition) === at)
  if (key?.comparison === undefined || key.sides === undefined)
    fail('queries that differ in more than a key, or without a plain `column = value` condition for it')
  if (block.clauses.limit !== undefined && !isNeedlessLimit(first, block, key.comparison.column, isUnique)) {
    fail('a query with LIMIT, which would apply to all keys together')
  }
  const keys = new Map<string, unknown>()
  for (const { values } of parsed) {
    const value = values.get(at)?.value
    keys.set(canonicalKey(value) ?? fail('a key that is not a plain value'), value)
  }
  const limit = MAX_BOUND_KEYS[dialect]
  if (keys.size > limit)
    throw new InvalidArgumentError('queries', `at most ${limit} different keys`, `${keys.size} keys`)
  return {
    ...write(
      first,
      block,
      conditions,
      { start: key.start, end: key.end, ...key.sides, name: key.comparison.column },
      [...keys.values()],
    ),
    originalQueries: parsed.map(({ text }) => text),
  }
}

interface Parsed {
  readonly text: string
  readonly parsed: ParsedSql
  /** Its values by token index. */
  readonly values: ReadonlyMap<number, Bound>
}

function fail(reason: string): never {
  throw new InvalidArgumentError('queries', `${EXPECTED}, not ${reason}`, NOT_MERGEABLE)
}

function parse(query: QueryInput, index: number, dialect: Dialect): Parsed {
  const text = typeof query === 'string' ? query : query?.sql
  const parameters = typeof query === 'string' ? [] : query?.parameters
  if (typeof text !== 'string' || text.trim() === '' || !Array.isArray(parameters)) {
    throw new InvalidArgumentError(
      `queries[${index}]`,
      'a SQL statement or an object { sql, parameters }',
      query,
    )
  }
  try {
    const parsed = parseSql(tokenize(text, dialect), dialect)
    return { text, parsed, values: bindValues(parsed.tokens, parameters, `queries[${index}]`) }
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    throw new InvalidArgumentError(
      `queries[${index}]`,
      'SQL that Sluice can parse',
      `one with ${error.message}`,
    )
  }
}

/** Whether two statements differ only in their values. */
function isOfShape(one: Parsed, other: Parsed): boolean {
  const { tokens } = one.parsed
  return (
    tokens.length === other.parsed.tokens.length &&
    tokens.every((token, at) => {
      const counterpart = other.parsed.tokens[at]
      if (one.values.has(at) && other.values.has(at)) return true
      return token.kind === 'word'
        ? token.upper === counterpart?.upper
        : token.text === counterpart?.text && token.kind === counterpart.kind
    })
  )
}

/**
 * Returns the token index of the only value that differs between the queries; `undefined` if none differs.
 */
function differingValue([first, ...others]: readonly Parsed[]): number | undefined {
  const places = [...(first?.values ?? [])].filter(([at, { value }]) => {
    const known = canonicalKey(value)
    return others.some(({ values }) => canonicalKey(values.get(at)?.value) !== known)
  })
  if (places.length > 1) fail('queries that differ in several values')
  return places[0]?.[0]
}

function onlyKey({ values }: Parsed, equalities: readonly Conjunct[]): number {
  const keys = new Set(equalities.flatMap((condition) => simpleValue(condition) ?? []))
  const places = [...values.keys()].filter((at) => keys.has(at))
  return places.length === 1 && places[0] !== undefined
    ? places[0]
    : fail('equal queries without exactly one key')
}

/** Returns the block of the query, if it means the same as all queries together with `IN` for its key. */
function mergeableBlock(parsed: ParsedSql): QueryBlock {
  const { tokens, map, statements, incomplete } = parsed
  const [block] = statementBlocks(parsed)
  if (incomplete !== undefined) fail(`a statement that Sluice cannot parse (${incomplete})`)
  if (statements > 1) fail('several statements in one string')
  if (block?.kind !== 'select' || !map.isWord(0, 'SELECT')) fail('a statement that is not a single SELECT')
  const clause = (['groupBy', 'having', 'windows', 'lock'] as const).find(
    (name) => block.clauses[name] !== undefined,
  )
  if (clause !== undefined) fail(`a query with ${refused[clause]}, which would apply to all keys together`)
  if (block.offset !== undefined) fail('a query with OFFSET, which would apply to all keys together')
  if (block.distinctOn.length > 0) fail('a query with DISTINCT ON, which would apply to all keys together')
  const list = block.clauses.outputs ?? fail('a query without columns')
  for (let at = list.start; at < list.end; at++) {
    const isCall =
      map.isSymbol(at + 1, '(') &&
      map.isName(at) &&
      !map.isAny(at, words('IN AND OR NOT AS CASE WHEN THEN ELSE DISTINCT'))
    if (isCall && !map.isAny(at, scalars))
      fail(`a query that calls ${tokens[at]?.text}(), which may aggregate all keys together`)
  }
  return block
}

/** A unique key has at most one row, so a limit changes nothing. */
function isNeedlessLimit(
  { values, parsed: { map } }: Parsed,
  block: QueryBlock,
  { column }: ColumnName,
  isUnique: IsUnique,
): boolean {
  const { from, clauses, end } = block
  const { limit } = clauses
  const [item] = from
  if (limit === undefined || limit.end !== end || from.length > 1 || item === undefined) return false
  if (!map.isWord(limit.start, 'LIMIT') || limit.end !== limit.start + 2) return false
  return Number(values.get(limit.start + 1)?.value) >= 1 && isUnique(item.table ?? [], column)
}

/** The condition on the key: the tokens of its column and value, and the name of the column. */
interface KeyCondition extends Range {
  readonly column: Range
  readonly value: Range
  readonly name: ColumnName
}

/**
 * Writes the merged query: the keys as a list, the key column among the result columns, and all values of
 * conditions bound.
 */
function write(
  { text, parsed, values }: Parsed,
  block: QueryBlock,
  conditions: readonly Conjunct[],
  key: KeyCondition,
  keys: readonly unknown[],
): Omit<BatchText, 'originalQueries'> {
  const { tokens, dialect } = parsed
  const numbered =
    dialect === 'postgresql' && !tokens.some(({ kind, text: one }) => kind === 'parameter' && one === '?')
  const parameters: unknown[] = []
  const bind = (value: unknown): string => {
    parameters.push(value)
    return numbered ? `$${parameters.length}` : '?'
  }
  const source = (start: number, end: number) => text.slice(tokens[start]?.start, tokens[end - 1]?.end)
  const columnText = source(key.column.start, key.column.end)
  const listEnd = block.clauses.outputs?.end ?? block.end
  const { name, added } = keyItem(parsed, block, key.name, columnText)
  const bindable = new Set(conditions.flatMap((condition) => simpleValue(condition) ?? []))
  let written = ''
  let from = tokens[0]?.start ?? 0
  const replace = (start: number, end: number, by: string) => {
    written += text.slice(from, start) + by
    from = end
  }
  const end = block.clauses.limit?.start ?? block.end
  tokens.slice(0, end).forEach((token, at) => {
    if (at === key.start) {
      replace(
        token.start,
        tokens[key.end - 1]?.end ?? token.end,
        `${columnText} IN (${keys.map(bind).join(', ')})`,
      )
    } else if (at < key.start || at >= key.end) {
      const bound = values.get(at)
      if (bound !== undefined && (token.kind === 'parameter' || bindable.has(at)))
        replace(token.start, token.end, bind(bound.value))
    }
    if (at === listEnd - 1 && added !== '') replace(token.end, token.end, added)
  })
  const last = tokens[end - 1]
  return { query: written + text.slice(from, last?.end), parameters, keyColumn: name }
}

/**
 * Returns the token index of the single value that an operator compares a column with. If it is a literal, it
 * can be bound as well.
 */
function simpleValue({ sides }: Conjunct): number | undefined {
  return sides !== undefined && sides.value.end === sides.value.start + 1 ? sides.value.start : undefined
}

/**
 * Returns the addition to the select list that identifies the key of each row; empty if the key is already
 * selected.
 */
function keyItem(
  { tokens, map }: ParsedSql,
  block: QueryBlock,
  column: ColumnName,
  text: string,
): { readonly name: string; readonly added: string } {
  const list = block.clauses.outputs ?? { start: block.start + 1, end: block.end }
  const items = map.split(list, (at) => map.isSymbol(at, ','))
  const isAlone = block.from.length < 2
  const name = column.column.toLowerCase()
  let isTaken = false
  for (const item of items) {
    const isStar =
      map.isSymbol(item.end - 1, '*') && (item.end - item.start === 1 || map.isSymbol(item.end - 2, '.'))
    if (isStar && isAlone && items.length === 1) return { name: column.column, added: '' }
    const bare = map.column(item.start)
    const isBare = bare?.end === item.end
    const isSame =
      isBare && bare.ref.column.toLowerCase() === name && (isAlone || bare.ref.table === column.table)
    if (isSame && items.length === 1) return { name: column.column, added: '' }
    isTaken ||= isStar || (tokens[item.end - 1]?.text.toLowerCase() === name && !isSame)
    if (
      isSame &&
      !items.some((other) => other !== item && tokens[other.end - 1]?.text.toLowerCase() === name) &&
      !hasStar(block)
    )
      return { name: column.column, added: '' }
  }
  return isTaken
    ? { name: KEY_NAME, added: `, ${text} AS ${KEY_NAME}` }
    : { name: column.column, added: `, ${text}` }
}

/** No database accepts more. */
const MAX_PARAMETERS = 65_535

/**
 * Returns one query that replaces executions of a statement with different keys; `undefined` if there is
 * none.
 */
export function fixFor(sql: string, dialect: Dialect): string | undefined {
  try {
    const parsed = parseSql(tokenize(sql, dialect), dialect)
    const [block] = statementBlocks(parsed)
    const conditions = conjunctsOf(parsed.map, block?.where ?? [])
    if (conditions.some(({ comparison }) => comparison?.operator === 'in' && !comparison.negated))
      return 'already batched'
    const placeholders = parsed.tokens.filter(({ kind }) => kind === 'parameter')
    const count = placeholders.reduce(
      (most, { text }, at) => Math.max(most, Number(text.slice(1)) || at + 1),
      0,
    )
    if (count > MAX_PARAMETERS) return undefined
    const parameters = Array.from({ length: count }, () => null)
    const { query } = mergeByKey([{ sql, parameters }], dialect, () => false)
    return analyzeSql(query, dialect).shape
  } catch {
    // A statement that cannot be merged by key has no fix.
    return undefined
  }
}
