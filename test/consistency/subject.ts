import { PrismaPg } from '@prisma/adapter-pg'
import { createSluice, type Sluice } from '@sluice/core'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { memcachedStore } from '@sluice/memcached'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import { redisStore } from '@sluice/redis'
import { DrizzleQueryError } from 'drizzle-orm/errors'
import { Redis } from 'ioredis'
import knex, { type Knex } from 'knex'
import { PrismaClient } from '../generated/consistency-postgresql/client/client.ts'
import { schema } from '../generated/consistency-postgresql/sluice/index.ts'
import { connectRead } from '../support/catalog-read.ts'
import { NaiveCache } from './naive-cache.ts'
import { type NewerClients, openNewer } from './newer-clients.ts'
import { drizzleReads, kyselyReads } from './newer-reads.ts'
import type { OrmSet } from './orms.ts'
import type { StoreName } from './store-server.ts'

export const SUBJECT_MODES = ['none', 'naive', 'strict', 'bounded'] as const
/**
 * The subject of the check: the ORMs without a cache, a cache that deletes entries after writes, or Sluice.
 */
export type SubjectMode = (typeof SUBJECT_MODES)[number]

/** The ORMs on one database. */
export interface Clients extends NewerClients {
  readonly prisma: PrismaClient
  readonly db: Knex
}

export interface SubjectOptions {
  readonly index: number
  readonly databaseUrl: string
  readonly orms: OrmSet
  readonly store: StoreName
  readonly storePort: number
  readonly leaseMs: number
  readonly maxStalenessMs: number
}

export interface Subject extends Clients {
  /** The same clients without a cache. */
  readonly bare: Clients
  /** Runs a query under a name, which a manual cache of the test uses as the key. */
  read<T>(name: string, load: () => Promise<T>): Promise<T>
  /** Called after each write, before it is acknowledged. */
  wrote(names: readonly string[]): Promise<void>
  /**
   * Whether an error states that the write was not executed because other processes could not be notified.
   */
  isRejection(error: unknown): boolean
  /** Reads that were served without the database. */
  hits(): number
  /** The number of these reads that read only an entry from the store. */
  knownHits(): number
}

const MAX_CONNECTIONS = 8

/** The only place that knows how to create each subject. */
export async function openSubject(mode: SubjectMode, options: SubjectOptions): Promise<Subject> {
  const bare = openBare(options.databaseUrl)
  const base = {
    bare,
    read: <T>(_: string, load: () => Promise<T>) => load(),
    wrote: async () => {},
    isRejection: () => false,
    hits: () => 0,
    knownHits: () => 0,
  }
  if (mode === 'none') return { ...bare, ...base }
  if (mode === 'naive') {
    const cache = new NaiveCache(openRedis(options.storePort))
    return {
      ...bare,
      ...base,
      read: (name, load) => cache.read(name, load),
      wrote: (names) => cache.delete(names),
      hits: () => cache.hits,
      knownHits: () => 0,
    }
  }
  return { ...base, ...(await openSluice(mode, options)) }
}

function openBare(databaseUrl: string): Clients {
  return {
    prisma: new PrismaClient({ errorFormat: 'minimal', adapter: openAdapter(databaseUrl) }),
    db: openKnex(databaseUrl),
    ...openNewer(databaseUrl),
  }
}

async function openSluice(
  mode: 'strict' | 'bounded',
  { index, databaseUrl, orms, store: storeName, storePort, leaseMs, maxStalenessMs }: SubjectOptions,
): Promise<Clients & Pick<Subject, 'isRejection' | 'hits' | 'knownHits'>> {
  const shared = { namespace: 'consistency', leaseMs }
  const store =
    storeName === 'redis'
      ? redisStore(openRedis(storePort), shared)
      : memcachedStore({ state: `127.0.0.1:${storePort}`, ...shared })
  // Half of the processes have no memory cache, so each of their hits comes from the store.
  const memory = mode === 'bounded' && index % 2 === 0 ? { maxBytes: 1 } : {}
  const sluice = createSluice({
    mode: 'optimize',
    cache: {
      store,
      consistency: mode,
      maxStalenessMs,
      ttl: 60,
      onInvalidationFailure: 'reject-write',
      ...memory,
    },
  })
  const client = new PrismaClient({
    errorFormat: 'minimal',
    adapter: sluiceAdapter(openAdapter(databaseUrl), sluice),
  })
  const db = withSluiceKnex(openKnex(databaseUrl), sluice)
  const newer = openNewer(databaseUrl, sluice)
  await untilCatalogIsRead(sluice, async () => void (await db('groups').select('id').limit(1)))
  if (orms === 'all')
    for (const { byId } of [kyselyReads(newer), drizzleReads(newer)])
      await untilCatalogIsRead(sluice, async () => void (await byId(1)))
  await connectRead(client, sluice)
  return {
    prisma: client.$extends(withSluice(sluice, { schema })) as unknown as PrismaClient,
    db,
    ...newer,
    isRejection,
    hits: () => sluice.queries.getStats().cacheHits,
    knownHits: () => sluice.getResultStats()?.knownHits ?? 0,
  }
}

function isRejection(error: unknown): boolean {
  return errorCode(error)?.startsWith('SLUICE_') === true
}

/** Prisma converts errors of a driver adapter to its own errors, with the same code. */
export function errorCode(error: unknown): string | undefined {
  const { code } = (unwrapped(error) ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' ? code : undefined
}

/** The error without that of Drizzle around it. */
export function unwrapped(error: unknown): unknown {
  return error instanceof DrizzleQueryError && error.cause !== undefined ? error.cause : error
}

/**
 * Nothing is cached before the catalog is read. Gives up after a while, because the database may be under
 * attack when a worker restarts.
 */
async function untilCatalogIsRead(sluice: Sluice, read: () => Promise<void>): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const before = sluice.queries.getStats().cacheHits
    await read()
    await read()
    if (sluice.queries.getStats().cacheHits > before) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function openAdapter(databaseUrl: string): PrismaPg {
  return new PrismaPg({ connectionString: databaseUrl, max: MAX_CONNECTIONS })
}

function openKnex(databaseUrl: string): Knex {
  // Connections are lost on purpose: warnings of Knex about it are suppressed.
  const log = { warn: () => {}, error: () => {}, deprecate: () => {}, debug: () => {} }
  return knex({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: MAX_CONNECTIONS }, log })
}

function openRedis(port: number): Redis {
  const redis = new Redis({
    port,
    host: '127.0.0.1',
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 500,
    retryStrategy: () => 50,
  })
  redis.on('error', () => {})
  return redis
}
