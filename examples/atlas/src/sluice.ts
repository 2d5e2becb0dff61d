import { type CacheOptions, createSluice, type Mode, type Sluice, type SluiceOptions } from '@sluice/core'
import { sluiceMiddleware } from '@sluice/express'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import { redisStore } from '@sluice/redis'
import type { RequestHandler } from 'express'
import type { Redis } from 'ioredis'
import type { AtlasPrisma, ClientPlugin } from './clients.ts'
import type { DatabaseTarget } from './database-target.ts'
import { schema as sqliteSchema } from './generated/sluice/index.js'
import { schema as mysqlSchema } from './generated/sluice-mysql/index.js'
import { schema as postgresqlSchema } from './generated/sluice-postgresql/index.js'

/** A Sluice and the functions that connect it to the app. The app contains no other Sluice code. */
export interface SluicedApp {
  readonly sluice: Sluice
  readonly plugin: ClientPlugin
  readonly middleware: RequestHandler
}

// All writes go through Sluice, so results can be cached until a write invalidates them.
const TTL_SECONDS = 300

export interface SluiceSettings {
  readonly kind: DatabaseTarget['kind']
  readonly mode: Mode
  /** Whether each N+1 is printed to stderr when it is found. */
  readonly report: boolean
  /** Default: this process is the only one. */
  readonly shared?: SharedCache
  /** `false` caches no results. */
  readonly cache?: false
  /** Additional options of its Sluice. */
  readonly more?: Pick<SluiceOptions, 'rollout' | 'monitor' | 'random'>
}

/** Options for a shared cache. */
interface SharedCache {
  readonly redis: Redis
  readonly namespace: string
  readonly consistency: 'strict' | 'bounded'
}

export function createSluicedApp({ kind, mode, report, shared, cache, more }: SluiceSettings): SluicedApp {
  const sluice = createSluice({
    ...more,
    mode,
    cache: cache ?? { ttl: TTL_SECONDS, ...(shared && shareThrough(shared)) },
  })
  const schema = { sqlite: sqliteSchema, postgresql: postgresqlSchema, mysql: mysqlSchema }[kind]
  return {
    sluice,
    plugin: {
      adapter: (adapter) => sluiceAdapter(adapter, sluice),
      // The extension changes no type, but TypeScript cannot compare the two forms of a generic delegate.
      prisma: (client) => client.$extends(withSluice(sluice, { schema })) as unknown as AtlasPrisma,
      knex: (db) => withSluiceKnex(db, sluice),
    },
    middleware: sluiceMiddleware(sluice, { report, serverTiming: true }),
  }
}

function shareThrough({
  redis,
  namespace,
  consistency,
}: SharedCache): Pick<CacheOptions, 'store' | 'consistency'> {
  // The remaining Redis keys expire after the demo.
  return { store: redisStore(redis, { namespace, maxTtlMs: TTL_SECONDS * 1_000 }), consistency }
}
