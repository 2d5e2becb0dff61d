import type { LookupTarget } from '../pipeline/lookup.ts'
import type { RowSource } from '../pipeline/operation.ts'
import type { CatalogTable, SchemaCatalog } from '../schema/catalog.ts'
import type { TableId } from '../schema/catalog-data.ts'
import { hash } from '../shared/late-modules.ts'
import type { ReasonCode } from '../shared/reasons.ts'
import type { Dialect } from '../sql/dialect.ts'
import { MAX_SQL_LENGTH } from '../sql/tokenize.ts'
import type { QueryBlock, QueryTree } from '../sql/tree/query-tree.ts'
import { tryReadQueryTree } from '../sql/tree/read-sql.ts'
import { ColumnScope } from './select/column-scope.ts'
import { combinesRows, distinctRowsOf, type SelectRows } from './select/distinct-rows.ts'
import { FirstRows, MAX_FIRST_ROWS } from './select/first-rows.ts'
import { groundOf, type SelectGround } from './select/ground.ts'
import { type KeyColumn, keyColumnsOf } from './select/key-columns.ts'
import { LateralRows } from './select/lateral-rows.ts'
import { limitOf } from './select/limit.ts'
import { Listing } from './select/listing.ts'
import { NestedQueries } from './select/nested-queries.ts'
import { OneRow } from './select/one-row.ts'
import { orderColumnsOf } from './select/order-columns.ts'
import { type Output, outputsOf, type Properties, propertiesOf, type RowForm } from './select/outputs.ts'
import { returnsRows } from './select/row-functions.ts'
import type { BatchedQuery, SelectFacts } from './select/select-facts.ts'
import { aggregatesOf, canGroup, selectsNumbers, Totals } from './select/totals.ts'
import { UnionRows } from './select/union-rows.ts'
import { isTotalOrder, showsTies } from './total-order.ts'

/** How selects with one SQL string are batched: one query for many keys. */
export interface KeyedSelect {
  readonly keys: readonly KeyColumn[]
  /** The parameters that lookups of one group share. */
  readonly constants: readonly number[]
  /** The parameter of LIMIT, which the batched query omits. */
  readonly limitPlace: number | undefined
  /** The maximum of its value. The minimum is 1. Default: none. */
  readonly maxLimit: number | undefined
  /** The number of parameters. */
  readonly parameters: number
  /** Every table that it reads. */
  readonly tables: readonly TableId[]
  readonly target: LookupTarget
  readonly query: BatchedQuery
}

interface Refused {
  readonly refused: ReasonCode
}

/** The facts about a SELECT that batching and prefetching need. */
export interface SelectPlan {
  /** The select by key, or why it is not batched. */
  readonly keyed: KeyedSelect | Refused
  /** The table of its rows; `undefined` if they are not rows of one base table. */
  readonly rowSource: RowSource | undefined
  readonly isOrdered: boolean
}

const refused = (reason: ReasonCode, rowSource?: RowSource, isOrdered = false): SelectPlan => ({
  keyed: { refused: reason },
  rowSource,
  isOrdered,
})

/** The facts about a statement that {@link planSelect} needs besides its SQL. */
export interface PlannedRead {
  /** Whether it certainly only reads, calls no volatile function and takes no locks. */
  readonly isPlain: boolean
  /** The tables on which its result depends, or why it may depend on more than tables and parameters. */
  readonly reads: { readonly tables: readonly TableId[] } | Refused
}

/**
 * Reads how selects with this SQL string are batched. Batches only what it understands for certain: a base
 * table, joins that keep its rows apart, outputs and conditions that depend on one row each, or aggregates,
 * and a key of one or more `column = parameter` on one of the tables.
 */
