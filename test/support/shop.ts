import type { Dialect } from '@sluice/core'
import { type Database, insertRows } from './shop-rows.ts'

const CUSTOMERS = 3_000
const ORDERS = 40_000

const types: Readonly<
  Record<Dialect, { readonly text: string; readonly key: string; readonly time: string }>
> = {
  sqlite: { text: 'TEXT', key: 'INTEGER PRIMARY KEY', time: 'TEXT' },
  postgresql: { text: 'TEXT', key: 'INTEGER PRIMARY KEY', time: 'TIMESTAMP' },
  mysql: { text: 'VARCHAR(100)', key: 'INTEGER PRIMARY KEY', time: 'DATETIME' },
}

/**
 * A shop without secondary indexes: customers, of whom few order often, and their orders, 2% of which are
 * open. Statements contain no schema name.
 */
export async function createShop(database: Database, dialect: Dialect): Promise<void> {
  const { text, key, time } = types[dialect]
  await database.exec(
    `CREATE TABLE customers (id ${key}, email ${text} NOT NULL, name ${text} NOT NULL, country ${text} NOT NULL)`,
  )
  await database.exec(
    `CREATE TABLE orders (id ${key}, customer_id INTEGER NOT NULL, status ${text} NOT NULL, total INTEGER NOT NULL, placed_at ${time} NOT NULL, note ${text})`,
  )
  const customers = Array.from({ length: CUSTOMERS }, (_, at) => [
    at + 1,
    `c${at}@example.org`,
    `Customer ${(at * 7919) % CUSTOMERS}`,
    `C${at % 40}`,
  ])
  const orders = Array.from({ length: ORDERS }, (_, at) => {
    const customer = 1 + Math.floor(CUSTOMERS * ((at * 0.754877666) % 1) ** 2)
    const placed = new Date(Date.UTC(2025, 0, 1) + ((at * 48_271) % ORDERS) * 600_000)
      .toISOString()
      .slice(0, 19)
      .replace('T', ' ')
    return [
      at + 1,
      customer,
      at % 50 === 0 ? 'open' : at % 3 === 0 ? 'sent' : 'done',
      (at * 31) % 1_000,
      placed,
      null,
    ]
  })
  await insertRows(database, 'customers', customers)
  await insertRows(database, 'orders', orders)
}
