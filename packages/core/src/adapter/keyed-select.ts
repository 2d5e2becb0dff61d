import type { LookupKey, LookupTarget } from '../pipeline/lookup.ts'
import type { RowSource } from '../pipeline/operation.ts'
import type { CatalogTable, SchemaCatalog } from '../schema/catalog.ts'
import type { ColumnType } from '../schema/catalog-data.ts'
import { hash } from '../shared/late-modules.ts'
import type { ReasonCode } from '../shared/reasons.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Range } from '../sql/token-map.ts'
import { MAX_SQL_LENGTH, type Token } from '../sql/tokenize.ts'
import type { ComparisonNode, OutputTerm, QueryBlock, QueryTree } from '../sql/tree/query-tree.ts'
import { tryReadQueryTree } from '../sql/tree/read-sql.ts'
import { chooseKey } from './choose-key.ts'
import { isKeyType } from './key-values.ts'

/** How a driver returns rows: `[1, 'a']` or `{ id: 1, name: 'a' }`. */
export type RowForm = 'arrays' | 'objects'

/** How selects with one SQL string are batched: one query for many keys. */
export interface KeyedSelect {
  readonly column: string
  readonly type: ColumnType
  /** The parameter that holds the key. */
  readonly place: number
  /** The parameters that lookups of one group share. */
  readonly constants: readonly number[]
  /** The parameter of LIMIT, which the batched query omits. Its value must be at least 1. */
  readonly limitPlace: number | undefined
  /** How many columns the batched query has at the end of each row besides those of the select. */
  readonly helpers: 0 | 1
  readonly table: CatalogTable
  readonly target: LookupTarget
  /** Returns the key of a row. */
  keyOf(row: readonly unknown[] | Readonly<Record<string, unknown>>): unknown
  /** Removes the helper column of a row. */
  strip(row: unknown[] | Record<string, unknown>): void
  /** Returns the query for many keys, with its parameters. */
  batched(
    params: readonly unknown[],
    keys: readonly LookupKey[],
  ): { readonly sql: string; readonly params: readonly unknown[] }
}

/** The facts about a SELECT that batching and prefetching need. */
export interface SelectPlan {
  /** The select by key, or why it is not batched. */
  readonly keyed: KeyedSelect | { readonly refused: ReasonCode }
  /** The table of its rows; `undefined` if they are not rows of one base table. */
  readonly rowSource: RowSource | undefined
  readonly isOrdered: boolean
}

const refused = (reason: ReasonCode, rowSource?: RowSource, isOrdered = false): SelectPlan => ({
  keyed: { refused: reason },
  rowSource,
  isOrdered,
})

/**
 * Reads how selects with this SQL string are batched. Batches only what it understands for certain: one base
 * table, plain columns, conditions that all hold, and a key that is `column = parameter`.
 *
 * @param isPlainRead - Whether the statement certainly only reads, calls no volatile function and takes no
 *   locks.
 */
export function planSelect(
  sql: string,
  dialect: Dialect,
  form: RowForm,
  catalog: SchemaCatalog,
  isPlainRead: boolean,
): SelectPlan {
  if (sql.length > MAX_SQL_LENGTH) return refused('STATEMENT_TOO_LONG')
  if (!isPlainRead) return refused('NOT_A_PLAIN_READ')
  const tree = tryReadQueryTree(sql, dialect)
  if (tree === undefined) return refused('UNSUPPORTED_SQL')
  const { root, tokens } = tree
  if (root.kind !== 'select' || tree.writes.length > 0 || tokens[0]?.upper !== 'SELECT')
    return refused('NOT_A_SELECT')
  const table = tableOf(tree, catalog)
  if (table === undefined) return refused('NOT_ONE_BASE_TABLE')
  const outputs = outputsOf(root, table)
  if (outputs === undefined) return refused('COMPUTED_COLUMNS')
  if (root.isDistinct || root.groupBy.length > 0 || root.having.length > 0 || root.hasWindows === true)
    return refused('GROUPED_ROWS')
  const names = new Set(
    [...outputs.map(({ name }) => name), ...table.columns.map(({ name }) => name)].map((name) =>
      name.toLowerCase(),
    ),
  )
  const properties = propertiesOf(outputs, form)
  const rowSource = rowSourceOf(sql, table, properties, form)
  const isOrdered = root.orderBy.length > 0
  const keyed = keyedSelect(tree, form, catalog, table, properties, freeName(names))
  return { keyed, rowSource, isOrdered }
}

