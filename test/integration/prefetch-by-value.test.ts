import { createSluice, type Sluice } from '@sluice/core'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { withSluice as withSluiceKysely } from '@sluice/kysely'
import { and, asc, eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import knex from 'knex'
import { Kysely } from 'kysely'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'
import { kyselyDialect } from '../support/kysely-harness.ts'
import { TEST_MS } from '../support/patience.ts'

/** Lines refer to orders by the only foreign key. The IDs of lines and notes are equal by coincidence. */
const SCRIPT = (string: string) => `
  CREATE TABLE orders (id int PRIMARY KEY, code ${string} NOT NULL);
  CREATE TABLE products (sku ${string} NOT NULL UNIQUE, id int PRIMARY KEY, label ${string});
  CREATE TABLE stock (shelf int NOT NULL, sku ${string} NOT NULL, amount int, PRIMARY KEY (shelf, sku));
  CREATE TABLE notes (id int PRIMARY KEY, body ${string});
  CREATE TABLE order_lines (id int PRIMARY KEY, order_id int NOT NULL, product_sku ${string}, bay int,
    FOREIGN KEY (order_id) REFERENCES orders (id));`

const LINES = 40
/** Some lines have no product, the stock of others is missing, and some keys repeat. */
const ROWS = [
  `INSERT INTO orders VALUES (1, 'A')`,
  ...Array.from({ length: LINES }, (_, at) => {
    const sku = at % 11 === 10 ? 'NULL' : `'p${at % 30}'`
    return `INSERT INTO order_lines VALUES (${at + 1}, 1, ${sku}, ${at % 5})`
  }),
  ...Array.from({ length: LINES }, (_, at) => `INSERT INTO notes VALUES (${at + 1}, 'note ${at}')`),
  ...Array.from({ length: 28 }, (_, at) => [
    `INSERT INTO products VALUES ('p${at}', ${at + 500}, 'product ${at}')`,
    `INSERT INTO stock VALUES (${at % 5}, 'p${at}', ${at * 3})`,
  ]).flat(),
].join(';\n')

interface Line {
  readonly id: number
  readonly productSku: string | null
  readonly bay: number
}

/** The reads of a client. */
interface Client {
  lines(): Promise<readonly Line[]>
  product(sku: string): PromiseLike<unknown>
  stock(sku: string, shelf: number): PromiseLike<unknown>
  note(id: number): PromiseLike<unknown>
  close(): Promise<unknown>
}

function openKnex(database: Database, sluice: Sluice | undefined): Client {
  const bare = knex(database.knexConfig())
  const db = sluice === undefined ? bare : withSluiceKnex(bare, sluice)
  return {
    lines: async () => {
      const rows = await db('order_lines').select('id', 'product_sku', 'bay').orderBy('id')
      return rows.map(({ product_sku, ...row }) => ({ ...row, productSku: product_sku }))
    },
    product: (sku) => db('products').where({ sku }).first(),
    stock: (sku, shelf) => db('stock').where({ sku, shelf }).first(),
    note: (id) => db('notes').where({ id }).first(),
    close: () => db.destroy(),
  }
}

interface Tables {
  order_lines: { id: number; product_sku: string | null; bay: number }
  products: { sku: string; id: number; label: string }
  stock: { shelf: number; sku: string; amount: number }
  notes: { id: number; body: string }
}

function openKysely(database: Database, sluice: Sluice | undefined): Client {
  const dialect = kyselyDialect(database)
  const db = new Kysely<Tables>({
    dialect: sluice === undefined ? dialect : withSluiceKysely(dialect, sluice),
  })
  return {
    lines: () =>
      db.selectFrom('order_lines').select(['id', 'product_sku as productSku', 'bay']).orderBy('id').execute(),
    product: (sku) => db.selectFrom('products').selectAll().where('sku', '=', sku).executeTakeFirst(),
    stock: (sku, shelf) =>
      db.selectFrom('stock').selectAll().where('sku', '=', sku).where('shelf', '=', shelf).executeTakeFirst(),
    note: (id) => db.selectFrom('notes').selectAll().where('id', '=', id).executeTakeFirst(),
    close: () => db.destroy(),
  }
}

const tables = {
  lines: pgTable('order_lines', {
    id: integer().primaryKey(),
    productSku: text('product_sku'),
    bay: integer().notNull(),
  }),
  products: pgTable('products', { sku: text().notNull(), id: integer().primaryKey(), label: text() }),
  stock: pgTable('stock', { shelf: integer().notNull(), sku: text().notNull(), amount: integer() }),
  notes: pgTable('notes', { id: integer().primaryKey(), body: text() }),
}

function openDrizzle({ url }: Database, sluice: Sluice | undefined): Client {
  const pool = new pg.Pool({ connectionString: url, max: 3 })
  pool.on('error', () => {})
  const db = drizzle({ client: sluice === undefined ? pool : withSluiceDrizzle(pool, sluice) })
  const { lines, products, stock, notes } = tables
  return {
    lines: async () => await db.select().from(lines).orderBy(asc(lines.id)),
    product: (sku) => db.select().from(products).where(eq(products.sku, sku)),
    stock: (sku, shelf) =>
      db
        .select()
        .from(stock)
        .where(and(eq(stock.sku, sku), eq(stock.shelf, shelf))),
    note: (id) => db.select().from(notes).where(eq(notes.id, id)),
    close: () => pool.end(),
  }
}

/** On SQLite, Sluice only observes Drizzle. */
const CLIENTS = [
  ['Knex', openKnex, ['SQLite', 'PostgreSQL', 'MariaDB']],
  ['Kysely', openKysely, ['SQLite', 'PostgreSQL', 'MariaDB']],
  ['Drizzle', openDrizzle, ['PostgreSQL']],
] as const

describe.each(databases())('loops by keys without foreign keys on $name', (kind) => {
  const { name, dialect, connect, skipped } = kind
  const clients = CLIENTS.filter(([, , on]) => (on as readonly string[]).includes(name))
  describe.skipIf(skipped !== undefined).each(clients)('in %s', (_, open) => {
    let database: Database
    let sluice: Sluice
    let bare: Client
    let own: Client

    beforeAll(async () => {
      database = await connect()
      // Sluice does not batch strings whose collation can treat different strings as equal.
      await database.exec(SCRIPT(dialect === 'mysql' ? 'varchar(40) COLLATE utf8mb4_bin' : 'text'))
      await database.exec(ROWS)
      sluice = createSluice({ mode: 'optimize', cache: false })
      bare = open(database, undefined)
      own = open(database, sluice)
      await own.note(1)
      await catalogsRead(sluice)
    }, TEST_MS)
    afterAll(async () => {
      await bare?.close()
      await own?.close()
      await sluice?.close()
      await database?.drop()
    })
    afterEach(() => {
      expect(sluice.queries.getStats().errors).toBe(0)
    })

    /** Runs a loop without Sluice and twice with it. Returns the number of queries of the last two runs. */
    async function queries(loop: (client: Client, line: Line) => PromiseLike<unknown>): Promise<number[]> {
      const run = async (client: Client) => {
        const found: unknown[] = []
        for (const line of await client.lines()) found.push(await loop(client, line))
        return found
      }
      const expected = await run(bare)
      const sent: number[] = []
      for (let time = 0; time < 2; time += 1) {
        const scope = sluice.openScope('test')
        expect(await scope.enter(() => run(own))).toStrictEqual(expected)
        sent.push(scope.end().queries)
      }
      return sent
    }

    it('prefetches by a unique key', async () => {
      const sent = await queries(async (client, { productSku }) =>
        productSku === null ? null : client.product(productSku),
      )
      expect(sent).toEqual([expect.toSatisfy((cold: number) => cold <= 8), 2])
    })

    it('prefetches by a composite key', async () => {
      const sent = await queries(async (client, { productSku, bay }) =>
        productSku === null ? null : client.stock(productSku, bay),
      )
      expect(sent).toEqual([expect.toSatisfy((cold: number) => cold <= 8), 2])
    })

    it('does not prefetch by IDs that are equal by coincidence', async () => {
      expect(await queries((client, { id }) => client.note(id))).toEqual([LINES + 1, LINES + 1])
    })
  })
})
