import type { Dialect } from '@sluice/core'

type Kind = 'int' | 'text' | 'bool' | 'time'

interface Column {
  readonly name: string
  readonly kind: Kind
  readonly isNullable: boolean
}

/** A table of the shop. The first column of a table without an explicit key is `id`. */
export interface ShopTable {
  readonly name: string
  readonly columns: readonly Column[]
  readonly primaryKey: readonly string[]
  readonly unique: readonly string[]
  /** Existing secondary indexes of the shop. */
  readonly indexes: readonly (readonly string[])[]
  /** Column and table. */
  readonly references: readonly (readonly [string, string])[]
}

/** `name kind`, with `?` for a nullable column. */
function table(
  name: string,
  columns: string,
  {
    primaryKey = ['id'],
    unique = [],
    indexes = [],
    references = [],
  }: Partial<Omit<ShopTable, 'name' | 'columns'>> = {},
): ShopTable {
  const read = columns.split(',').map((column): Column => {
    const [, of = '', kind = '', optional] = /^\s*(\w+) (\w+)(\?)?\s*$/.exec(column) ?? []
    return { name: of, kind: kind as Kind, isNullable: optional === '?' }
  })
  return { name, columns: read, primaryKey, unique, indexes, references }
}

/** A web shop as Prisma and Knex would create it: keys, unique columns, and one existing secondary index. */
const shopTables: readonly ShopTable[] = [
  table('categories', 'id int, slug text, name text, parent_id int?', { unique: ['slug'] }),
  table('tags', 'id int, label text', { unique: ['label'] }),
  table(
    'customers',
    'id int, email text, name text, phone text, country text, city text, segment text, opted_in bool, referred_by int?, created_at time',
    { unique: ['email'] },
  ),
  table(
    'products',
    'id int, sku text, name text, brand text, category_id int, price int, stock int, active bool, created_at time, deleted_at time?',
    { unique: ['sku'], references: [['category_id', 'categories']] },
  ),
  table('product_tags', 'product_id int, tag_id int', {
    primaryKey: ['product_id', 'tag_id'],
    references: [
      ['product_id', 'products'],
      ['tag_id', 'tags'],
    ],
  }),
  table(
    'orders',
    'id int, number text, customer_id int, status text, channel text, warehouse_id int, total int, coupon_code text?, placed_at time, cancelled_at time?',
    {
      unique: ['number'],
      indexes: [['warehouse_id', 'placed_at']],
      references: [['customer_id', 'customers']],
    },
  ),
  table('order_items', 'id int, order_id int, product_id int, quantity int, price int, returned bool', {
    references: [
      ['order_id', 'orders'],
      ['product_id', 'products'],
    ],
  }),
  table(
    'shipments',
    'id int, order_id int, carrier text, tracking_number text, state text, region text, weight int, shipped_at time, delivered_at time?',
    { references: [['order_id', 'orders']] },
  ),
  table(
    'reviews',
    'id int, product_id int, customer_id int, rating int, title text, body text, status text, created_at time',
    {
      references: [
        ['product_id', 'products'],
        ['customer_id', 'customers'],
      ],
    },
  ),
  table(
    'messages',
    'id int, thread_id int, customer_id int, agent_id int?, body text, sent_at time, read_at time?',
    {
      references: [['customer_id', 'customers']],
    },
  ),
  table('events', 'id int, session_id text, kind text, customer_id int?, path text, occurred_at time'),
]

export function shopTable(name: string): ShopTable {
  const found = shopTables.find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`Expected a table of the shop, got "${name}".`)
  return found
}

/** As Prisma would write it. */
const TYPES: Readonly<Record<Dialect, Readonly<Record<Kind, string>>>> = {
  sqlite: { int: 'INTEGER', text: 'TEXT', bool: 'BOOLEAN', time: 'DATETIME' },
  postgresql: { int: 'INTEGER', text: 'TEXT', bool: 'BOOLEAN', time: 'TIMESTAMP(3)' },
  mysql: { int: 'INTEGER', text: 'VARCHAR(191)', bool: 'BOOLEAN', time: 'DATETIME(3)' },
}

/**
 * `CREATE TABLE`s, and then the statements that run after the rows are inserted. MariaDB gets no foreign
 * keys, as with Prisma's `relationMode = "prisma"`: it would automatically create an index for each, and no
 * advice would be needed.
 */
export function shopDdl(dialect: Dialect): { readonly before: string; readonly after: string } {
  const quote = (name: string) => (dialect === 'postgresql' ? `"${name}"` : `\`${name}\``)
  const list = (names: readonly string[]) => names.map(quote).join(', ')
  const before: string[] = []
  const after: string[] = []
  for (const { name, columns, primaryKey, unique, indexes, references } of shopTables) {
    const lines = columns.map((column) => {
      const isRowid = dialect === 'sqlite' && primaryKey.length === 1 && column.name === primaryKey[0]
      return `${quote(column.name)} ${TYPES[dialect][column.kind]}${column.isNullable ? '' : ' NOT NULL'}${isRowid ? ' PRIMARY KEY' : ''}`
    })
    if (dialect !== 'sqlite' || primaryKey.length > 1) lines.push(`PRIMARY KEY (${list(primaryKey)})`)
    const keys = references.map(
      ([column, other]) => `FOREIGN KEY (${quote(column)}) REFERENCES ${quote(other)} (${quote('id')})`,
    )
    if (dialect === 'sqlite') lines.push(...keys)
    before.push(`CREATE TABLE ${quote(name)} (${lines.join(', ')});`)
    if (dialect === 'postgresql') after.push(...keys.map((key) => `ALTER TABLE ${quote(name)} ADD ${key};`))
    for (const column of unique)
      after.push(
        `CREATE UNIQUE INDEX ${quote(`${name}_${column}_key`)} ON ${quote(name)} (${quote(column)});`,
      )
    for (const key of indexes)
      after.push(`CREATE INDEX ${quote(`${name}_${key.join('_')}_idx`)} ON ${quote(name)} (${list(key)});`)
  }
  return { before: before.join('\n'), after: after.join('\n') }
}
