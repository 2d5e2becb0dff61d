import type { Dialect } from '@sluice/core'
import type { Shop } from './shop.ts'
import type { Value } from './shop-rows.ts'
import { shopTable } from './shop-tables.ts'
import type { Shape } from './workload/shape.ts'

/** A statement as an ORM sends it. */
export interface Statement {
  readonly sql: string
  /** The values of one call, as the adapter of the ORM receives them. */
  bindings(shop: Shop): readonly unknown[]
}

/**
 * Writes a shape like its ORM does, as observed with Prisma 7 and Knex 3. In the statement `` ` `` is the
 * quote of names, and `?` a placeholder. For Prisma: `{orders}` is a table, `{orders.id}` a column with
 * everything that Prisma puts before it, `{orders.*}` all columns, `{page 20 40}` a page, `{all}` the text
 * without a page, and `{starts}` and `{contains}` are patterns. Knex's `{limit 20}` is a bound one.
 */
export function statementOf(
  { orm, text, values }: Pick<Shape, 'orm' | 'text' | 'values'>,
  dialect: Dialect,
): Statement {
  const given = typeof text === 'string' ? text : text[dialect]
  const after: unknown[] = []
  const written = given.replaceAll(/\{([^{}]+)\}/g, (_, name: string) => {
    const { sql, bound } = orm === 'knex' ? knexPart(name) : prismaPart(name, dialect)
    after.push(...bound)
    return sql
  })
  return {
    sql: inDialect(written, dialect),
    bindings: (shop) => [...values(shop).map((value) => boundValue(value, dialect)), ...after],
  }
}

interface Part {
  readonly sql: string
  readonly bound: readonly unknown[]
}

function knexPart(name: string): Part {
  const [, limit] = /^limit (\d+)$/.exec(name) ?? []
  if (limit === undefined) throw new Error(`Expected a part for Knex, got "${name}".`)
  return { sql: 'limit ?', bound: [Number(limit)] }
}

function prismaPart(name: string, dialect: Dialect): Part {
  const [, take, skip = '0'] = /^page (\d+)(?: (\d+))?$/.exec(name) ?? []
  // Prisma passes limits as strings.
  if (take !== undefined) return { sql: 'LIMIT ? OFFSET ?', bound: [take, skip] }
  if (name === 'all') {
    if (dialect === 'mysql') return { sql: '', bound: [] }
    return dialect === 'sqlite'
      ? { sql: 'LIMIT ? OFFSET ?', bound: [-1, '0'] }
      : { sql: 'OFFSET ?', bound: ['0'] }
  }
  if (name === 'starts')
    return { sql: dialect === 'mysql' ? "LIKE CONCAT(?, '%')" : "LIKE (? || '%')", bound: [] }
  if (name === 'contains')
    return { sql: dialect === 'mysql' ? "LIKE CONCAT('%', ?, '%')" : "LIKE ('%' || ? || '%')", bound: [] }
  const [, returning] = /^returning (\w+)$/.exec(name) ?? []
  if (returning !== undefined) return { sql: returningOf(returning, dialect), bound: [] }
  const [, table = '', column, type] = /^(\w+)(?:\.(\w+|\*))?(:text)?$/.exec(name) ?? []
  const columns = column === '*' ? shopTable(table).columns.map((one) => one.name) : [column]
  const cast = type !== undefined && dialect === 'postgresql' ? '::text' : ''
  return { sql: columns.map((one) => `${fullName(table, one, dialect)}${cast}`).join(', '), bound: [] }
}

function fullName(table: string, column: string | undefined, dialect: Dialect): string {
  const schema = { postgresql: '`public`.', sqlite: '`main`.', mysql: '' }[dialect]
  return `${schema}\`${table}\`${column === undefined ? '' : `.\`${column}\``}`
}

function returningOf(table: string, dialect: Dialect): string {
  if (dialect === 'mysql') return ''
  const names = shopTable(table).columns.map(({ name }) => name)
  return ` RETURNING ${names.map((name) => (dialect === 'sqlite' ? `\`${name}\` AS \`${name}\`` : fullName(table, name, dialect))).join(', ')}`
}

function inDialect(text: string, dialect: Dialect): string {
  const trimmed = text.trimEnd()
  if (dialect !== 'postgresql') return trimmed
  let place = 0
  return trimmed.replaceAll('`', '"').replaceAll('?', () => {
    place += 1
    return `$${place}`
  })
}

/** A value as the ORM's driver adapter binds it. */
export function boundValue(value: Value, dialect: Dialect): unknown {
  if (dialect !== 'sqlite') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  return value instanceof Date ? value.toISOString().replace('Z', '+00:00') : value
}
