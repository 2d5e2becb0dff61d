import { createSluice, type Sluice } from '@sluice/core'
import { readCatalog } from '@sluice/core/adapter'
import type { CacheStore } from '@sluice/core/stores'
import { knexConnection, withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { describe, expect, it, onTestFinished } from 'vitest'
import { memoryStore } from '../../packages/core/src/cache/stores/memory-store.ts'
import { readFingerprint } from '../../packages/core/src/schema/schema-fingerprint.ts'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'

const [, , mariadb] = databases()

/** The database of an app, and three others of the same server that its user sees. */
interface Server {
  readonly database: Database
  readonly names: { readonly own: string; readonly crm: string; readonly geo: string; readonly wiki: string }
  /** Opens an instance with a database as its default one, with Sluice or without. */
  open(name: string, sluice?: Sluice): Knex
  sluice(store?: CacheStore): Sluice
}

async function setUp(): Promise<Server> {
  const database = (await mariadb?.connect()) as Database
  const own = new URL(database.url).pathname.slice(1)
  const names = { own, crm: `${own}_crm`, geo: `${own}_geo`, wiki: `${own}_wiki` }
  const others = [names.crm, names.geo, names.wiki]
  onTestFinished(async () => {
    await database.exec(
      `set foreign_key_checks = 0; ${others.map((name) => `drop database ${name};`).join(' ')}`,
    )
    await database.drop()
  })
  await database.exec(others.map((name) => `create database ${name};`).join(' '))
  return {
    database,
    names,
    open(name, sluice) {
      const url = new URL(database.url)
      url.pathname = name
      const bare = knex({ client: 'mysql2', connection: url.href })
      onTestFinished(() => bare.destroy())
      return sluice === undefined ? bare : withSluice(bare, sluice)
    },
    sluice(store) {
      const cache = store === undefined ? { ttl: 300 } : ({ ttl: 300, store, consistency: 'strict' } as const)
      const sluice = createSluice({ mode: 'optimize', cache, schemaCheckMs: false })
      onTestFinished(() => sluice.close())
      return sluice
    },
  }
}

/** Reads until the result is served from the cache. */
async function cached(sluice: Sluice, read: () => PromiseLike<unknown>): Promise<void> {
  const isHit = async () => {
    await read()
    const { cacheHits } = sluice.queries.getStats()
    await read()
    return sluice.queries.getStats().cacheHits > cacheHits
  }
  await expect.poll(isHit).toBe(true)
}

describe.skipIf(mariadb?.skipped !== undefined)('the catalog of a MariaDB with several databases', () => {
  it('describes the connection’s database, and those to which its keys and views refer', async () => {
    const { database, names, open } = await setUp()
    const { own, crm, geo, wiki } = names
    await database.exec(`
      create table ${geo}.country (id int primary key);
      create table ${crm}.customer (id int primary key, country int, foreign key (country) references ${geo}.country (id));
      create table orders (id int primary key, customer int, foreign key (customer) references ${crm}.customer (id));
      create table ${wiki}.page (id int primary key)`)
    const connection = knexConnection(open(own))
    const catalog = await readCatalog(connection)
    expect([...catalog.tables.keys()].toSorted()).toEqual(
      [`${own}.orders`, `${crm}.customer`, `${geo}.country`].toSorted(),
    )
    const fingerprint = () => readFingerprint(connection, catalog.databases)
    expect(await fingerprint()).toBe(catalog.fingerprint)
    await database.exec(`create table ${wiki}.note (id int primary key)`)
    expect(await fingerprint()).toBe(catalog.fingerprint)
    await database.exec(`create table ${geo}.city (id int primary key)`)
    expect(await fingerprint()).not.toBe(catalog.fingerprint)
    await database.exec(`create view pages as select id from ${wiki}.page`)
    const wider = await readCatalog(connection, catalog)
    expect(wider.tables.has(`${wiki}.page`)).toBe(true)
  })

  it('describes nothing without a database of the connection, until a statement names one', async () => {
    const { database, names, open, sluice: create } = await setUp()
    await database.exec(`create table ${names.wiki}.page (id int primary key, title varchar(20))`)
    const sluice = create()
    const db = open('', sluice)
    const pages = () => db.withSchema(names.wiki).from('page').where('id', 1)
    await cached(sluice, pages)
  })

  it('adds a database that a statement names, and caches its tables', async () => {
    const { database, names, open, sluice: create } = await setUp()
    await database.exec(`
      create table orders (id int primary key, n int);
      create table ${names.wiki}.page (id int primary key, title varchar(20));
      insert into ${names.wiki}.page values (1, 'a')`)
    const sluice = create()
    const db = open(names.own, sluice)
    const orders = () => db('orders')
    const pages = () => db.withSchema(names.wiki).from('page')
    await cached(sluice, orders)
    await cached(sluice, pages)
    await cached(sluice, orders)
    await db.withSchema(names.wiki).from('page').where('id', 1).update({ title: 'b' })
    const { cacheHits } = sluice.queries.getStats()
    expect(await pages()).toEqual([{ id: 1, title: 'b' }])
    expect(sluice.queries.getStats().cacheHits).toBe(cacheHits)
    await orders()
    expect(sluice.queries.getStats().cacheHits).toBe(cacheHits + 1)
  })

  it('counts a write to a table that it does not describe as one to everything', async () => {
    const { database, names, open, sluice: create } = await setUp()
    await database.exec(`
      create table orders (id int primary key, n int);
      insert into orders values (1, 1);
      create table ${names.wiki}.page (id int primary key);
      create trigger ${names.wiki}.t after insert on ${names.wiki}.page for each row update ${names.own}.orders set n = n + 1`)
    const sluice = create()
    const db = open(names.own, sluice)
    const orders = () => db('orders')
    await cached(sluice, orders)
    await db.withSchema(names.wiki).from('page').insert({ id: 1 })
    expect(await orders()).toEqual([{ id: 1, n: 2 }])
    await cached(sluice, orders)
    await db.withSchema(names.wiki).from('page').insert({ id: 2 })
    expect(await orders()).toEqual([{ id: 1, n: 3 }])
  })

  it('invalidates everything for a reported table of a database that it does not describe', async () => {
    const { database, names, open, sluice: create } = await setUp()
    await database.exec(`create table orders (id int primary key, n int)`)
    const sluice = create()
    const db = open(names.own, sluice)
    const orders = () => db('orders')
    await cached(sluice, orders)
    const { cacheHits } = sluice.queries.getStats()
    await sluice.invalidate(`${names.wiki}.page`, [1])
    await orders()
    expect(sluice.queries.getStats().cacheHits).toBe(cacheHits)
    expect(() => sluice.invalidate(`${names.own}.page`)).toThrow('in the catalog')
    expect(() => sluice.invalidate('page')).toThrow('in the catalog')
  })

  it('expects a view that it does not describe to call functions that write', async () => {
    const { database, names, open, sluice: create } = await setUp()
    const { own, wiki } = names
    await database.exec(`
      create table orders (id int primary key, n int);
      insert into orders values (1, 1);
      create function ${wiki}.bump() returns int modifies sql data
        begin update ${own}.orders set n = n + 1; return 1; end;
      create view ${wiki}.bumps as select ${wiki}.bump() as bumped`)
    const sluice = create()
    const db = open(own, sluice)
    const orders = () => db('orders')
    await cached(sluice, orders)
    for (const n of [2, 3]) {
      await db.withSchema(wiki).from('bumps')
      expect(await orders()).toEqual([{ id: 1, n }])
      await cached(sluice, orders)
    }
  })

  it('expects a view that reads such a view to write as well', async () => {
    const { database, names, open, sluice: create } = await setUp()
    const { own, wiki } = names
    await database.exec(`
      create table orders (id int primary key, n int);
      insert into orders values (1, 1);
      create function ${wiki}.bump() returns int modifies sql data
        begin update ${own}.orders set n = n + 1; return 1; end;
      create view ${wiki}.bumps as select ${wiki}.bump() as bumped;
      create view bumped as select * from ${wiki}.bumps`)
    const sluice = create()
    const db = open(own, sluice)
    const orders = () => db('orders')
    await cached(sluice, orders)
    await db('bumped')
    expect(await orders()).toEqual([{ id: 1, n: 2 }])
  })

  it('stops adding databases at a limit, beyond which names may refer to anything', async () => {
    const { database, names, open, sluice: create } = await setUp()
    await database.exec(`
      create table orders (id int primary key, n int);
      insert into orders values (1, 1);
      create table ${names.wiki}.page (id int primary key)`)
    const sluice = create()
    const db = open(names.own, sluice)
    const orders = () => db('orders')
    for (let at = 0; at < 64; at += 1)
      await db.raw('select 1 from ??.t', [`${names.own}_none_${at}`]).catch(() => {})
    for (const _ of ['first', 'second']) {
      await cached(sluice, orders)
      await db.withSchema(names.wiki).from('page')
      const { cacheHits } = sluice.queries.getStats()
      expect(await orders()).toEqual([{ id: 1, n: 1 }])
      expect(sluice.queries.getStats().cacheHits).toBe(cacheHits)
    }
  })

  describe('with a shared store', () => {
    it('invalidates results of a database that the writer does not know, through its keys', async () => {
      const { database, names, open, sluice: create } = await setUp()
      const { own, crm, geo } = names
      await database.exec(`
        create table ${geo}.country (id int primary key);
        create table ${crm}.customer (id int primary key, country int, foreign key (country) references ${geo}.country (id) on delete cascade);
        create table orders (id int primary key, customer int, foreign key (customer) references ${crm}.customer (id) on delete cascade);
        insert into ${geo}.country values (1), (2);
        insert into ${crm}.customer values (10, 1), (20, 2);
        insert into orders values (100, 10), (200, 20)`)
      const store = memoryStore()
      const [reader, writer] = [create(store), create(store)]
      const [shop, world] = [open(own, reader), open(geo, writer)]
      const orders = () => shop('orders').orderBy('id').pluck('id')
      const order = () => shop('orders').where('id', 100).pluck('id')
      await world('country')
      await catalogsRead(writer)
      await cached(reader, orders)
      await cached(reader, order)
      await world('country').where('id', 1).delete()
      expect(await order()).toEqual([])
      expect(await orders()).toEqual([200])
      expect(await open(own)('orders').pluck('id')).toEqual([200])
    })
  })
})
