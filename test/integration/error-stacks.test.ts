import { createSluice, type Mode, type Sluice } from '@sluice/core'
import { sluiceMysql2Pool, sluicePool } from '@sluice/core/adapter'
import { withSluice as withDrizzle } from '@sluice/drizzle'
import { withSluice as withKysely } from '@sluice/kysely'
import SqliteDatabase from 'better-sqlite3'
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { Kysely, sql } from 'kysely'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'
import { kyselyDialect } from '../support/kysely-harness.ts'

const MODES: readonly Mode[] = ['observe', 'shadow', 'optimize']
const [, postgres, mariadb] = databases()

type Act = () => Promise<unknown>

async function appOuter(act: Act): Promise<unknown> {
  return await appMiddle(act)
}
function appMiddle(act: Act): Promise<unknown> {
  return appInner(act)
}
async function appInner(act: Act): Promise<unknown> {
  return await act()
}

/** The functions of the app in the stack of the error that an act throws. */
async function framesOf(act: Act): Promise<readonly string[]> {
  try {
    await appOuter(act)
  } catch (error) {
    const frames = new Set<string>()
    for (let one: unknown = error; one instanceof Error; one = one.cause)
      for (const [, name = ''] of (one.stack ?? '').matchAll(/^\s*at (?:async )?(?:Object\.)?(app\w+) \(/gm))
        frames.add(name)
    return [...frames]
  }
  throw new Error('The act succeeded.')
}

const closing: (() => Promise<unknown>)[] = []
const limit = Error.stackTraceLimit
beforeEach(() => {
  // That of Node. Vitest's is 100.
  Error.stackTraceLimit = 10
})
afterEach(async () => {
  Error.stackTraceLimit = limit
  for (const close of closing.splice(0).reverse()) await close()
})

function newSluice(mode: Mode): Sluice {
  const sluice = createSluice({ mode, cache: { ttl: 300 }, schemaCheckMs: false })
  closing.push(() => sluice.close())
  return sluice
}

/** Asserts that each act has at least the frames that it has without Sluice. */
async function expectWhole<TClient>(
  sluice: Sluice,
  bare: TClient,
  own: TClient,
  acts: Readonly<Record<string, (client: TClient) => Promise<unknown>>>,
): Promise<void> {
  for (const [name, act] of Object.entries(acts)) {
    const expected = await framesOf(() => act(bare))
    await sluice.run(async () => {
      expect(await framesOf(() => act(own)), name).toEqual(expect.arrayContaining([...expected]))
    })
  }
}

/** Runs work while the table of its statements has another name. */
async function withoutTable(database: Database, work: () => Promise<void>): Promise<void> {
  await database.exec('ALTER TABLE gone RENAME TO other')
  try {
    await work()
  } finally {
    await database.exec('ALTER TABLE other RENAME TO gone')
  }
}

describe.skipIf(postgres?.skipped !== undefined)('the stack of an error of PostgreSQL', () => {
  let database: Database
  beforeAll(async () => {
    database = (await postgres?.connect()) as Database
    await database.exec(`CREATE TABLE city (id integer PRIMARY KEY, name text, parent integer,
      CONSTRAINT late UNIQUE (name) DEFERRABLE INITIALLY DEFERRED); INSERT INTO city VALUES (1, 'a', 2), (2, 'b', 1), (3, 'c', 1);
      CREATE TABLE gone (id integer PRIMARY KEY, name text); INSERT INTO gone VALUES (1, 'a'), (2, 'b'), (3, 'c')`)
  })
  afterAll(() => database?.drop())

  const open = () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 3 })
    closing.push(() => pool.end())
    return pool
  }

  const BY_ID = 'SELECT * FROM gone WHERE id = $1'
  const onClient =
    (work: (client: pg.PoolClient) => Promise<unknown>) =>
    async (pool: pg.Pool): Promise<unknown> => {
      const client = await pool.connect()
      try {
        return await work(client)
      } finally {
        await client.query('ROLLBACK')
        client.release()
      }
    }
  const ACTS: Readonly<Record<string, (pool: pg.Pool) => Promise<unknown>>> = {
    'a lookup': (pool) => pool.query(BY_ID, [1]),
    'a listing': (pool) => pool.query('SELECT * FROM gone'),
    'a write': (pool) => pool.query("UPDATE gone SET name = 'x'"),
    'a constraint': (pool) => pool.query("INSERT INTO city VALUES (1, 'z')"),
    'a script': (pool) => pool.query("SELECT 1; UPDATE gone SET name = 'x'"),
    'lookups together': (pool) => Promise.all([1, 2, 3].map((id) => pool.query(BY_ID, [id]))),
    'the second of lookups together': async (pool) => {
      const [, second] = await Promise.allSettled([1, 2].map((id) => appEach(pool, id)))
      throw (second as PromiseRejectedResult).reason
    },
    'a loop': async (pool) => {
      const { rows } = await pool.query('SELECT id, parent FROM city ORDER BY id')
      let last: unknown
      for (const { parent } of rows) last = await appEach(pool, parent).catch((error: unknown) => error)
      throw last
    },
    'a query on a client': onClient((client) => client.query(BY_ID, [1])),
    'a write in a transaction': onClient(async (client) => {
      await client.query('BEGIN')
      await client.query("UPDATE gone SET name = 'x'")
    }),
    'a commit': onClient(async (client) => {
      await client.query('BEGIN')
      await client.query("INSERT INTO city VALUES (7, 'a')")
      await client.query('COMMIT')
    }),
    'a cursor': onClient((client) => client.query('FETCH nothing')),
    'a callback': (pool) =>
      new Promise((resolve, reject) => {
        pool.query(BY_ID, [1], (error, result) => (error ? reject(error) : resolve(result)))
      }),
  }
  async function appEach(pool: pg.Pool, id: number): Promise<unknown> {
    return await pool.query(BY_ID, [id])
  }

  it.each(MODES)('has the frames that it has without Sluice on a pool of pg (%s)', async (mode) => {
    const sluice = newSluice(mode)
    const pool = sluicePool(open(), sluice)
    // Its result may be cached, so the acts read other rows.
    await sluice.run(async () => void (await pool.query(BY_ID, [9])))
    if (mode !== 'observe') await catalogsRead(sluice)
    await withoutTable(database, () => expectWhole(sluice, open(), pool, ACTS))
  })
})

