import { createSluice, type Mode, type Sluice } from '@sluice/core'
import { sluiceMiddleware } from '@sluice/express'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import type { RequestHandler } from 'express'
import type { AtlasPrisma, ClientPlugin } from './clients.ts'
import type { DatabaseTarget } from './database-target.ts'
import { schema as sqliteSchema } from './generated/sluice/index.js'
import { schema as postgresqlSchema } from './generated/sluice-postgresql/index.js'

/** A Sluice and what it puts around the app: everything that the app needs to know of it is here. */
export interface SluicedApp {
  readonly sluice: Sluice
  readonly plugin: ClientPlugin
  readonly middleware: RequestHandler
}

// The demo's process is the only writer, so results may be kept until it writes.
const TTL_SECONDS = 300

export interface SluiceSettings {
  readonly kind: DatabaseTarget['kind']
  readonly mode: Mode
  /** Whether each N+1 is printed to stderr when it is found. */
  readonly report: boolean
}

export function createSluicedApp({ kind, mode, report }: SluiceSettings): SluicedApp {
  const sluice = createSluice({ mode, cache: { ttl: TTL_SECONDS } })
  const schema = kind === 'sqlite' ? sqliteSchema : postgresqlSchema
  return {
    sluice,
    plugin: {
      adapter: (adapter) => sluiceAdapter(adapter, sluice),
      // The extension changes no type, but TypeScript cannot compare the two forms of a generic delegate.
      prisma: (client) => client.$extends(withSluice(sluice, { schema })) as unknown as AtlasPrisma,
      knex: (db) => withSluiceKnex(db, sluice),
    },
    middleware: sluiceMiddleware(sluice, { report }),
  }
}
