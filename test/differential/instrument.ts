import { createSluice, type Sluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { unsluice, withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import knex from 'knex'
import { connectRead } from '../support/catalog-read.ts'
import type { Database } from '../support/database.ts'
import type { PrismaClients, TestPrismaClient } from '../support/prisma-clients.ts'
import { openBuilders, startInBuilder } from './builders/builder-clients.ts'
import type { BuilderOrm } from './program.ts'
import type { Clients } from './run-program.ts'
import { SentStatements } from './sent-statements.ts'

/** The options by which one Sluice of the oracle differs from another. */
export interface Kind {
  /** Whether it instruments Prisma's statements. */
  readonly seesStatements: boolean
  /** Without a cache, repeated reads reach the other engines. */
  readonly caches: boolean
  readonly maxKeys?: number
}

/** The kinds that a rig cycles through. */
export const KINDS: readonly Kind[] = [
  { seesStatements: true, caches: false },
  { seesStatements: false, caches: true },
  { seesStatements: true, caches: true, maxKeys: 3 },
  { seesStatements: false, caches: false, maxKeys: 3 },
]

export interface Instrumented extends Clients {
  readonly sluice: Sluice
  readonly kind: Kind
  readonly errors: unknown[]
  readonly sent: SentStatements
  /** Advances the time, as Sluice sees it. */
  pass(ms: number): void
  close(): Promise<void>
}

/**
 * Clients with one Sluice that uses everything that its kind allows.
 *
 * @param table - A table of the database.
 */
export async function instrument(
  kind: Kind,
  clients: PrismaClients,
  database: Database,
  table: string,
  orms: readonly BuilderOrm[],
): Promise<Instrumented> {
  const { seesStatements, caches, maxKeys } = kind
  let passedMs = 0
  const sluice = createSluice({
    mode: 'optimize',
    cache: caches ? { ttl: 3600 } : false,
    batch: maxKeys === undefined ? {} : { maxKeys },
    detection: { threshold: 5 },
    clock: { now: () => performance.now() + passedMs, wall: () => Date.now() + passedMs },
  })
  const errors: unknown[] = []
  sluice.on('error', (error) => errors.push(error))
  const adapter = clients.createAdapter()
  const base = new clients.PrismaClient({
    adapter: seesStatements ? sluiceAdapter(adapter, sluice) : adapter,
  })
  const prisma = base.$extends(withSluice(sluice, { schema: clients.schema })) as unknown as TestPrismaClient
  const db = withSluiceKnex(knex(database.knexConfig()), sluice)
  const sent = new SentStatements()
  sent.watch(db)
  const { close, ...builders } = await openBuilders(orms, database, sent.onSent, sluice)
  const counts = [
    async () => void (await db(table).count('* as n')),
    ...orms
      .filter((orm) => orm !== 'knex')
      .map((orm) => async () => {
        await startInBuilder({ orm, table, chain: [['count', '* as n']], order: 'none' }, builders)
      }),
  ]
  if (seesStatements) await connectRead(base, sluice)
  for (const count of counts) await (caches ? knowsTables(sluice, count) : startsReading(sluice, count))
  return {
    sluice,
    kind,
    errors,
    sent,
    prisma,
    knex: db,
    ...builders,
    run: (fn) => sluice.run(fn),
    async settle() {
      for (const count of counts) await (caches ? isKnowing(sluice, count) : count())
    },
    pass(ms) {
      passedMs += ms
    },
    async close() {
      await sluice.close()
      await close()
      // Waits for a catalog that is being read on a separate connection.
      await db.destroy()
      unsluice(db)
      await base.$disconnect()
    },
  }
}

/** Waits until a client has read the catalog: a read is served from the cache the second time. */
async function knowsTables(sluice: Sluice, count: () => Promise<void>): Promise<void> {
  if (!(await isKnowing(sluice, count, 1000)))
    throw new Error('Expected the client to have read the catalog.')
}

async function startsReading(sluice: Sluice, count: () => Promise<void>): Promise<void> {
  await count()
  for (let turn = 0; turn < 1000 && hostOf(sluice).catalogs.isReading(); turn++)
    await new Promise((resolve) => setTimeout(resolve, 5))
}

/**
 * Whether a client has read the catalog after at most this number of ticks. On a connection with different
 * session settings, nothing is served from the cache.
 */
async function isKnowing(sluice: Sluice, count: () => Promise<void>, turns = 50): Promise<boolean> {
  for (let turn = 0; turn < turns; turn++) {
    const before = sluice.queries.getStats().cacheHits
    for (let time = 0; time < 2; time++) await count()
    if (sluice.queries.getStats().cacheHits > before) return true
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return false
}
