import { createSluice, memoryStore, type Sluice } from '@sluice/core'
import { sluiceMysql2Pool, sluicePool } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, type DatabaseKind, databases } from '../support/databases.ts'
import { SOON } from '../support/patience.ts'

const SQL = 'select * from cities where id = 1'

interface App {
  readonly sluice: Sluice
  /** The rows, and the names of the columns. */
  read(): Promise<readonly [rows: unknown, columns: readonly string[]]>
  /** Number of statements of the app that reached the driver. */
  sent(): number
  exec(sql: string): Promise<unknown>
}

type Open = (url: string, sluice: Sluice) => Omit<App, 'sluice'> & { close(): Promise<unknown> }

const pgApp: Open = (url, sluice) => {
  const bare = new pg.Pool({ connectionString: url })
  let sent = 0
  const query = bare.query.bind(bare) as (...args: unknown[]) => unknown
  Object.assign(bare, {
    query: (...args: unknown[]) => {
      if ((args[0] as { text?: string }).text === SQL) sent += 1
      return query(...args)
    },
  })
  const pool = sluicePool(bare, sluice)
  return {
    async read() {
      const { rows, fields } = await pool.query(SQL)
      return [rows, fields.map(({ name }) => name)]
    },
    sent: () => sent,
    exec: (sql) => pool.query(sql),
    close: () => pool.end(),
  }
}

const mysql2App: Open = (uri, sluice) => {
  const bare = mysql.createPool({ uri })
  let sent = 0
  const query = bare.query.bind(bare) as (...args: unknown[]) => unknown
  Object.assign(bare, {
    query: (...args: unknown[]) => {
      if (args[0] === SQL) sent += 1
      return query(...args)
    },
  })
  const pool = sluiceMysql2Pool(bare, sluice)
  return {
    async read() {
      const [rows, fields] = await pool.query(SQL)
      return [rows, fields.map(({ name }) => name)]
    },
    sent: () => sent,
    exec: (sql) => pool.query(sql),
    close: () => pool.end(),
  }
}

const [, postgresql, mariadb] = databases() as [DatabaseKind, DatabaseKind, DatabaseKind]

describe.each([
  { of: 'pg', kind: postgresql, open: pgApp },
  { of: 'mysql2', kind: mariadb, open: mysql2App },
])('a result from the store of another process on a pool of $of', ({ kind, open }) => {
  const { skipped } = kind
  const isSkipped = skipped !== undefined

  async function database(): Promise<Database> {
    const created = await kind.connect()
    onTestFinished(() => created.drop())
    await created.exec(
      "create table cities (id int primary key, name varchar(20)); insert into cities values (1, 'one')",
    )
    return created
  }

  /** An app as in a separate process. */
  async function process({ url }: Database, store: ReturnType<typeof memoryStore>): Promise<App> {
    const sluice = createSluice({
      mode: 'optimize',
      cache: { ttl: 300, store: store.fork() },
    })
    const { close, ...app } = open(url ?? '', sluice)
    onTestFinished(async () => {
      await close()
      await sluice.close()
    })
    await app.exec('select 1')
    await catalogsRead(sluice)
    return { sluice, ...app }
  }

  const storeHits = ({ sluice }: App) => sluice.getResultStats()?.storeHits ?? 0

  async function knowsColumns({ sluice, exec }: App, count: number): Promise<void> {
    const columns = async () => {
      await exec('select 1')
      const [cities] = hostOf(sluice).catalogs.resolve('cities')
      return hostOf(sluice)
        .catalogs.catalog(kind.dialect)
        ?.tables.get(cities ?? '')?.columns.length
    }
    await expect.poll(columns, SOON).toBe(count)
  }

  it.skipIf(isSkipped)('sends its query once, for the columns', async () => {
    const cities = await database()
    const store = memoryStore()
    const first = await process(cities, store)
    const expected = [[{ id: 1, name: 'one' }], ['id', 'name']]
    expect(await first.read()).toEqual(expected)
    const second = await process(cities, store)
    const before = storeHits(second)
    for (let times = 1; times <= 3; times++) expect(await second.read()).toEqual(expected)
    expect([storeHits(second) - before, second.sent()]).toEqual([1, 1])
  })

  it.skipIf(isSkipped)('has the columns of the current schema', async () => {
    const cities = await database()
    const store = memoryStore()
    const first = await process(cities, store)
    const second = await process(cities, store)
    await first.read()
    await second.read()
    await first.exec('alter table cities add column size int default 5')
    const expected = [[{ id: 1, name: 'one', size: 5 }], ['id', 'name', 'size']]
    for (const app of [first, second]) await knowsColumns(app, 3)
    expect(await first.read()).toEqual(expected)
    // Results are stored off the hot path.
    await new Promise((resolve) => setImmediate(resolve))
    const before = storeHits(second)
    expect(await second.read()).toEqual(expected)
    expect(storeHits(second)).toBe(before + 1)
  })
})
