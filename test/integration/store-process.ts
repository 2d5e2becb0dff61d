import { createSluice, type Sluice } from '@sluice/core'
import type { CacheStore, NewEntry } from '@sluice/core/stores'
import { withSluice as withKnex } from '@sluice/knex'
import { withSluice as withKysely } from '@sluice/kysely'
import { sluiceAdapter, withSluice as withPrisma } from '@sluice/prisma'
import knex from 'knex'
import { Kysely } from 'kysely'
import { expect, vi } from 'vitest'
import { connectRead } from '../support/catalog-read.ts'
import type { Database } from '../support/databases.ts'
import { kyselyDialect } from '../support/kysely-harness.ts'
import { SOON } from '../support/patience.ts'
import type { PrismaClients, TestPrismaClient } from '../support/prisma-clients.ts'
import type { Clients, Tables } from './forged-reads.ts'

interface Stored {
  readonly key: string
  readonly entry: NewEntry
}

/** One process: all ORMs on the database, with a connection to the store. */
export interface Process extends Clients {
  readonly sluice: Sluice
  /** The last entry that was sent to the store, once it is there. */
  stored(): Promise<Stored | undefined>
  close(): Promise<void>
}

export async function openProcess(
  database: Database,
  clients: PrismaClients,
  store: CacheStore,
): Promise<Process> {
  let last: Promise<Stored | undefined> = Promise.resolve(undefined)
  const watched = new Proxy(store, {
    get: (_, name) => {
      const value: unknown = Reflect.get(store, name)
      if (name !== 'set') return typeof value === 'function' ? value.bind(store) : value
      return (key: string, entry: NewEntry, keepMs: number) => {
        const sent = store.set(key, entry, keepMs)
        last = sent.then(
          () => ({ key, entry }),
          () => undefined,
        )
        return sent
      }
    },
  })
  const sluice = createSluice({ mode: 'optimize', cache: { store: watched, ttl: 300 } })
  const adapter = sluiceAdapter(clients.createAdapter(), sluice)
  const client = new clients.PrismaClient({ adapter })
  const prisma = client.$extends(
    withPrisma(sluice, { schema: clients.schema }),
  ) as unknown as TestPrismaClient
  const db = withKnex(knex(database.knexConfig()), sluice)
  const kysely = new Kysely<Tables>({ dialect: withKysely(kyselyDialect(database), sluice) })
  await db('posts').first()
  await kysely.selectFrom('posts').select('id').limit(1).execute()
  await connectRead(client, sluice)
  return {
    sluice,
    db,
    prisma,
    kysely,
    stored: () => last,
    async close() {
      await sluice.close()
      await Promise.all([client.$disconnect(), db.destroy(), kysely.destroy()])
    },
  }
}

/**
 * Waits until the store accepts results: until then, it waits for writes of processes before it was empty.
 */
export async function storesAll(sluice: Sluice, ask: () => PromiseLike<unknown>): Promise<void> {
  await vi.waitFor(async () => {
    const before = sluice.getResultStats()
    await sluice.run(async () => await ask())
    expect(sluice.getResultStats()?.hits).toBeGreaterThan(before?.hits ?? 0)
  }, SOON)
}
