import {
  type EqualitySelect,
  type SelectAggregate,
  type SelectColumn,
  type SelectCondition,
  type SelectOrder,
  sameValueNote,
} from '@sluice/core/adapter'

/**
 * Kysely code that runs a repeated select by key once. `keys` contains the values of the key. The other
 * conditions stay, with `value` instead of their values.
 *
 * @returns `undefined` for a composite key, if a limit selects only some rows of each key, and for names that
 * Kysely would interpret differently.
 */
export function fixForSelect({
  table,
  keys,
  conditions,
  columns,
  aggregates,
  order,
  isLimited,
}: EqualitySelect): string | undefined {
  const [key, ...others] = keys.map((path) => path.join('.'))
  const parts = [table, ...columns, ...aggregates].flatMap(({ path, alias = '' }) => [...path, alias])
  const compared = [...keys, ...conditions.map(({ path }) => path), ...order.map(({ path }) => path)].flat()
  if (key === undefined || others.length > 0 || [...parts, ...compared].some(isOdd)) return undefined
  const isGrouped = aggregates.length > 0
  // With an order, a limit selects some rows of each key; without one, the key has one row.
  if (order.length > 0 && (isLimited || isGrouped)) return undefined
  const code = [
    `db.selectFrom(${quote(nameOf(table))})`,
    isGrouped ? selectGroups(key, aggregates) : select(columns, key),
    `.where(${quote(key)}, 'in', keys)`,
    ...conditions.map(where),
    isGrouped ? `.groupBy(${quote(key)})` : '',
    ...order.map(orderBy),
    '.execute()',
    sameValueNote(conditions),
  ]
  return code.join('')
}

function where({ path, operator, negated }: SelectCondition): string {
  const column = quote(path.join('.'))
  switch (operator) {
    case 'is null':
      return `.where(${column}, 'is', null)`
    case 'is not null':
      return `.where(${column}, 'is not', null)`
    case 'between': {
      const between = `eb.between(${column}, ...value)`
      return `.where((eb) => ${negated ? `eb.not(${between})` : between})`
    }
    case 'in':
      return `.where(${column}, '${negated ? 'not in' : 'in'}', value)`
    default:
      return `.where(${column}, '${operator}', value)`
  }
}

function select(columns: readonly SelectColumn[], key: string): string {
  const items = columns.map(nameOf)
  if (items.length === 1 && items[0] === '*') return '.selectAll()'
  const whole = items.find((item) => item.endsWith('.*'))
  if (whole !== undefined && items.length === 1) return `.selectAll(${quote(whole.slice(0, -2))})`
  // Rows are distinguished by their key.
  return `.select(${list(items.includes(key) ? items : [key, ...items])})`
}

function selectGroups(key: string, aggregates: readonly SelectAggregate[]): string {
  const items = aggregates.map(({ name, isDistinct, path, alias }) => {
    const column = path.join('.')
    const call = column === '*' ? 'eb.fn.countAll()' : `eb.fn.${name}(${quote(column)})`
    return `${call}${isDistinct ? '.distinct()' : ''}.as(${quote(alias ?? name)})`
  })
  return `.select((eb) => [${[quote(key), ...items].join(', ')}])`
}

function orderBy({ path, descending }: SelectOrder): string {
  return `.orderBy(${quote(path.join('.'))}${descending ? `, 'desc'` : ''})`
}

function nameOf({ path, alias }: SelectColumn): string {
  return `${path.join('.')}${alias === undefined ? '' : ` as ${alias}`}`
}

/** Whether Kysely would interpret a name differently: it splits names at dots and at ` as `. */
function isOdd(name: string): boolean {
  return /[."`]| as /i.test(name)
}

function list(names: readonly string[]): string {
  return names.length === 1 ? quote(names[0] ?? '') : `[${names.map(quote).join(', ')}]`
}

function quote(name: string): string {
  return `'${name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
