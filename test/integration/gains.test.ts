import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createSluice, type Sluice, type SluiceOptions } from '@sluice/core'
import { sluiceMiddleware, sluiceResponseCache } from '@sluice/express'
import { cached, withSluice } from '@sluice/knex'
import { withSluice as kyselyWithSluice } from '@sluice/kysely'
import Database from 'better-sqlite3'
import express from 'express'
import knex, { type Knex } from 'knex'
import { Kysely, SqliteDialect } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openStack, type Stack, seed } from '../support/stack.ts'

/** More reads than Sluice examines without any gain. */
const MANY = 100
const ROWS = 20_000
const REASON = 'NO_RECENT_GAIN'

const leftAlone = (sluice: Sluice): number => sluice.queries.getStats().passedThrough[REASON] ?? 0

interface Opened {
  readonly sluice: Sluice
  readonly db: Knex
  /** Statements that reached the database since the last call. */
  readonly taken: () => number
  /** Reads rows that were not read before, each in a separate scope. */
  readonly readNew: (count: number) => Promise<void>
}

async function open(options: SluiceOptions = {}): Promise<Opened> {
  const sluice = createSluice({ mode: 'optimize', ...options })
  const db = withSluice(
    knex({ client: 'better-sqlite3', connection: ':memory:', useNullAsDefault: true }),
    sluice,
  )
  onTestFinished(async () => {
    await db.destroy()
    await sluice.close()
  })
  await db.schema.createTable('authors', (table) => {
    table.integer('id').primary()
    table.text('name')
  })
  await db.schema.createTable('posts', (table) => {
    table.integer('id').primary()
    table.integer('author_id').references('authors.id')
  })
  await db.batchInsert(
    'authors',
    Array.from({ length: ROWS }, (_, at) => ({ id: at + 1 })),
    500,
  )
  await db.batchInsert(
    'posts',
    Array.from({ length: 20 }, (_, at) => ({ id: at + 1, author_id: at + 1 })),
    500,
  )
  await db('authors').first()
  let next = 1_000
  let statements = 0
  return {
    sluice,
    db,
    taken() {
      const before = statements
      statements = sluice.queries.getStats().statements
      return statements - before
    },
    async readNew(count) {
      for (let at = 0; at < count; at += 1) {
        next += 1
        await sluice.run(() => db('authors').where({ id: next }).first())
      }
    },
  }
}

describe('Kysely reads that never gain', () => {
  it('are passed through, and batched when they run concurrently', async () => {
    const sluice = createSluice({ mode: 'optimize', cache: false })
    const database = new Database(':memory:')
    database.exec('CREATE TABLE authors (id integer PRIMARY KEY)')
    const insert = database.prepare('INSERT INTO authors VALUES (?)')
    for (let id = 1; id <= ROWS; id += 1) insert.run(id)
    const dialect = kyselyWithSluice(new SqliteDialect({ database }), sluice)
    const db = new Kysely<{ readonly authors: { readonly id: number } }>({ dialect })
    onTestFinished(async () => {
      await db.destroy()
      await sluice.close()
    })
    const read = (id: number) => db.selectFrom('authors').selectAll().where('id', '=', id).executeTakeFirst()
    for (let id = 1; id <= MANY; id += 1) await sluice.run(() => read(id))
    const left = leftAlone(sluice)
    expect(left).toBeGreaterThan(50)
    const { statements } = sluice.queries.getStats()
    const ids = Array.from({ length: 100 }, (_, at) => at + 1)
    expect(await sluice.run(() => Promise.all(ids.map(read)))).toEqual(ids.map((id) => ({ id })))
    // The first read runs individually.
    expect(sluice.queries.getStats().statements - statements).toBe(2)
    for (let id = 1; id <= 10; id += 1) await sluice.run(() => read(id))
    expect(leftAlone(sluice)).toBe(left + 1)
  })
})