export function planSelect(
  sql: string,
  dialect: Dialect,
  form: RowForm,
  catalog: SchemaCatalog,
  read: PlannedRead,
): SelectPlan {
  if (sql.length > MAX_SQL_LENGTH) return refused('STATEMENT_TOO_LONG')
  if (!read.isPlain) return refused('NOT_A_PLAIN_READ')
  const tree = tryReadQueryTree(sql, dialect)
  if (tree === undefined) return refused('UNSUPPORTED_SQL')
  const { root, tokens } = tree
  if (root.kind !== 'select' || tree.writes.length > 0 || tokens[0]?.upper !== 'SELECT')
    return refused('NOT_A_SELECT')
  const scope = new ColumnScope(catalog)
  const oneRow = new OneRow(tree, scope)
  const ground = groundOf(tree, scope, oneRow)
  const rows = ground === undefined ? distinctRowsOf(tree, scope, oneRow) : plainRowsOf(tree, ground)
  if (rows === undefined) return refused('NOT_ONE_BASE_TABLE')
  const { inner, outputs, derived } = rows
  const isPlain = inner === tree
  if (isPlain && isGrouped(root, outputs)) return refused('GROUPED_ROWS')
  const reason = refusalOfParts(inner, derived, read, new NestedQueries(inner, scope, oneRow))
  const isOfBase = outputs !== undefined && (!isPlain || rows.ground.isOneToOne)
  return {
    keyed: reason === undefined ? keyedSelect(tree, form, catalog, rows, read) : { refused: reason },
    rowSource: isOfBase ? rowSourceOf(sql, rows.ground.base, propertiesOf(outputs, form), form) : undefined,
    isOrdered: root.orderBy.length > 0,
  }
}

function plainRowsOf(tree: QueryTree, ground: SelectGround): SelectRows {
  const outputs = outputsOf(tree.root, ground)
  return { inner: tree, ground, derived: outputs, outputs }
}

function isGrouped(root: QueryBlock, outputs: readonly Output[] | undefined): boolean {
  return root.isDistinct || combinesRows(root) || (outputs !== undefined && root.aggregates !== undefined)
}

/** Returns why a part of a select may not depend on one row only. */
function refusalOfParts(
  { root, tokens }: QueryTree,
  outputs: readonly Output[] | undefined,
  { reads }: PlannedRead,
  nested: NestedQueries,
): ReasonCode | undefined {
  const conditions = [...root.where, ...root.from.flatMap(({ on }) => on)]
  const isPlain =
    root.subqueries.length === 0 &&
    root.from.every(({ subquery }) => subquery === undefined) &&
    conditions.every((node) => node.kind === 'comparison' && node.subquery === undefined) &&
    root.orderBy.every(({ column }) => column !== undefined) &&
    outputs?.every(({ column }) => column !== undefined) !== false
  if (isPlain) return undefined
  if ('refused' in reads) return reads.refused
  return returnsRows(tokens) ? 'COMPUTED_COLUMNS' : nested.refusal(root)
}

function keyedSelect(
  tree: QueryTree,
  form: RowForm,
  catalog: SchemaCatalog,
  { inner, ground, outputs }: SelectRows,
  { reads }: PlannedRead,
): SelectPlan['keyed'] {
  const { sql, dialect, root, tokens, places } = tree
  const keys = keyColumnsOf(inner, ground, catalog)
  const { at = 0 } = keys[0] ?? {}
  const table = ground.items[at]?.table
  if (table === undefined || keys.length === 0) return { refused: 'NOT_BY_KEY' }
  const limit = limitOf(tree)
  if (limit === undefined) return { refused: 'UNSUPPORTED_LIMIT' }
  const conditions = keys.flatMap((key) => [key, ...key.repeats])
  const keyPlaces = new Set(conditions.map(({ place }) => place))
  const uses = [...places.values()].filter((place) => keyPlaces.has(place)).length
  if (keyPlaces.size < keys.length || uses > conditions.length) return { refused: 'KEY_USED_TWICE' }
  // SQLite's named and numbered parameters would be renumbered among the added ones.
  const isPlain = dialect === 'postgresql' ? /^\$\d+$/ : /^\?$/
  if (![...places.keys()].every((at) => isPlain.test(tokens[at]?.text ?? '')))
    return { refused: 'NAMED_PARAMETERS' }
  if (root.clauses.outputs === undefined) return { refused: 'NO_COLUMNS' }
  const tables = 'refused' in reads ? ground.items.flatMap((item) => item.table?.id ?? []) : reads.tables
  const names = namesIn(sql, tables, catalog)
  const properties = propertiesOf(outputs ?? [], form, at)
  const facts = { tree, form, catalog, ground, keys, names, outputs, properties, limit: limit ?? undefined }
  const merged = inner === tree ? mergedOf(facts) : distinctOf(facts)
  if ('refused' in merged) return merged
  const limitPlace = limit?.place
  return {
    ...merged,
    keys,
    constants: Array.from({ length: tree.parameters }, (_, at) => at).filter(
      (at) => !keyPlaces.has(at) && (at !== limitPlace || merged.query instanceof FirstRows),
    ),
    limitPlace,
    parameters: tree.parameters,
    tables,
    target: { table: table.id, columns: keys.map(({ column }) => column), shape: shapeOf(sql, form) },
  }
}

