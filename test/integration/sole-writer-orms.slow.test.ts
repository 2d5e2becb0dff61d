import { createSluice, type Sluice } from '@sluice/core'
import { withSluice as withDrizzle } from '@sluice/drizzle'
import { withSluice as withKysely } from '@sluice/kysely'
import { sluiceAdapter, withSluice as withPrisma } from '@sluice/prisma'
import { Kysely } from 'kysely'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../support/database.ts'
import { kyselyDialect } from '../support/kysely-harness.ts'
import { SOON, TEST_MS } from '../support/patience.ts'
import { prismaClient } from '../support/prisma-clients.ts'
import { type SeparateServer, separateServers } from '../support/separate-servers.ts'

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Reads one row, and writes another in a table that the read does not use. */
interface Client {
  read(): Promise<unknown>
  write(): Promise<unknown>
  transaction(): Promise<unknown>
  close(): Promise<unknown>
}

type Open = (server: SeparateServer, sluice: Sluice) => Client | Promise<Client>

function kyselyClient(server: SeparateServer, sluice: Sluice): Client {
  const db = new Kysely<{ [table: string]: { id: number; v: number } }>({
    dialect: withKysely(kyselyDialect(server), sluice),
  })
  const add = (on: typeof db) =>
    on
      .updateTable('written')
      .set((of) => ({ v: of('v', '+', 1) }))
      .where('id', '=', 1)
      .execute()
  return {
    read: () => db.selectFrom('read').selectAll().where('id', '=', 1).execute(),
    write: () => add(db),
    transaction: () => db.transaction().execute(add),
    close: () => db.destroy(),
  }
}

/** The pool of a driver, with which Drizzle sends its queries. */
function poolClient({ dialect, url }: SeparateServer, sluice: Sluice): Client {
  const UPDATE = 'UPDATE written SET v = v + 1 WHERE id = 1'
  if (dialect === 'mysql') {
    const pool = withDrizzle(mysql.createPool({ uri: url, connectionLimit: 4 }), sluice)
    return {
      read: () => pool.query('SELECT id, v FROM `read` WHERE id = ?', [1]),
      write: () => pool.query(UPDATE),
      async transaction() {
        const connection = await pool.getConnection()
        await connection.beginTransaction()
        await connection.query(UPDATE)
        await connection.commit()
        connection.release()
      },
      close: () => pool.end(),
    }
  }
  const pool = withDrizzle(new pg.Pool({ connectionString: url, max: 4 }), sluice)
  return {
    read: () => pool.query('SELECT id, v FROM read WHERE id = $1', [1]),
    write: () => pool.query(UPDATE),
    async transaction() {
      const client = await pool.connect()
      for (const sql of ['BEGIN', UPDATE, 'COMMIT']) await client.query(sql)
      client.release()
    },
    close: () => pool.end(),
  }
}

async function prismaOn(server: SeparateServer, sluice: Sluice): Promise<Client> {
  const clients = await prismaClient(server.dialect, server)
  const adapter = sluiceAdapter(clients.createAdapter(), sluice)
  const bare = new clients.PrismaClient({ adapter })
  const prisma = bare.$extends(withPrisma(sluice)) as unknown as typeof bare
  let code = 0
  const create = async (on: Pick<typeof bare, 'country'>) => {
    code += 1
    return on.country.create({ data: { code: `c${code}`, name: 'one' } })
  }
  return {
    read: () => prisma.author.findMany({ where: { name: 'none' } }),
    write: () => create(prisma),
    transaction: () => prisma.$transaction((on) => create(on)),
    close: () => bare.$disconnect(),
  }
}

const opens: readonly (readonly [string, Open])[] = [
  ['Kysely', kyselyClient],
  ['the pools of Drizzle', poolClient],
  ['Prisma', prismaOn],
]

describe.each(separateServers())('results beyond their time to live on $name', (kind) => {
  describe.skipIf(kind.skipped !== undefined)('with a separate server', () => {
    let server: SeparateServer
    const closing: (() => Promise<unknown>)[] = []

    beforeAll(async () => {
      server = await kind.start()
      for (const name of kind.dialect === 'mysql' ? ['`read`', 'written'] : ['read', 'written']) {
        await server.run(`CREATE TABLE ${name} (id int PRIMARY KEY, v int)`)
        await server.run(`INSERT INTO ${name} VALUES (1, 0), (2, 0)`)
      }
      const { ddl } = await prismaClient(kind.dialect, {} as Database)
      for (const sql of ddl.split(';')) if (sql.trim() !== '') await server.run(sql)
    }, TEST_MS)

    afterEach(async () => {
      for (const close of closing.splice(0).reverse()) await close()
    })

    afterAll(() => server?.stop())

    // The driver of SQLite that Drizzle uses is synchronous, so that its reads are not cached.
    const optimized = opens.filter(([, open]) => !(open === poolClient && kind.dialect === 'sqlite'))

    it.each(optimized)('are served while this process alone writes with %s', async (_, open) => {
      const sluice = createSluice({ mode: 'optimize' })
      const errors: unknown[] = []
      sluice.on('error', (error) => errors.push(error))
      closing.push(() => sluice.close())
      const client = await open(server, sluice)
      closing.push(() => client.close())
      let isOver = false
      const writing = (async () => {
        while (!isOver) {
          // A driver adapter of Prisma for MariaDB does not report how many rows an INSERT changed.
          if (!(open === prismaOn && kind.dialect === 'mysql')) {
            await client.write()
            await client.transaction()
          }
          await sleep(20)
        }
      })()
      const extendedHits = () => sluice.getResultStats()?.extendedHits ?? 0
      const until = performance.now() + SOON.timeout
      while (extendedHits() < 20 && performance.now() < until) {
        await sluice.run(() => client.read(), { name: 'read' })
        await sleep(10)
      }
      isOver = true
      await writing
      expect(errors).toEqual([])
      expect(extendedHits()).toBeGreaterThanOrEqual(20)
    })
  })
})
