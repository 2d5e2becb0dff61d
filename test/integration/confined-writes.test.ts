import { createSluice, type Sluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Database, type DatabaseKind, databases } from '../support/databases.ts'

const [sqlite, postgresql, mariadb] = databases() as [DatabaseKind, DatabaseKind, DatabaseKind]

const TABLES = 'create table other (id int primary key, v int); insert into other values (1, 1), (2, 2)'

/** A database with a table `other`, and an app that caches its reads. */
class World {
  private constructor(
    readonly database: Database,
    readonly sluice: Sluice,
    readonly db: Knex,
  ) {}

  static async open({ connect }: DatabaseKind, ...setUp: readonly string[]): Promise<World> {
    const database = await connect()
    for (const script of [TABLES, ...setUp]) await database.exec(script)
    const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
    const errors: unknown[] = []
    sluice.on('error', (error) => errors.push(error))
    const db = withSluice(knex(database.knexConfig()), sluice)
    onTestFinished(async () => {
      await db.destroy()
      await sluice.close()
      await database.drop()
      expect(errors).toEqual([])
    })
    const world = new World(database, sluice, db)
    await expect.poll(() => world.isCached((knex) => knex('other').where('id', 2))).toBe(true)
    return world
  }

  /** Whether the second of two equal reads sends nothing. */
  async isCached(read: (db: Knex) => PromiseLike<unknown>): Promise<boolean> {
    await read(this.db)
    return this.isHit(read)
  }

  async isHit(read: (db: Knex) => PromiseLike<unknown>): Promise<boolean> {
    const before = this.sluice.queries.getStats().cacheHits
    await read(this.db)
    return this.sluice.queries.getStats().cacheHits > before
  }

  /** Whether cached rows of `other` are served after `work`. */
  async keepsOther(work: (db: Knex) => PromiseLike<unknown>): Promise<boolean> {
    const read = (db: Knex) => db('other').where('id', 1)
    expect(await this.isCached(read)).toBe(true)
    await work(this.db)
    return this.isHit(read)
  }
}

describe.skipIf(postgresql.skipped !== undefined)('results of other tables on PostgreSQL', () => {
  it.each([
    "set statement_timeout = '5s'",
    "set session application_name = 'worker'",
    'reset statement_timeout',
  ])('are served after %s', async (sql) => {
    const world = await World.open(postgresql)
    expect(await world.keepsOther((db) => db.raw(sql))).toBe(true)
  })

  it('are served after a transaction with a local setting', async () => {
    const world = await World.open(postgresql)
    const work = (sql: string) => (db: Knex) =>
      db.transaction(async (transaction) => {
        await transaction.raw(sql)
        await transaction('other').where('id', 2).update({ v: 7 })
      })
    expect(await world.keepsOther(work("set local lock_timeout = '5s'"))).toBe(true)
    expect(await world.keepsOther(work('set local search_path = public'))).toBe(false)
  })
})

describe.skipIf(mariadb.skipped !== undefined)('results of other tables on MariaDB', () => {
  it('are served after a setting without influence gets a literal, and not if it calls a function', async () => {
    const world = await World.open(mariadb, 'create function f() returns int deterministic return 5')
    expect(await world.keepsOther((db) => db.raw('set session max_statement_time = 5'))).toBe(true)
    expect(await world.keepsOther((db) => db.raw('set session max_statement_time = f()'))).toBe(false)
  })
})

describe('results of other tables on SQLite', () => {
  it('are served after a checkpoint', async () => {
    const world = await World.open(sqlite)
    expect(await world.keepsOther((db) => db.raw('pragma wal_checkpoint(truncate)'))).toBe(true)
  })
})
