import { createSluice, type Sluice } from '@sluice/core'
import { sluiceMysql2Pool, sluicePool } from '@sluice/core/adapter'
import { withSluice as withKnex } from '@sluice/knex'
import { withSluice as withKysely } from '@sluice/kysely'
import { sluiceAdapter } from '@sluice/prisma'
import knex, { type Knex } from 'knex'
import { Kysely, PostgresDialect, sql } from 'kysely'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'
import { readsCatalog } from '../support/on-sent.ts'
import { SOON } from '../support/patience.ts'
import { prismaClient } from '../support/prisma-clients.ts'

const [, postgres, mariadb] = databases()

/** A client of Sluice on a pool of the app. */
interface Opened {
  /** Sends a read of the app, which makes Sluice read the catalog. */
  read(): Promise<unknown>
  /** Ends what Sluice instruments. */
  end(): Promise<unknown>
  /** Ends the pool of the app, if `end` does not. */
  endPool?(): Promise<unknown>
}

/** Calls `hold` before each statement of Sluice itself, and waits for the promise that it returns. */
type Hold = (nth: number) => Promise<unknown> | undefined

let hold: Hold = () => undefined
let sent = 0

function heldBack<T>(text: string | undefined, send: () => T): T | Promise<Awaited<T>> {
  if (!readsCatalog(text ?? '')) return send()
  sent += 1
  const holding = hold(sent)
  return holding === undefined ? send() : (holding.then(send) as Promise<Awaited<T>>)
}

interface KnexPool {
  acquire(): { readonly promise: Promise<object> }
  release(connection: object): boolean
  numPendingAcquires(): number
}

type Open = (database: Database, sluice: Sluice, size: number) => Promise<Opened>

const READ = 'select id from city where id = 1'

const pgPool: Open = async ({ url }, sluice, max) => {
  const pool = sluicePool(new pg.Pool({ connectionString: url, max, connectionTimeoutMillis: 500 }), sluice)
  return { read: () => pool.query(READ), end: () => pool.end() }
}
const pgPoolOfApp: Open = async ({ url }, sluice, max) => {
  const pool = new pg.Pool({ connectionString: url, max })
  const standIn = sluicePool(pool, sluice)
  return { read: () => standIn.query(READ), end: () => pool.end() }
}
const kyselyDb: Open = async ({ url }, sluice, max) => {
  const pool = new pg.Pool({ connectionString: url, max })
  const db = new Kysely<never>({ dialect: withKysely(new PostgresDialect({ pool }), sluice) })
  return { read: () => sql.raw(READ).execute(db), end: () => db.destroy() }
}
const knexOf = (config: Knex.Config, sluice: Sluice) => {
  const db = withKnex(knex({ client: 'pg', ...config }), sluice)
  return { read: async () => await db('city').where({ id: 1 }).select('id'), end: () => db.destroy() }
}
const knexDb: Open = async ({ url }, sluice, max) =>
  knexOf({ connection: url, pool: { min: 0, max }, acquireConnectionTimeout: 500 }, sluice)
const knexOnPool: Open = async ({ url }, sluice, max) => {
  const owner = knex({ client: 'pg', connection: url, pool: { min: 0, max } })
  const { pool } = owner.client as { readonly pool: NonNullable<Knex.Config['connectionPool']> }
  return { ...knexOf({ connectionPool: pool }, sluice), endPool: () => owner.destroy() }
}
const prismaDb: Open = async (database, sluice) => {
  const { PrismaClient, createAdapter } = await prismaClient('postgresql', database)
  const factory = createAdapter()
  const connect = factory.connect.bind(factory)
  factory.connect = async () => {
    const adapter = await connect()
    const queryRaw = adapter.queryRaw.bind(adapter)
    adapter.queryRaw = async (query) => heldBack(query.sql, () => queryRaw(query))
    return adapter as never
  }
  const client = new PrismaClient({ adapter: sluiceAdapter(factory, sluice) })
  return { read: () => client.$queryRawUnsafe(READ), end: () => client.$disconnect() }
}

const CLIENTS: Readonly<Record<string, Open>> = {
  'a pool of pg': pgPool,
  'a pool of pg without its stand-in': pgPoolOfApp,
  Kysely: kyselyDb,
  Knex: knexDb,
  'Knex on a pool of the app': knexOnPool,
  Prisma: prismaDb,
}

/** Holds back all statements of Sluice until they are released. `holding` resolves at the first one. */
function holdStatements(): { readonly holding: Promise<void>; readonly release: () => void } {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const holding = new Promise<void>((resolve) => {
    hold = () => {
      resolve()
      return released
    }
  })
  return { holding, release }
}