describe.skipIf(mariadb?.skipped !== undefined)('the stack of an error of MariaDB', () => {
  let database: Database
  beforeAll(async () => {
    database = (await mariadb?.connect()) as Database
    await database.exec('CREATE TABLE gone (id integer PRIMARY KEY, name text)')
  })
  afterAll(() => database?.drop())

  const open = () => {
    const pool = mysql.createPool({ uri: database.url, connectionLimit: 3 })
    closing.push(() => pool.end())
    return pool
  }
  const BY_ID = 'SELECT * FROM gone WHERE id = ?'
  const ACTS: Readonly<Record<string, (pool: mysql.Pool) => Promise<unknown>>> = {
    'a lookup': (pool) => pool.query(BY_ID, [1]),
    'a prepared lookup': (pool) => pool.execute(BY_ID, [1]),
    'a write': (pool) => pool.query("UPDATE gone SET name = 'x'"),
    'lookups together': (pool) => Promise.all([1, 2, 3].map((id) => pool.query(BY_ID, [id]))),
    'a query on a connection': async (pool) => {
      const connection = await pool.getConnection()
      try {
        await connection.query(BY_ID, [1])
      } finally {
        connection.release()
      }
    },
    'a write in a transaction': async (pool) => {
      const connection = await pool.getConnection()
      try {
        await connection.beginTransaction()
        await connection.query("UPDATE gone SET name = 'x'")
      } finally {
        await connection.rollback()
        connection.release()
      }
    },
  }

  it.each(MODES)('has the frames that it has without Sluice on a pool of mysql2 (%s)', async (mode) => {
    const sluice = newSluice(mode)
    const pool = sluiceMysql2Pool(open(), sluice)
    // Its result may be cached, so the acts read other rows.
    await sluice.run(async () => void (await pool.query(BY_ID, [9])))
    if (mode !== 'observe') await catalogsRead(sluice)
    await withoutTable(database, () => expectWhole(sluice, open(), pool, ACTS))
  })
})

describe('the stack of an error of SQLite', () => {
  it.each(MODES)('has the frames that it has in a synchronous Drizzle (%s)', async (mode) => {
    const sluice = newSluice(mode)
    const client = () => new SqliteDatabase(':memory:')
    await expectWhole(
      sluice,
      drizzle({ client: client() }),
      drizzle({ client: withDrizzle(client(), sluice) }),
      {
        'a read': async (db) => db.all(drizzleSql`SELECT * FROM nowhere`),
        'a write': async (db) => db.run(drizzleSql`UPDATE nowhere SET id = 1`),
      },
    )
  })
})

describe.each(databases())('the stack of an error of Kysely on $name', ({ connect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let database: Database
    beforeAll(async () => {
      database = await connect()
      await database.exec('CREATE TABLE person (id integer PRIMARY KEY, name varchar(20))')
    })
    afterAll(() => database?.drop())

    const open = (sluice?: Sluice) => {
      const dialect = kyselyDialect(database)
      const db = new Kysely<{ person: { id: number; name: string } }>({
        dialect: sluice === undefined ? dialect : withKysely(dialect, sluice),
      })
      closing.push(() => db.destroy())
      return db
    }

    it.each(MODES)('has the frames that it has without Sluice (%s)', async (mode) => {
      const sluice = newSluice(mode)
      const missing = sql<string>`missing`
      await expectWhole(sluice, open(), open(sluice), {
        'a select': (db) => db.selectFrom('person').select(missing.as('d')).execute(),
        'an update': (db) => db.updateTable('person').set({ name: missing }).execute(),
        'a delete': (db) => db.deleteFrom('person').where(missing, '=', '1').execute(),
        'an insert': (db) => db.insertInto('person').values({ id: 1, name: missing }).execute(),
        'raw SQL': (db) => sql`select missing`.execute(db),
        'a transaction': (db) =>
          db.transaction().execute((trx) => trx.selectFrom('person').select(missing.as('d')).execute()),
        'a connection': (db) =>
          db.connection().execute((one) => one.selectFrom('person').select(missing.as('d')).execute()),
      })
    })

    it.each(MODES)('ends in the file of the app (%s)', async (mode) => {
      const sluice = newSluice(mode)
      const db = open(sluice)
      for (const query of [
        db.selectFrom('person').select(sql`missing`.as('d')),
        db.updateTable('person').set({ name: sql`missing` }),
        { execute: () => sql`select missing`.execute(db) },
      ]) {
        let stack: string | undefined
        try {
          await query.execute()
        } catch (error) {
          stack = (error as Error).stack
        }
        const frames = stack?.split('\n').filter((line) => !line.includes('@vitest'))
        expect(frames?.at(-1)).toContain(import.meta.filename)
      }
    })
  })
})
