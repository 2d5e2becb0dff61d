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

/** A Sluice and what it puts around the app: everything that the app needs to know of it is here. */
export interface SluicedApp {
  readonly sluice: Sluice
  readonly plugin: ClientPlugin
  readonly middleware: RequestHandler
}

// All who write do so through Sluice, so results may be kept until they are written to.
const TTL_SECONDS = 300

export interface SluiceSettings {
  readonly kind: DatabaseTarget['kind']
  readonly mode: Mode
  /** Whether each N+1 is printed to stderr when it is found. */
  readonly report: boolean
  /** Left out: this process is the only one. */
  readonly shared?: SharedCache
  /** What else its Sluice is made with. */
  readonly more?: Pick<SluiceOptions, 'rollout' | 'monitor' | 'random'>
}

/** What several processes share. */
interface SharedCache {
  readonly redis: Redis
  readonly namespace: string
  readonly consistency: 'strict' | 'bounded'
}

export function createSluicedApp({ kind, mode, report, shared, more }: SluiceSettings): SluicedApp {
  const sluice = createSluice({ ...more, mode, cache: { ttl: TTL_SECONDS, ...(shared && shareThrough(shared)) } })
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

function shareThrough({ redis, namespace, consistency }: SharedCache): Pick<CacheOptions, 'store' | 'consistency'> {
  // What is left in Redis after the demo goes by itself.
  return { store: redisStore(redis, { namespace, maxTtlMs: TTL_SECONDS * 1_000 }), consistency }
}