/** Returns the names in a statement and its tables that a helper column may have, in lower case. */
function namesIn(sql: string, tables: readonly TableId[], catalog: SchemaCatalog): ReadonlySet<string> {
  const columns = tables.flatMap((id) => catalog.tables.get(id)?.columns ?? [])
  const text = [sql, ...columns.map(({ name }) => name)].join(' ').toLowerCase()
  return new Set(text.match(/sluice_\w+/g))
}

/** Chooses how the selects of many keys are combined. */
function mergedOf(facts: SelectFacts): Pick<KeyedSelect, 'query' | 'maxLimit'> | Refused {
  const { tree, catalog, ground, keys, limit, outputs } = facts
  const columns = keys.map(({ column }) => column)
  const isOfBase = keys.every(({ at }) => at === 0)
  const isWhole =
    limit === undefined || (isOfBase && ground.isOneToOne && catalog.isUniqueKey(ground.base.id, columns))
  if (outputs !== undefined && isWhole && limit?.hasOffset !== true)
    return { query: new Listing(facts), maxLimit: undefined }
  if (selectsNumbers(tree) && canGroup(facts, []) && limit?.hasOffset === false && (limit.value ?? 1) === 1)
    return { query: new Listing(facts, true), maxLimit: 1 }
  if (outputs !== undefined) return isOfBase ? firstRowsOf(facts) : { refused: 'UNSUPPORTED_LIMIT' }
  if (limit?.hasOffset === true) return { refused: 'OFFSET' }
  const aggregates = aggregatesOf(tree)
  if (aggregates === undefined) return { refused: 'COMPUTED_COLUMNS' }
  return canGroup(facts, aggregates)
    ? { query: new Totals(facts, aggregates), maxLimit: undefined }
    : { refused: 'UNSUPPORTED_AGGREGATE' }
}

/** Each key has at most one row, which contains the key. */
function distinctOf(facts: SelectFacts): Pick<KeyedSelect, 'query' | 'maxLimit'> | Refused {
  const { catalog, ground, keys, limit, properties } = facts
  const columns = keys.map(({ column }) => column)
  const isOneRow = catalog.isUniqueKey(ground.base.id, columns)
  const isComplete = keys.every(({ column, type }) => properties.has(column) && type !== 'datetime')
  if (!isOneRow || !isComplete) return { refused: 'GROUPED_ROWS' }
  return limit?.hasOffset === true
    ? { refused: 'OFFSET' }
    : { query: new Listing(facts), maxLimit: undefined }
}

function firstRowsOf(facts: SelectFacts): Pick<KeyedSelect, 'query' | 'maxLimit'> | Refused {
  const { tree, ground, keys, limit, outputs = [] } = facts
  const { dialect } = tree
  // On MySQL, the outputs are outside the query that limits the rows.
  const isPlain = ground.isSingle && outputs.every(({ column }) => column !== undefined)
  if (!ground.isOneToOne || (dialect === 'mysql' && !isPlain) || (limit?.value ?? 1) > MAX_FIRST_ROWS)
    return { refused: 'UNSUPPORTED_LIMIT' }
  const orders = orderColumnsOf(facts)
  if (orders === undefined) return { refused: 'NONDETERMINISTIC_FIRST_ROW' }
  const isTotal = isTotalOrder(
    orders.map(({ info }) => info.name),
    keys.map(({ column }) => column),
    ground.base,
  )
  const types = orders.map(({ info }) => info.type)
  // With an offset, the row before the first one can also be tied.
  if (!isTotal && (limit?.hasOffset === true || !showsTies(types, dialect)))
    return { refused: 'NONDETERMINISTIC_FIRST_ROW' }
  // SQLite runs in the app's process, so individual queries cost less.
  if (dialect === 'sqlite') return { refused: 'PAGE_ON_SQLITE' }
  if (dialect === 'mysql' && ground.base.primaryKey.length === 0) return { refused: 'UNSUPPORTED_LIMIT' }
  const FirstRowsOf = dialect === 'mysql' ? UnionRows : LateralRows
  return { query: new FirstRowsOf(facts, orders, isTotal), maxLimit: MAX_FIRST_ROWS }
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
