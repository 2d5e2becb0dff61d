import type { LookupTarget } from '../pipeline/lookup.ts'
import type { RowSource } from '../pipeline/operation.ts'
import type { CatalogTable, SchemaCatalog } from '../schema/catalog.ts'
import type { TableId } from '../schema/catalog-data.ts'
import { hash } from '../shared/late-modules.ts'
import type { ReasonCode } from '../shared/reasons.ts'
import type { Dialect } from '../sql/dialect.ts'
import { MAX_SQL_LENGTH } from '../sql/tokenize.ts'
import type { QueryTree } from '../sql/tree/query-tree.ts'
import { tryReadQueryTree } from '../sql/tree/read-sql.ts'
import { FirstRows, MAX_FIRST_ROWS } from './select/first-rows.ts'
import { groundOf, type SelectGround } from './select/ground.ts'
import { type KeyColumn, keyColumnsOf } from './select/key-columns.ts'
import { LateralRows } from './select/lateral-rows.ts'
import { limitOf } from './select/limit.ts'
import { Listing } from './select/listing.ts'
import { orderColumnsOf } from './select/order-columns.ts'
import { type Output, outputsOf, type Properties, propertiesOf, type RowForm } from './select/outputs.ts'
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

/**
 * Reads how selects with this SQL string are batched. Batches only what it understands for certain: one base
 * table, joins that keep one row for each of its rows, plain columns or aggregates, conditions that all hold,
 * and a key of one or more `column = parameter`.
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
  const ground = groundOf(tree, catalog)
  if (ground === undefined) return refused('NOT_ONE_BASE_TABLE')
  if (root.isDistinct || root.groupBy.length > 0 || root.having.length > 0 || root.hasWindows === true)
    return refused('GROUPED_ROWS')
  const outputs = outputsOf(root, ground)
  const hasRows = outputs !== undefined && ground.tables.length === 1
  return {
    keyed: keyedSelect(tree, form, catalog, ground, outputs),
    rowSource: hasRows ? rowSourceOf(sql, ground.base, propertiesOf(outputs, form), form) : undefined,
    isOrdered: root.orderBy.length > 0,
  }
}

function keyedSelect(
  tree: QueryTree,
  form: RowForm,
  catalog: SchemaCatalog,
  ground: SelectGround,
  outputs: readonly Output[] | undefined,
): SelectPlan['keyed'] {
  const { root, sql, dialect, tokens, places } = tree
  if (root.subqueries.length > 0) return { refused: 'SUBQUERY' }
  if (!root.where.every((node) => node.kind === 'comparison' && node.subquery === undefined))
    return { refused: 'UNSUPPORTED_CONDITION' }
  const keys = keyColumnsOf(tree, ground, catalog)
  if (keys.length === 0) return { refused: 'NOT_BY_KEY' }
  const limit = limitOf(tree)
  if (limit === undefined) return { refused: 'UNSUPPORTED_LIMIT' }
  const keyPlaces = new Set(keys.map(({ place }) => place))
  const uses = [...places.values()].filter((place) => keyPlaces.has(place)).length
  if (keyPlaces.size < keys.length || uses > keys.length) return { refused: 'KEY_USED_TWICE' }
  // SQLite's named and numbered parameters would be renumbered among the added ones.
  const isPlain = dialect === 'postgresql' ? /^\$\d+$/ : /^\?$/
  if (![...places.keys()].every((at) => isPlain.test(tokens[at]?.text ?? '')))
    return { refused: 'NAMED_PARAMETERS' }
  if (root.clauses.outputs === undefined) return { refused: 'NO_COLUMNS' }
  const names = new Set(
    [...root.outputs, ...ground.tables.flatMap(({ table }) => table.columns)].flatMap(
      ({ name }) => name?.toLowerCase() ?? [],
    ),
  )
  const properties = propertiesOf(outputs ?? [], form)
  const facts = { tree, form, catalog, ground, keys, names, outputs, properties, limit: limit ?? undefined }
  const merged = mergedOf(facts)
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
    tables: ground.tables.map(({ table }) => table.id),
    target: { table: ground.base.id, columns: keys.map(({ column }) => column), shape: shapeOf(sql, form) },
  }
}

/** Chooses how the selects of many keys are combined. */
function mergedOf(facts: SelectFacts): Pick<KeyedSelect, 'query' | 'maxLimit'> | Refused {
  const { tree, catalog, ground, keys, limit, outputs } = facts
  if (outputs !== undefined) {
    const columns = keys.map(({ column }) => column)
    const isWhole = limit === undefined || catalog.isUniqueKey(ground.base.id, columns)
    return isWhole && limit?.hasOffset !== true
      ? { query: new Listing(facts), maxLimit: undefined }
      : firstRowsOf(facts)
  }
  if (limit?.hasOffset === true) return { refused: 'OFFSET' }
  const aggregates = aggregatesOf(tree)
  if (aggregates !== undefined)
    return canGroup(facts, aggregates)
      ? { query: new Totals(facts, aggregates), maxLimit: undefined }
      : { refused: 'UNSUPPORTED_AGGREGATE' }
  return selectsNumbers(tree) && canGroup(facts, []) && (limit?.value ?? 1) === 1 && limit !== undefined
    ? { query: new Listing(facts, true), maxLimit: 1 }
    : { refused: 'COMPUTED_COLUMNS' }
}

function firstRowsOf(facts: SelectFacts): Pick<KeyedSelect, 'query' | 'maxLimit'> | Refused {
  const { tree, ground, keys, limit } = facts
  const { dialect } = tree
  if (ground.tables.length > 1 || (limit?.value ?? 1) > MAX_FIRST_ROWS)
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
