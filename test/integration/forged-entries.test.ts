import type { CacheStore, NewEntry } from '@sluice/core/stores'
import { memcachedStore } from '@sluice/memcached'
import { redisStore } from '@sluice/redis'
import { Redis } from 'ioredis'
import knex from 'knex'
import { Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { Keys } from '../../packages/memcached/src/keys.ts'
import { MetaClient } from '../../packages/memcached/src/meta-client.ts'
import { keysOf } from '../../packages/redis/src/keys.ts'
import { randomSuffix } from '../services/service.ts'
import { type Database, freshDatabase } from '../support/databases.ts'
import { kyselyDialect } from '../support/kysely-harness.ts'
import { prismaClient } from '../support/prisma-clients.ts'
import { DAMAGES, forged } from './forged-entries.ts'
import { type Clients, READS, type Read, type Tables } from './forged-reads.ts'
import { openProcess, type Process, storesAll } from './store-process.ts'

/** Where another program writes to a store. */
interface Server {
  connect(): CacheStore
  write(key: string, bytes: Buffer): Promise<void>
  close(): Promise<void>
}

const servers: Readonly<Record<string, () => Server | undefined>> = {
  Redis: () => {
    const service = inject('services').redis
    if ('skipped' in service) return undefined
    const namespace = `test-${randomSuffix()}`
    const redis = new Redis(service.url)
    return {
      connect: () => redisStore(redis, { namespace, leaseMs: 400, quarantineMs: 1 }),
      write: async (key, bytes) => void (await redis.set(keysOf(namespace).entry(key), bytes)),
      close: async () => redis.disconnect(),
    }
  },
  Memcached: () => {
    const service = inject('services').memcached
    if ('skipped' in service) return undefined
    const namespace = `test-${randomSuffix()}`
    const [host = '', port] = service.url.split(':')
    const keys = new Keys(namespace)
    const address = { host, port: Number(port) }
    const client = new MetaClient({ address, timeoutMs: 10_000, tls: undefined, auth: undefined })
    return {
      connect: () => memcachedStore({ state: service.url, namespace, leaseMs: 1_000, quarantineMs: 1_000 }),
      write: async (key, bytes) => {
        await client.connected()
        const id = keys.entry(key)
        const [found] = await client.send([`mg ${id} f\r\n`], 1)
        await client.send([`ms ${id} ${bytes.length} F${found?.flags.f}\r\n`, bytes, '\r\n'], 1)
      },
      close: async () => client.close(),
    }
  },
}

describe.each(Object.entries(servers))('forged entries in %s', (_name, open) => {
  let server: Server | undefined
  let database: Database
  let bare: Clients
  let writer: Process
  let reader: Process
  const cleanups: (() => Promise<unknown>)[] = []
  let next = 3

  beforeAll(async () => {
    server = open()
    if (server === undefined) return
    database = await freshDatabase('sqlite')
    const clients = await prismaClient('sqlite', database)
    await database.exec(clients.ddl)
    const prisma = new clients.PrismaClient({ adapter: clients.createAdapter() })
    await prisma.author.create({ data: { id: 1, email: 'a', name: 'A' } })
    await prisma.post.createMany({
      data: Array.from({ length: 700 }, (_, at) => ({
        id: at + 1,
        slug: `post-${at}`,
        title: `Post ${at}`,
        views: at % 7,
        authorId: 1,
      })),
    })
    const db = knex(database.knexConfig())
    const kysely = new Kysely<Tables>({ dialect: kyselyDialect(database) })
    bare = { db, prisma, kysely }
    writer = await openProcess(database, clients, server.connect())
    reader = await openProcess(database, clients, server.connect())
    for (const process of [writer, reader]) {
      await storesAll(process.sluice, () => process.db('posts').pluck('id'))
      await storesAll(process.sluice, () => process.kysely.selectFrom('posts').select('id').execute())
      await storesAll(process.sluice, () => process.prisma.post.count())
    }
    cleanups.push(
      () => writer.close(),
      () => reader.close(),
      () => Promise.all([prisma.$disconnect(), db.destroy(), kysely.destroy()]),
      () => database.drop(),
      async () => server?.close(),
    )
  })

  afterAll(async () => {
    for (const cleanup of cleanups) await cleanup()
  })

  /** Reads an entry that was overwritten. Returns whether the result is right, and how it was counted. */
  async function readForged(ask: Read, overwrite: (entry: NewEntry, value: unknown) => Buffer) {
    const n = next++
    await writer.sluice.run(async () => void (await ask(writer, n)))
    const { key, entry } = (await writer.stored()) ?? {}
    if (key === undefined || entry === undefined) throw new Error('The result was not stored.')
    await server?.write(key, overwrite(entry, entry.value))
    const before = reader.sluice.getResultStats()
    const value = await reader.sluice.run(async () => await ask(reader, n))
    const after = reader.sluice.getResultStats()
    const counted = (name: 'undecodable' | 'storeHits') => (after?.[name] ?? 0) - (before?.[name] ?? 0)
    return {
      isExact: isEqual(value, await ask(bare, n)),
      undecodable: counted('undecodable'),
      storeHits: counted('storeHits'),
    }
  }

  const MISS = { isExact: true, undecodable: 1, storeHits: 0 }

  for (const [read, { ask, wrong }] of Object.entries(READS)) {
    it(`are served if they are those of a store: ${read}`, async (test) => {
      test.skip(server === undefined)
      const kept = await readForged(ask, (entry, value) => forged(entry, value))
      expect(kept).toEqual({ isExact: true, undecodable: 0, storeHits: 1 })
    })

    it(`never reach the app with another value: ${read}`, async (test) => {
      test.skip(server === undefined)
      const found: Record<string, unknown> = {}
      for (const [name, change] of Object.entries(wrong))
        found[name] = await readForged(ask, (entry, value) => forged(entry, change(value)))
      expect(found).toEqual(Object.fromEntries(Object.keys(wrong).map((name) => [name, MISS])))
    })
  }

  it('never reach the app if they are damaged', async (test) => {
    test.skip(server === undefined)
    const { ask } = READS['a list of Knex'] ?? {}
    const found: Record<string, unknown> = {}
    for (const [name, damage] of Object.entries(DAMAGES)) found[name] = ask && (await readForged(ask, damage))
    expect(found).toEqual(Object.fromEntries(Object.keys(DAMAGES).map((name) => [name, MISS])))
  })
})

function isEqual(left: unknown, right: unknown): boolean {
  expect(left).toEqual(right)
  return true
}
