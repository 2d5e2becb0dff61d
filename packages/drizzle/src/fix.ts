import {
  type EqualitySelect,
  type SelectAggregate,
  type SelectColumn,
  type SelectCondition,
  type SelectOrder,
  sameValueNote,
} from '@sluice/core/adapter'

/**
 * Drizzle code that runs a repeated select by key once. `keys` contains the values of the key. The other
 * conditions stay, with `value` instead of their values. Tables and columns have their names in the database,
 * because the SQL does not contain those of the schema's exports.
 *
 * @returns `undefined` for a composite key, if a limit selects only some rows of each key, and for names that
 * are not identifiers.
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
  const [path, ...others] = keys
  const from = table.path.at(-1) ?? ''
  const all = [...columns, ...aggregates, ...conditions, ...order].map((one) => one.path.at(-1) ?? '')
  const names = [from, path?.at(-1) ?? '', ...all.filter((name) => name !== '*')]
  if (path === undefined || others.length > 0 || !names.every(isIdentifier)) return undefined
  const isGrouped = aggregates.length > 0
  // With an order, a limit selects some rows of each key; without one, the key has one row.
  if (order.length > 0 && (isLimited || isGrouped)) return undefined
  const of = (column: readonly string[]) => `${from}.${column.at(-1)}`
  const wheres = [`inArray(${of(path)}, keys)`, ...conditions.map((condition) => conditionOf(condition, of))]
  const code = [
    `db.select(${isGrouped ? groups(path, aggregates, of) : fields(columns, path, of)}).from(${from})`,
    `.where(${wheres.length === 1 ? wheres[0] : `and(${wheres.join(', ')})`})`,
    isGrouped ? `.groupBy(${of(path)})` : '',
    order.length === 0 ? '' : `.orderBy(${order.map((one) => orderOf(one, of)).join(', ')})`,
    sameValueNote(conditions),
  ]
  return code.join('')
}

type ColumnText = (path: readonly string[]) => string

const COMPARISONS = { '<>': 'ne', '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' } as const

function conditionOf({ path, operator, negated }: SelectCondition, of: ColumnText): string {
  const column = of(path)
  switch (operator) {
    case 'is null':
      return `isNull(${column})`
    case 'is not null':
      return `isNotNull(${column})`
    case 'between':
      return `${negated ? 'notBetween' : 'between'}(${column}, ...value)`
    case 'in':
      return `${negated ? 'notInArray' : 'inArray'}(${column}, value)`
    default:
      return `${COMPARISONS[operator]}(${column}, value)`
  }
}

/** The fields of the result. Rows are distinguished by their key. */
function fields(columns: readonly SelectColumn[], key: readonly string[], of: ColumnText): string {
  if (columns.some(({ path }) => path.at(-1) === '*')) return ''
  const named = new Map(columns.map(({ path, alias }) => [alias ?? path.at(-1) ?? '', of(path)]))
  if (![...named.values()].includes(of(key))) named.set(key.at(-1) ?? '', of(key))
  return `{ ${[...named].map(([name, column]) => `${name}: ${column}`).join(', ')} }`
}

function groups(key: readonly string[], aggregates: readonly SelectAggregate[], of: ColumnText): string {
  const items = aggregates.map(({ name, isDistinct, path, alias }) => {
    const column = path.at(-1) === '*' ? '' : of(path)
    const call = `${name}${isDistinct ? 'Distinct' : ''}(${column})`
    return `${alias !== undefined && isIdentifier(alias) ? alias : name}: ${call}`
  })
  return `{ ${[`${key.at(-1)}: ${of(key)}`, ...items].join(', ')} }`
}

function orderOf({ path, descending }: SelectOrder, of: ColumnText): string {
  return descending ? `desc(${of(path)})` : of(path)
}

function isIdentifier(name: string): boolean {
  return /^[A-Za-z_$][\w$]*$/.test(name)
}