describe('Knex reads that never gain', () => {
  it('are passed through after many reads', async () => {
    const { sluice, db, readNew } = await open()
    await readNew(MANY)
    const left = leftAlone(sluice)
    expect(left).toBeGreaterThan(50)
    // Other reads are examined as usual.
    await sluice.run(() => db('posts').where({ id: 1 }).first())
    expect(leftAlone(sluice)).toBe(left)
  })

  it('are batched when they run concurrently, and examined from then on', async () => {
    const { sluice, db, taken, readNew } = await open({ cache: false })
    await readNew(MANY)
    const together = () =>
      sluice.run(() =>
        Promise.all(
          Array.from({ length: 100 }, (_, at) =>
            db('authors')
              .where({ id: at + 1 })
              .first(),
          ),
        ),
      )
    taken()
    expect((await together()).map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1))
    // The first read runs individually.
    expect(taken()).toBe(2)
    await together()
    expect(taken()).toBe(1)
    const left = leftAlone(sluice)
    await readNew(10)
    expect(leftAlone(sluice)).toBe(left)
  })

  it('are batched without being cached, until the app repeats them', async () => {
    const { sluice, db, taken } = await open()
    const together = (from: number) =>
      sluice.run(() =>
        Promise.all(
          Array.from({ length: 20 }, (_, at) =>
            db('authors')
              .where({ id: from + at })
              .first(),
          ),
        ),
      )
    for (let from = 1; from <= 20 * 100; from += 20) await together(from)
    const notCached = () => sluice.queries.getStats().passedThrough['cache:NO_RECENT_HIT'] ?? 0
    expect(notCached()).toBeGreaterThan(400)
    taken()
    expect((await together(5_001)).map(({ id }) => id)).toEqual(
      Array.from({ length: 20 }, (_, at) => 5_001 + at),
    )
    expect(taken()).toBe(1)
    expect(await Promise.all([together(5_001), together(5_001)])).toHaveLength(2)
    for (let at = 0; at < 100; at += 1) await together(5_001)
    taken()
    for (let at = 0; at < 10; at += 1) await together(5_001)
    expect(taken()).toBe(0)
  })

  it('are prefetched as part of a loop over a listing', async () => {
    const { sluice, db, taken, readNew } = await open({ cache: false })
    await readNew(MANY)
    taken()
    await sluice.run(async () => {
      for (const { author_id } of await db('posts').orderBy('id'))
        expect(await db('authors').where({ id: author_id }).first()).toMatchObject({ id: author_id })
    })
    expect(taken()).toBeLessThan(10)
  })

  it('are passed through after listings without a loop, until a loop follows', async () => {
    const { sluice, db, taken } = await open({ cache: false })
    const list = () => db('posts').where('id', '<=', 5).orderBy('id')
    let id = 1_000
    for (let at = 0; at < 3 * MANY; at += 1) {
      id += 1
      await sluice.run(async () => {
        await list()
        await db('authors').where({ id }).first()
      })
    }
    // More than the number of possible listings.
    expect(leftAlone(sluice)).toBeGreaterThan(MANY)
    const walk = () =>
      sluice.run(async () => {
        for (const { author_id } of await list()) await db('authors').where({ id: author_id }).first()
      })
    for (let at = 0; at < 1_200; at += 1) await walk()
    taken()
    await walk()
    expect(taken()).toBe(2)
  })

  it('are cached when the app requests it', async () => {
    const { sluice, db, taken, readNew } = await open()
    await readNew(MANY)
    const read = () => sluice.run(() => cached(db('authors').where({ id: 3 }).first(), { ttl: 60 }))
    await read()
    taken()
    for (let at = 0; at < 3; at += 1) await read()
    expect(taken()).toBe(0)
  })

  it('are all examined when tables have a separate time to live', async () => {
    const { sluice, readNew } = await open({ cache: { models: { authors: { ttl: 60 } } } })
    await readNew(MANY)
    expect(leftAlone(sluice)).toBe(0)
  })

  it('are all cached among batches when tables have separate options', async () => {
    const { sluice, db, taken } = await open({ cache: { models: { posts: { consistency: 'strict' } } } })
    const both = (id: number) =>
      sluice.run(() => Promise.all([db('authors').where({ id }), db('authors').where({ id: id + 1 })]))
    for (let id = 1; id <= 2 * MANY; id += 2) await both(id)
    taken()
    await both(2 * MANY - 1)
    expect(taken()).toBe(0)
    expect(sluice.queries.getStats().passedThrough['cache:NO_RECENT_HIT']).toBeUndefined()
  })

  it('are examined again, and then served from the cache', async () => {
    const { sluice, db, taken, readNew } = await open()
    await readNew(MANY)
    const read = () => sluice.run(() => db('authors').where({ id: 3 }).first())
    taken()
    for (let at = 0; at < 1_024; at += 1) await read()
    expect(taken()).toBeGreaterThan(500)
    for (let at = 0; at < 100; at += 1) await read()
    expect(taken()).toBe(0)
  })

  it('are explained without being counted', async () => {
    const { sluice, db, readNew } = await open()
    await readNew(MANY)
    const left = leftAlone(sluice)
    const { reads } = await sluice.explain(() => db('authors').where({ id: 3 }).first())
    expect(reads).toHaveLength(1)
    expect(leftAlone(sluice)).toBe(left)
  })

  it('are part of the dependencies of a cached response', async () => {
    const { sluice, db, readNew } = await open()
    await readNew(MANY)
    let made = 0
    const app = express()
    app.use(sluiceMiddleware(sluice))
    app.get('/', sluiceResponseCache(sluice, { ttlMs: 60_000 }), async (_, response) => {
      made += 1
      response.json(await db('authors').where({ id: 3 }).first())
    })
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const get = async () => (await fetch(`http://127.0.0.1:${port}/`)).json()
    expect([await get(), await get()]).toEqual([
      { id: 3, name: null },
      { id: 3, name: null },
    ])
    expect(made).toBe(1)
    await db('authors').where({ id: 3 }).update({ name: 'Ada' })
    expect(await get()).toEqual({ id: 3, name: 'Ada' })
  })

  it('are passed through after a failed read', async () => {
    const { sluice, db, readNew } = await open({ cache: false })
    await readNew(MANY)
    const before = leftAlone(sluice)
    await sluice.run(async () => {
      for (let at = 0; at < 3; at += 1)
        await expect(db('authors').where({ nothing: at }).first()).rejects.toThrow('no such column')
    })
    expect(leftAlone(sluice)).toBe(before + 3)
  })
})

describe('Prisma reads that never gain', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await openStack('sqlite', { mode: 'optimize', cache: false })
    await seed(stack.prisma)
    await stack.ready()
  })
  afterAll(() => stack?.close())

  it('are passed through, and batched when they run concurrently', async () => {
    const { sluice, prisma, taken } = stack
    const read = (id: number) => prisma.author.findFirst({ where: { id } })
    for (let at = 0; at < MANY; at += 1) await sluice.run(() => read(at))
    expect(leftAlone(sluice)).toBeGreaterThan(50)
    taken()
    const found = await sluice.run(() => Promise.all([1, 2, 3, 4, 5].map(read)))
    expect(found.map((author) => author?.id)).toEqual([1, 2, 3, 4, 5])
    expect(taken()).toHaveLength(2)
  })
})
