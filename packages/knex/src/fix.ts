const NAME = '(?:[\\w$]+|"(?:[^"]|"")+"|`(?:[^`]|``)+`)'
const PATH = `${NAME}(?:\\.${NAME})*`
const CONDITION = `${PATH} = \\?`
const BY_KEY = new RegExp(
  `^select (?<items>.+?) from (?<table>${PATH}(?: as ${NAME})?) where (?<where>${CONDITION}(?: and ${CONDITION})*)` +
    `(?: order by (?<order>${PATH}(?: asc| desc)?(?:, ${PATH}(?: asc| desc)?)*))?(?<limit> limit \\?)?$`,
  'i',
)
const COLUMN = new RegExp(`^(?:${PATH}\\.)?\\*$|^${PATH}(?: as ${NAME})?$`, 'i')
const AGGREGATE = new RegExp(`^(count|sum|avg|min|max)\\((distinct )?(\\*|${PATH})\\)( as ${NAME})?$`, 'i')

/**
 * How to ask once what a select by key asks again and again, as Knex code. `keys` are the values of the key, of a composite one a list each.
 *
 * @param shape - The SQL without its values.
 * @returns `undefined` for what is no plain select by equality from one table, and for the first few of each key.
 */
export function fixForSql(shape: string): string | undefined {
  if (shape.endsWith('…')) return undefined
  const { items, table, where, order, limit } = BY_KEY.exec(shape)?.groups ?? {}
  if (items === undefined || table === undefined || where === undefined) return undefined
  const keys = where.split(/ and /i).map((condition) => condition.slice(0, -' = ?'.length))
  if ([table, ...keys].some(isOdd)) return undefined
  const start = `db(${quote(table)}).whereIn(${keys.length === 1 ? quote(keys[0] ?? '') : `[${list(keys)}]`}, keys)`
  const parts = items.split(', ')
  if (parts.every((item) => AGGREGATE.test(item) && !isOdd(item))) {
    return order === undefined ? `${start}.groupBy(${list(keys)}).select(${list(keys)})${parts.map(aggregate).join('')}` : undefined
  }
  if (!parts.every((item) => COLUMN.test(item) && !isOdd(item))) return undefined
  // With an order, a limit picks some rows of each key; without one, it is `first()` by a key that has one row.
  if (order !== undefined && limit !== undefined) return undefined
  const orders = (order ?? '').split(', ').filter((one) => one !== '')
  return orders.some(isOdd) ? undefined : `${start}${select(parts, keys)}${orders.map(orderBy).join('')}`
}

function select(items: readonly string[], keys: readonly string[]): string {
  if (items.length === 1 && items[0] === '*') return ''
  // Rows are told apart by their keys.
  const missing = items.some((item) => item.endsWith('*')) ? [] : keys.filter((key) => !items.includes(key))
  return `.select(${list([...missing, ...items])})`
}

function aggregate(item: string): string {
  const [, name = '', distinct, column = '', alias = ''] = AGGREGATE.exec(item) ?? []
  return `.${name.toLowerCase()}${distinct === undefined ? '' : 'Distinct'}(${quote(`${column}${alias}`)})`
}

function orderBy(order: string): string {
  const [, column = order, direction] = /^(.*) (asc|desc)$/i.exec(order) ?? []
  return `.orderBy(${quote(column)}${direction === undefined ? '' : `, '${direction.toLowerCase()}'`})`
}

/** Whether quoted names hold what Knex would read in another way: a dot, an alias, a quote, a list, the end of a condition. */
function isOdd(text: string): boolean {
  return (text.match(/"(?:[^"]|"")+"|`(?:[^`]|``)+`/g) ?? []).some((name) => /[.,"`?]| as | and /i.test(name.slice(1, -1)))
}

function list(names: readonly string[]): string {
  return names.map(quote).join(', ')
}

/** A name as Knex takes it: without the database's quotes. */
function quote(name: string): string {
  return `'${name.replace(/["`]/g, '').replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
