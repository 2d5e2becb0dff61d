import {
  type Aggregate,
  type AggregateOutput,
  EQUALS,
  type Filter,
  type Order,
  type SelectParts,
} from '../lookups/select-parts.ts'
import type { KnexReason } from '../reasons.ts'
import { isPlain } from './builder.ts'
import { flatStatements } from './condition-groups.ts'
import type { BuilderInternals, Statement } from './types.ts'

const COMPARISONS = new Set(['=', '<', '>', '<=', '>=', '<>', '!=', 'like', 'not like', 'ilike', 'not ilike'])
const AGGREGATES = new Set(['count', 'sum', 'min', 'max', 'avg'])
const SINGLES = new Set(['table', 'only', 'schema', 'limit', 'offset', 'skipBinding', 'pluck'])
const NO_AGGREGATES: readonly Aggregate[] = []
const NO_NAMES: readonly string[] = []
const NO_ORDERS: readonly Order[] = []

/**
 * Describes a builder that selects from one table with conditions combined by AND; otherwise returns the
 * reason why the builder is different.
 */
export function selectParts(builder: BuilderInternals): SelectParts | KnexReason {
  const { _method: method, _single: single } = builder
  if (single === undefined || builder._statements === undefined) return 'NOT_BY_KEY'
  if (method !== 'select' && method !== 'first' && method !== 'pluck') return 'NOT_BY_KEY'
  if (!isPlain(builder) || (builder._comments?.length ?? 0) > 0) return 'BUILDER_WITH_OPTIONS'
  const { table, schema, only, pluck } = single
  if (typeof table !== 'string' || only === true || (schema !== undefined && typeof schema !== 'string'))
    return 'NO_PLAIN_TABLE'
  for (const name in single)
    if (!SINGLES.has(name) && single[name] !== undefined) return `UNSUPPORTED_CLAUSE:${name}`
  const { limit, offset = 0 } = single
  if (limit !== undefined && !(typeof limit === 'number' && limit > 0)) return 'UNSUPPORTED_LIMIT'
  if (offset !== null && (typeof offset !== 'number' || (offset > 0 && limit === undefined)))
    return 'UNSUPPORTED_LIMIT'
  const statements = flatStatements(builder)
  if (statements === undefined) return 'UNSUPPORTED_FILTER'
  const filters: Filter[] = []
  let columns: string[] | undefined
  let aggregates: Aggregate[] | undefined
  let groups: string[] | undefined
  let orders: Order[] | undefined
  for (let at = 0; at < statements.length; at++) {
    const statement = statements[at] as Statement
    const { grouping, type, value } = statement
    if (grouping === 'where') {
      const filter = filterOf(statement, at)
      if (filter === undefined) return 'UNSUPPORTED_FILTER'
      filters.push(withoutList(filter))
    } else if (grouping === 'columns' && type === undefined) {
      if (statement.distinct !== undefined || statement.distinctOn !== undefined || !isTexts(value))
        return 'UNSUPPORTED_COLUMNS'
      columns = columns === undefined ? value : [...columns, ...value]
    } else if (grouping === 'columns' && type === 'pluck') {
      // Knex reads a value from a row by a path, in which brackets have a special meaning.
      if (
        typeof value !== 'string' ||
        value !== pluck ||
        columns !== undefined ||
        !/^(?:\w+\.)*\w+$/.test(value)
      )
        return 'UNSUPPORTED_COLUMNS'
      columns = [value]
    } else if (grouping === 'columns' && type === 'aggregate') {
      const aggregate = aggregateOf(statement)
      if (aggregate === undefined) return 'UNSUPPORTED_AGGREGATE'
      aggregates = [...(aggregates ?? []), aggregate]
    } else if (grouping === 'group' && type === 'groupByBasic' && isTexts(value))
      groups = [...(groups ?? []), ...value]
    else if (grouping === 'order' && type === 'orderByBasic') {
      const { direction, nulls } = statement
      if (typeof value !== 'string' || !isOptionalText(direction) || !isOptionalText(nulls))
        return 'UNSUPPORTED_ORDER'
      orders = [...(orders ?? []), { column: value, direction, nulls: nulls === '' ? undefined : nulls }]
    } else return `UNSUPPORTED_CLAUSE:${String(grouping)}`
  }
  return {
    method,
    table,
    schema,
    statements,
    filters,
    columns: columns ?? NO_NAMES,
    aggregates: aggregates ?? NO_AGGREGATES,
    groups: groups ?? NO_NAMES,
    orders: orders ?? NO_ORDERS,
    limit: method === 'first' ? undefined : limit,
    offset: offset ?? 0,
  }
}

