import type { Dialect } from '@sluice/core'
import { type CatalogData, type ColumnInfo, tableId } from '@sluice/core/adapter'

const column = (name: string, type: ColumnInfo['type'], nullable = false): ColumnInfo => ({
  name,
  type,
  nullable,
})

/** Customers with orders, and orders with items; an order may have a courier. */
export function shop(dialect: Dialect): CatalogData {
  const defaultSchema = dialect === 'postgresql' ? 'public' : dialect === 'mysql' ? 'shop' : 'main'
  const id = (name: string) => tableId(dialect, undefined, name, defaultSchema)
  const table = (
    name: string,
    columns: readonly ColumnInfo[],
    primaryKey: readonly string[],
    uniqueKeys: readonly (readonly string[])[] = [],
  ) => ({ name, kind: 'table', columns, primaryKey, uniqueKeys }) as const
  const key = (from: string, columns: string, to: string) =>
    ({
      table: id(from),
      columns: [columns],
      references: id(to),
      referencedColumns: ['id'],
      onDelete: 'Restrict',
      onUpdate: 'Restrict',
    }) as const
  return {
    dialect,
    defaultSchema,
    tables: [
      table(
        'customers',
        [column('id', 'integer'), column('email', 'text'), column('name', 'text', true)],
        ['id'],
        [['email']],
      ),
      table('couriers', [column('id', 'integer'), column('code', 'text')], ['id']),
      table(
        'orders',
        [column('id', 'integer'), column('customer_id', 'integer'), column('courier_id', 'integer', true)],
        ['id'],
      ),
      table(
        'items',
        [column('order_id', 'integer'), column('product_id', 'text'), column('note', 'text')],
        ['order_id', 'product_id'],
      ),
    ],
    foreignKeys: [
      key('orders', 'customer_id', 'customers'),
      key('orders', 'courier_id', 'couriers'),
      key('items', 'order_id', 'orders'),
    ],
  }
}
