import {
  type EqualitySelect,
  type SelectAggregate,
  type SelectColumn,
  type SelectCondition,
  type SelectOrder,
  sameValueNote,
} from '@sluice/core/adapter'

/**
 * Knex code that runs a repeated select by key once. `keys` contains the values of the key; for a composite
 * key, an array for each. The other conditions stay, with `value` instead of their values.
 *
 * @returns `undefined` if a limit selects only some rows of each key, and for names that Knex would interpret
 * differently.
 */
export function fixForSql({
  table,
  keys,
  conditions,
  columns,
  aggregates,
  order,
  isLimited,
}: EqualitySelect): string | undefined {
  const parts = [table, ...columns, ...aggregates].flatMap(({ path, alias = '' }) => [...path, alias])
  const compared = [...conditions, ...order].flatMap(({ path }) => path)
  if ([...parts, ...keys.flat(), ...compared].some(isOdd)) return undefined
  const names = keys.map((path) => path.join('.'))
  const start = `db(${quote(nameOf(table))}).whereIn(${names.length === 1 ? quote(names[0] ?? '') : `[${list(names)}]`}, keys)${conditions.map(where).join('')}`
  const end = sameValueNote(conditions)
  if (aggregates.length > 0) {
    return order.length === 0
      ? `${start}.groupBy(${list(names)}).select(${list(names)})${aggregates.map(aggregate).join('')}${end}`
      : undefined
  }
  // With an order, a limit selects some rows of each key; without one, it is `first()` by a key that has one
  // row.
  if (order.length > 0 && isLimited) return undefined
  return `${start}${select(columns, names)}${order.map(orderBy).join('')}${end}`
}

function where({ path, operator, negated }: SelectCondition): string {
  const column = quote(path.join('.'))
  const not = negated ? 'Not' : ''
  switch (operator) {
    case 'is null':
      return `.whereNull(${column})`
    case 'is not null':
      return `.whereNotNull(${column})`
    case 'between':
      return `.where${not}Between(${column}, value)`
    case 'in':
      return `.where${not}In(${column}, value)`
    default:
      return `.where(${column}, '${operator}', value)`
  }
}

function select(columns: readonly SelectColumn[], keys: readonly string[]): string {
  const items = columns.map(nameOf)
  if (items.length === 1 && items[0] === '*') return ''
  // Rows are distinguished by their keys.
  const missing = items.some((item) => item.endsWith('*')) ? [] : keys.filter((key) => !items.includes(key))
  return `.select(${list([...missing, ...items])})`
}

function aggregate(item: SelectAggregate): string {
  return `.${item.name}${item.isDistinct ? 'Distinct' : ''}(${quote(nameOf(item))})`
}

function orderBy({ path, descending }: SelectOrder): string {
  return `.orderBy(${quote(path.join('.'))}, '${descending ? 'desc' : 'asc'}')`
}

function nameOf({ path, alias }: SelectColumn): string {
  return `${path.join('.')}${alias === undefined ? '' : ` as ${alias}`}`
}

/** Whether Knex would interpret a name differently: it splits names at dots and at ` as `. */
function isOdd(name: string): boolean {
  return /[."`?]| as /i.test(name)
}

function list(names: readonly string[]): string {
  return names.map(quote).join(', ')
}

function quote(name: string): string {
  return `'${name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