/** A listing of the rows of one table, regardless of conditions and order. */
export interface ListingParts {
  readonly method: string
  readonly table: string
  readonly schema: string | undefined
  /** Selected columns as written; empty for all. */
  readonly columns: readonly string[]
  /** Conditions and order of the rows, without values; `undefined` if only the SQL shows them. */
  readonly conditions: readonly unknown[] | undefined
}

/** Describes a builder that lists rows of one table; `undefined` for any other builder. */
export function listingParts(builder: BuilderInternals): ListingParts | undefined {
  const { _method: method, _single: single, _statements: statements } = builder
  if ((method !== 'select' && method !== 'first') || single === undefined || statements === undefined)
    return undefined
  const { table, schema, only, limit, offset } = single
  if (typeof table !== 'string' || only === true || (schema !== undefined && typeof schema !== 'string'))
    return undefined
  for (const name in single) if (!SINGLES.has(name) && single[name] !== undefined) return undefined
  let columns: readonly string[] = NO_NAMES
  const conditions: unknown[] = [limit !== undefined, offset !== undefined]
  let isPlainest = true
  for (let at = 0; at < statements.length; at++) {
    const statement = statements[at] as Statement
    const { grouping, type, value } = statement
    if (grouping === 'columns') {
      if (
        type !== undefined ||
        statement.distinct !== undefined ||
        statement.distinctOn !== undefined ||
        !isTexts(value)
      )
        return undefined
      columns = columns.length === 0 ? value : [...columns, ...value]
    } else if (grouping === 'where') {
      const filter = filterOf(statement, at)
      if (filter === undefined) isPlainest = false
      else conditions.push(filter.column, filter.form)
    } else if (grouping === 'order') {
      const { direction, nulls } = statement
      if (typeof value !== 'string' || !isOptionalText(direction) || !isOptionalText(nulls))
        isPlainest = false
      else conditions.push(grouping, value, direction, nulls)
    } else return undefined
  }
  return { method, table, schema, columns, conditions: isPlainest ? conditions : undefined }
}

/**
 * `undefined` for a clause that does not compare a plain column with values, or that is an alternative to a
 * different condition.
 */
function filterOf(
  { type, column, operator, value, not, bool, asColumn }: Statement,
  at: number,
): Filter | undefined {
  if (bool !== 'and' || typeof column !== 'string' || (asColumn !== undefined && asColumn !== false))
    return undefined
  const negation = not === true ? 'not ' : ''
  switch (type) {
    case 'whereBasic':
      if (typeof operator !== 'string' || !COMPARISONS.has(operator.toLowerCase())) return undefined
      if (operator === '=' && not === false && isKeyValue(value)) return { column, form: EQUALS, value, at }
      return { column, form: `${negation}${operator} value`, value, at }
    case 'whereIn':
    case 'whereBetween':
      return Array.isArray(value) ? { column, form: `${negation}${type}`, value, at } : undefined
    case 'whereLike':
    case 'whereILike':
      return { column, form: `${negation}${type}`, value, at }
    case 'whereNull':
      return { column, form: `${negation}${type}`, value: null, at }
    default:
      return undefined
  }
}

/** A list of one value is a value. */
function withoutList(filter: Filter): Filter {
  const { form, value } = filter
  return form === 'whereIn' && Array.isArray(value) && value.length === 1 && isKeyValue(value[0])
    ? { ...filter, form: EQUALS, value: value[0] }
    : filter
}

function isKeyValue(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint'
}

function aggregateOf({ method, value, aggregateDistinct, alias }: Statement): Aggregate | undefined {
  if (typeof method !== 'string' || !AGGREGATES.has(method) || !isOptionalText(alias)) return undefined
  const outputs = outputsOf(value, alias)
  return outputs === undefined ? undefined : { method, isDistinct: aggregateDistinct === true, outputs }
}

/** `'views'`, `'views as v'`, `['a', 'b']`, `{ v: 'views', ab: ['a', 'b'] }`. */
function outputsOf(value: unknown, alias: string | undefined): AggregateOutput[] | undefined {
  if (typeof value === 'string') {
    const at = value.toLowerCase().indexOf(' as ')
    return [
      at === -1 ? { columns: [value], alias } : { columns: [value.slice(0, at)], alias: value.slice(at + 4) },
    ]
  }
  if (isTexts(value)) return [{ columns: value, alias: undefined }]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const outputs: AggregateOutput[] = []
  for (const [name, columns] of Object.entries(value)) {
    if (typeof columns === 'string') outputs.push({ columns: [columns], alias: name })
    else if (isTexts(columns)) outputs.push({ columns, alias: name })
    else return undefined
  }
  return outputs
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}