function keyedSelect(
  tree: QueryTree,
  form: RowForm,
  catalog: SchemaCatalog,
  table: CatalogTable,
  properties: Properties,
  helper: string,
): SelectPlan['keyed'] {
  const { root, sql, dialect, tokens, places } = tree
  if (root.subqueries.length > 0) return { refused: 'SUBQUERY' }
  if (root.offset !== undefined) return { refused: 'OFFSET' }
  if (!root.where.every((node) => node.kind === 'comparison' && node.subquery === undefined))
    return { refused: 'UNSUPPORTED_CONDITION' }
  const candidates = new Map<string, Candidate>()
  for (const node of root.where) {
    const found = candidateOf(node as ComparisonNode, tree, table)
    if (found === undefined) continue
    candidates.delete(found.column)
    candidates.set(found.column, found)
  }
  const keys = chooseKey(candidates, catalog, table)
  const [key] = keys
  if (key === undefined) return { refused: 'NOT_BY_KEY' }
  if (keys.length > 1) return { refused: 'COMPOSITE_KEY' }
  const limit = limitOf(tree)
  if (limit === undefined) return { refused: 'UNSUPPORTED_LIMIT' }
  if (root.limit !== undefined && !catalog.isUniqueKey(table.id, [key.column]))
    return { refused: 'UNSUPPORTED_LIMIT' }
  if ([...places.values()].filter((place) => place === key.place).length !== 1)
    return { refused: 'KEY_USED_TWICE' }
  // SQLite's named and numbered parameters would be renumbered among the added ones.
  const isPlain = dialect === 'postgresql' ? /^\$\d+$/ : /^\?$/
  if (![...places.keys()].every((at) => isPlain.test(tokens[at]?.text ?? '')))
    return { refused: 'NAMED_PARAMETERS' }
  const { start, end } = limit.range ?? { start: tokens.length, end: tokens.length }
  const outputsEnd = tokens[(root.clauses.outputs?.end ?? 0) - 1]?.end
  if (outputsEnd === undefined) return { refused: 'NO_COLUMNS' }
  const offsetOf = (at: number) => tokens[at]?.start ?? sql.length
  const columnText = sql.slice(offsetOf(key.range.start), tokens[key.equals - 1]?.end)
  const conditionEnd = tokens[key.range.end - 1]?.end ?? sql.length
  const property = properties.get(key.column)
  const quote = dialect === 'mysql' ? '`' : '"'
  const select =
    property === undefined
      ? `${sql.slice(0, outputsEnd)}, ${columnText} as ${quote}${helper}${quote}`
      : sql.slice(0, outputsEnd)
  const head = `${select}${sql.slice(outputsEnd, offsetOf(key.range.start))}${columnText} in (`
  // Nothing follows the limit of a statement.
  const tail = `)${sql.slice(conditionEnd, end > start ? offsetOf(start) : sql.length)}`
  const { place } = key
  const limitPlace = limit.place
  return {
    column: key.column,
    type: key.type,
    place,
    limitPlace,
    table,
    helpers: property === undefined ? 1 : 0,
    constants: Array.from({ length: tree.parameters }, (_, at) => at).filter(
      (at) => at !== place && at !== limitPlace,
    ),
    target: { table: table.id, columns: [key.column], shape: shapeOf(sql, form) },
    keyOf: (row) =>
      Array.isArray(row)
        ? row[typeof property === 'number' ? property : row.length - 1]
        : (row as Fields)[property ?? helper],
    strip(row) {
      if (property !== undefined) return
      if (Array.isArray(row)) row.pop()
      else delete row[helper]
    },
    batched(params, asked) {
      const kept = limitPlace === undefined ? params : params.slice(0, limitPlace)
      const values = asked.map(({ values: [value] }) => value)
      if (dialect !== 'postgresql') {
        const list = values.map(() => '?').join(', ')
        return {
          sql: `${head}${list}${tail}`,
          params: [...kept.slice(0, place), ...values, ...kept.slice(place + 1)],
        }
      }
      const list = values.map((_, nth) => `$${nth === 0 ? place + 1 : kept.length + nth}`).join(', ')
      const [first, ...others] = values
      return {
        sql: `${head}${list}${tail}`,
        params: [...kept.slice(0, place), first, ...kept.slice(place + 1), ...others],
      }
    },
  }
}

type Fields = Readonly<Record<string, unknown>>

/** A condition whose column may be the key. */
interface Candidate {
  readonly column: string
  readonly type: ColumnType
  readonly place: number
  /** Its tokens without parentheses around them, and the token of its `=`. */
  readonly range: Range
  readonly equals: number
}

/** Only `column = parameter`: a cast on either side could make two keys one. */
function candidateOf(
  node: ComparisonNode,
  { tokens, places }: QueryTree,
  table: CatalogTable,
): Candidate | undefined {
  const [value] = node.values
  if (node.operator !== '=' || node.negated || node.isNullSafe === true || node.other !== undefined)
    return undefined
  if (node.values.length !== 1 || value?.kind !== 'parameter' || value.isArray === true) return undefined
  const type = table.columns.find(({ name }) => name === node.column.column)?.type
  if (type === undefined || !isKeyType(type)) return undefined
  const range = withoutParentheses(node, tokens)
  const equals = range.end - 2
  if (tokens[equals]?.text !== '=' || places.get(range.end - 1) !== value.place) return undefined
  const named = tokens.slice(range.start, equals)
  if (named.length === 0 || !isName(named)) return undefined
  return { column: node.column.column, type, place: value.place, range, equals }
}

