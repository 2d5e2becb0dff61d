import { redisStore } from '@sluice/redis'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { randomSuffix } from '../services/service.ts'
import { databases, freshDatabase } from '../support/databases.ts'
import { prismaClient } from '../support/prisma-clients.ts'
import { seed } from '../support/stack.ts'
import { type Clients, READS } from './forged-reads.ts'
import { openProcess, type Process, storesAll } from './store-process.ts'

/** Reads with values of every type, and with every way to select fields. */
const MORE: Readonly<Record<string, (clients: Clients) => PromiseLike<unknown>>> = {
  'every type, by Knex': ({ db }) => db('authors').orderBy('id'),
  'every type, by Kysely': ({ kysely }) =>
    kysely
      .selectFrom('authors' as 'posts')
      .selectAll()
      .orderBy('id')
      .execute(),
  'every type, by Prisma': ({ prisma }) => prisma.author.findMany({ orderBy: { id: 'asc' } }),
  'an outer join, by Knex': ({ db }) =>
    db('posts')
      .leftJoin('authors', 'authors.id', 'posts.editor_id')
      .select('posts.id', 'email')
      .orderBy('posts.id'),
  'all columns of two tables, by Knex': ({ db }) =>
    db('posts').join('authors', 'authors.id', 'posts.author_id').orderBy('posts.id'),
  'an expression without a name, by Knex': ({ db }) => db('posts').select(db.raw('count(*), max(views)')),
  'aggregates, by Knex': ({ db }) =>
    db('posts').count('* as n').sum('views as sum').avg('views as mean').first(),
  'groups, by Knex': ({ db }) =>
    db('posts').select('author_id').count('* as n').groupBy('author_id').orderBy('author_id'),
  'a union, by Knex': ({ db }) =>
    db('posts')
      .select('id')
      .union([db('authors').select('id')]),
  'names in capitals, by Knex': ({ db }) => db('posts').select('id as ID', 'title as theTitle').orderBy('id'),
  'no row, by Knex': ({ db }) => db('posts').where('id', -1).first(),
  'a row of relations, by Prisma': ({ prisma }) =>
    prisma.author.findMany({
      include: { posts: { take: 2, include: { tags: true } }, profile: true, country: true, _count: true },
      omit: { email: true },
      orderBy: { id: 'asc' },
    }),
  'a selection, by Prisma': ({ prisma }) =>
    prisma.author.findMany({
      select: { id: true, name: false, rating: true, _count: { select: { posts: true } } },
      orderBy: { id: 'asc' },
    }),
  'aggregates of every type, by Prisma': ({ prisma }) =>
    prisma.author.aggregate({
      _count: { _all: true, rating: true },
      _sum: { followers: true, rating: true },
      _avg: { followers: true },
      _min: { born: true, email: true },
      _max: { rating: true, followers: true },
    }),
  'an aggregate of nothing, by Prisma': ({ prisma }) =>
    prisma.author.aggregate({ _sum: { rating: true }, _max: { born: true }, where: { id: -1 } }),
  'groups with conditions, by Prisma': ({ prisma }) =>
    prisma.author.groupBy({
      by: ['countryCode', 'active'],
      _count: { _all: true },
      _max: { followers: true },
      having: { followers: { _max: { gt: 0 } } },
      orderBy: { countryCode: 'asc' },
    }),
  'no row, by Prisma': ({ prisma }) => prisma.post.findUnique({ where: { id: -1 } }),
  'lists of the fluent API, by Prisma': ({ prisma }) =>
    prisma.author.findUnique({ where: { id: 1 } }).posts(),
  'a path of the fluent API, by Prisma': ({ prisma }) =>
    prisma.post
      .findUnique({ where: { id: 1 } })
      .author()
      .country(),
  'no path of the fluent API, by Prisma': ({ prisma }) =>
    prisma.post
      .findUnique({ where: { id: -1 } })
      .author()
      .posts(),
}

const redisService = inject('services').redis

describe.each(databases())('results of a shared store on $name', ({ dialect, skipped }) => {
  const isSkipped = skipped !== undefined || 'skipped' in redisService
  let writer: Process
  let reader: Process
  const cleanups: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    if (skipped !== undefined || 'skipped' in redisService) return
    const database = await freshDatabase(dialect)
    const clients = await prismaClient(dialect, database)
    await database.exec(clients.ddl)
    const prisma = new clients.PrismaClient({ adapter: clients.createAdapter() })
    await seed(prisma)
    await prisma.author.update({ where: { id: 1 }, data: { photo: Buffer.from('photo') } })
    await prisma.$disconnect()
    const redis = new Redis(redisService.url)
    const options = { namespace: `test-${randomSuffix()}`, leaseMs: 400, quarantineMs: 1 }
    const open = () => openProcess(database, clients, redisStore(redis, options))
    writer = await open()
    reader = await open()
    cleanups.push(
      () => writer.close(),
      () => reader.close(),
      () => database.drop(),
      async () => redis.disconnect(),
    )
    for (const { sluice, db, kysely, prisma: client } of [writer, reader]) {
      await storesAll(sluice, () => db('posts').pluck('id'))
      if (dialect !== 'mysql')
        await storesAll(sluice, () => kysely.selectFrom('posts').select('id').execute())
      await storesAll(sluice, () => client.post.count())
    }
  })

  afterAll(async () => {
    for (const cleanup of cleanups) await cleanup()
  })

  const all = {
    ...MORE,
    ...Object.fromEntries(
      Object.entries(READS).map(([name, { ask }]) => [name, (clients: Clients) => ask(clients, 5)]),
    ),
  }

  // A pool of mysql2 in Kysely does not name its database, so nothing is shared.
  const reads = Object.entries(all).filter(([name]) => dialect !== 'mysql' || !name.includes('Kysely'))

  it.each(reads)('are accepted: %s', async (_, ask) => {
    if (isSkipped) return
    const value = await writer.sluice.run(async () => await ask(writer))
    await writer.stored()
    const before = reader.sluice.getResultStats()
    expect(await reader.sluice.run(async () => await ask(reader))).toEqual(value)
    const { storeHits = 0, undecodable } = reader.sluice.getResultStats() ?? {}
    expect({ storeHits: storeHits - (before?.storeHits ?? 0), undecodable }).toEqual({
      storeHits: 1,
      undecodable: 0,
    })
  })
})