describe.skipIf(postgres?.skipped !== undefined)('the end of a client during a read of the catalog', () => {
  let database: Database
  beforeAll(async () => {
    database = (await postgres?.connect()) as Database
    await database.exec('create table city (id integer primary key); insert into city values (1)')
  })
  afterAll(() => database?.drop())

  const connections = async (): Promise<number> => {
    const [row] = await database.query(
      'select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    return Number(row?.n)
  }

  beforeEach(() => {
    sent = 0
    const { query } = pg.Client.prototype
    const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
      this: pg.Client,
      ...args: unknown[]
    ) {
      const [first] = args
      const text = typeof first === 'string' ? first : (first as { readonly text?: string }).text
      return heldBack(text, () => (query as (...args: unknown[]) => unknown).apply(this, args))
    } as never)
    return () => {
      spy.mockRestore()
      hold = () => undefined
    }
  })

  const cases = Object.entries(CLIENTS).flatMap(([name, open]) =>
    [1, 2, 5, 9].flatMap((step) =>
      ['the client', 'Sluice'].map((ended) => ({ name, open, step, ended }) as const),
    ),
  )

  it.each(cases)(
    '$name: leaves no connection if $ended ends at statement $step',
    async ({ open, step, ended }) => {
      const sluice = createSluice({ mode: 'optimize' })
      const errors: unknown[] = []
      sluice.on('error', (error) => errors.push(error))
      const client = await open(database, sluice, 2)
      const end = async () => void (await (ended === 'Sluice' ? sluice.close() : client.end()))
      let reading: Promise<unknown> | undefined
      const reached = new Promise<void>((resolve) => {
        hold = (nth) => {
          // The app's own statement has ended.
          if (nth === step) return reading?.then(() => resolve())
          if (nth > step) errors.push(new Error('Sluice sent a statement after the end.'))
          return undefined
        }
      })
      reading = sluice.run(client.read)
      await reading
      await reached
      await end()
      await (ended === 'Sluice' ? client.end() : sluice.close())
      await client.endPool?.()
      expect(errors).toEqual([])
      await expect.poll(connections, SOON).toBe(0)
    },
  )

  it.each(Object.entries({ 'a pool of pg': pgPool, Knex: knexDb }))(
    '%s with one connection: the app waits for no statement of Sluice',
    async (_, open) => {
      const sluice = createSluice({ mode: 'optimize' })
      const client = await open(database, sluice, 1)
      const { holding, release } = holdStatements()
      await sluice.run(client.read)
      await holding
      await sluice.run(client.read)
      release()
      await catalogsRead(sluice)
      await client.end()
      await sluice.close()
    },
  )

  it('Knex on a pool of the app: reads the catalog of the database of the pool', async () => {
    const sluice = createSluice({ mode: 'optimize' })
    const { hostname, port, username, password } = new URL(database.url)
    // The database that a client without settings uses.
    const other = {
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: username,
      PGPASSWORD: password,
      PGDATABASE: 'postgres',
    }
    for (const [name, value] of Object.entries(other)) vi.stubEnv(name, value)
    const client = await knexOnPool(database, sluice, 2)
    await sluice.run(client.read)
    await catalogsRead(sluice)
    vi.unstubAllEnvs()
    // It throws for a table that the catalog does not contain.
    expect(() => sluice.invalidate('city')).not.toThrow()
    await client.end()
    await client.endPool?.()
    await sluice.close()
  })

  it('Knex on a pool of the app: ends while the app holds each connection', async () => {
    const sluice = createSluice({ mode: 'optimize' })
    const owner = knex({ client: 'pg', connection: database.url, pool: { min: 0, max: 1 } })
    const { pool } = owner.client as { readonly pool: KnexPool }
    const { read, end } = knexOf({ connectionPool: pool } as Knex.Config, sluice)
    const { holding, release } = holdStatements()
    // The read does not wait for the catalog, whose statement is held.
    await sluice.run(() => sluice.bypass(read))
    await holding
    const taken = pool.acquire().promise
    release()
    const connection = await taken
    await vi.waitUntil(() => pool.numPendingAcquires() === 1, SOON)
    await end()
    pool.release(connection)
    await owner.destroy()
    await sluice.close()
    await expect.poll(connections, SOON).toBe(0)
  })
})

describe.skipIf(mariadb?.skipped !== undefined)('the end of a pool of mysql2', () => {
  let database: Database
  beforeAll(async () => {
    database = (await mariadb?.connect()) as Database
    await database.exec('create table city (id integer primary key)')
  })
  afterAll(() => database?.drop())

  it.each(['the client', 'Sluice'])('leaves no connection if %s ends first', async (ended) => {
    const sluice = createSluice({ mode: 'optimize' })
    const bare = mysql.createPool({ uri: database.url, connectionLimit: 1 })
    const pool = sluiceMysql2Pool(bare, sluice)
    const connection = await bare.getConnection()
    let waiting = 0
    bare.on('enqueue', () => {
      waiting += 1
    })
    const reading = sluice.run(() => pool.query('select id from city where id = 1')).catch(() => {})
    await vi.waitUntil(() => waiting === 2, SOON)
    connection.release()
    await reading
    const end = [() => pool.end(), () => sluice.close()]
    for (const run of ended === 'Sluice' ? end.reverse() : end) await run()
    const connections = async () =>
      (
        await database.query(
          'select 1 from information_schema.processlist where db = database() and id <> connection_id()',
        )
      ).length
    await expect.poll(connections, SOON).toBe(0)
  })
})