function withoutParentheses({ start, end }: Range, tokens: readonly Token[]): Range {
  let from = start
  let to = end
  const is = (at: number, text: string) => tokens[at]?.kind === 'symbol' && tokens[at]?.text === text
  // Within a condition `column = parameter`, an opening parenthesis at the start is closed at the end.
  while (to - from > 2 && is(from, '(') && is(to - 1, ')')) {
    from += 1
    to -= 1
  }
  return { start: from, end: to }
}

/** `a`, `"a"`, `t.a`, `s.t.a`. */
export function isName(tokens: readonly Token[]): boolean {
  return (
    tokens.every(({ kind, text }, at) =>
      at % 2 === 0 ? kind === 'word' || kind === 'quoted' : text === '.',
    ) && tokens.length % 2 === 1
  )
}

/** Returns the table of FROM, if FROM contains only its name and an alias. */
function tableOf({ root, tokens }: QueryTree, catalog: SchemaCatalog): CatalogTable | undefined {
  const [from] = root.from
  const range = root.clauses.from
  if (
    root.from.length !== 1 ||
    from?.table === undefined ||
    from.subquery !== undefined ||
    range === undefined
  )
    return undefined
  const written = tokens.slice(range.start, range.end)
  if (written[0]?.upper === 'ONLY') return undefined
  const length = from.table.length * 2 - 1
  const alias = written.slice(length).filter(({ upper }) => upper !== 'AS')
  if (
    !isName(written.slice(0, length)) ||
    alias.length > 1 ||
    !alias.every(({ kind }) => kind === 'word' || kind === 'quoted')
  )
    return undefined
  return catalog.baseTable(catalog.idOf(from.table))
}

/** A column of the result. */
interface Output {
  readonly name: string
  readonly column: string
  /** Whether it is one of `*`, whose order only the database knows for certain. */
  readonly isOfStar: boolean
}

/** Returns the columns of the result in order; `undefined` unless each is a column of the table. */
function outputsOf(root: QueryBlock, table: CatalogTable): readonly Output[] | undefined {
  const outputs: Output[] = []
  for (const output of root.outputs) {
    if (output.star !== undefined)
      for (const { name } of table.columns) outputs.push({ name, column: name, isOfStar: true })
    else {
      const { name, column } = plainOutput(output, table)
      if (name === undefined || column === undefined) return undefined
      outputs.push({ name, column, isOfStar: false })
    }
  }
  return outputs.length === 0 ? undefined : outputs
}

function plainOutput(
  { name, column, aggregate, isAggregated }: OutputTerm,
  table: CatalogTable,
): Partial<Output> {
  if (column === undefined || aggregate !== undefined || isAggregated === true) return {}
  return table.columns.some((own) => own.name === column.column)
    ? { name: name ?? column.column, column: column.column }
    : {}
}

type Properties = ReadonlyMap<string, string | number>

/**
 * Returns the property of a row that contains each column, except if another output has the same name, or if
 * the property depends on the order of `*`.
 */
function propertiesOf(outputs: readonly Output[], form: RowForm): Properties {
  const properties = new Map<string, string | number>()
  if (form === 'arrays' && outputs.some(({ isOfStar }) => isOfStar)) return properties
  const timesNamed = new Map<string, number>()
  for (const { name } of outputs)
    timesNamed.set(name.toLowerCase(), (timesNamed.get(name.toLowerCase()) ?? 0) + 1)
  const seen = new Set<string>()
  for (const [at, { name, column }] of outputs.entries()) {
    if (seen.has(column)) continue
    seen.add(column)
    if (form === 'arrays') properties.set(column, at)
    else if (timesNamed.get(name.toLowerCase()) === 1) properties.set(column, name)
  }
  return properties
}

/** Returns the limit, if it is one value at the end of the statement; `undefined`: it has another form. */
function limitOf({
  root,
  tokens,
  places,
  parameters,
}: QueryTree): { readonly range?: Range; readonly place?: number } | undefined {
  const range = root.clauses.limit
  if (root.limit === undefined && range === undefined) return {}
  const { limit } = root
  if (limit === undefined || range === undefined) return undefined
  const isSimple =
    tokens[range.start]?.upper === 'LIMIT' && range.end - range.start === 2 && range.end === tokens.length
  if (!isSimple) return undefined
  if (limit.kind === 'literal') return /^[1-9]\d*$/.test(limit.text) ? { range } : undefined
  // If the limit is the last parameter, removing it leaves no gap in the numbers.
  const isLast = limit.kind === 'parameter' && limit.place === parameters - 1
  return isLast && [...places.values()].filter((place) => place === limit.place).length === 1
    ? { range, place: limit.place }
    : undefined
}

function rowSourceOf(sql: string, table: CatalogTable, properties: Properties, form: RowForm): RowSource {
  return {
    table: table.id,
    shape: shapeOf(sql, form),
    isWhole: table.columns.every(({ name }) => properties.has(name)),
    property: (column) => properties.get(column)?.toString(),
  }
}

function shapeOf(sql: string, form: RowForm): string {
  return hash('sha256', `${form} ${sql}`).slice(0, 16)
}

/** Returns a name that no column has, regardless of case. */
function freeName(taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) if (!taken.has(`sluice_key_${number}`)) return `sluice_key_${number}`
}
