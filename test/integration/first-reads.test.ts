import { createSluice, type Mode, type Sluice, type SluiceOptions } from '@sluice/core'
import type { ContractClient } from '@sluice/core/adapter-contract'
import { hostOf } from '@sluice/core/siblings'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { createTables, knexHarness, pgHarness, prismaHarness } from '../support/contract-harnesses.ts'
import type { Harness } from '../support/contract-tables.ts'
import { type Database, type DatabaseKind, databases } from '../support/databases.ts'
import { drizzleHarness } from '../support/drizzle-harness.ts'
import { drizzleVersions } from '../support/drizzle-versions.ts'
import { kyselyHarness, kyselyVersions } from '../support/kysely-harness.ts'

const LONG_MS = 20_000

interface Adapter {
  readonly make: Harness
  readonly on: readonly DatabaseKind[]
  /** Statements for lookups that are issued together by a new process. */
  readonly statements: number
}

const ADAPTERS: Readonly<Record<string, Adapter>> = {
  Knex: { make: knexHarness, on: databases(), statements: 1 },
  ...Object.fromEntries(
    drizzleVersions.map((version): [string, Adapter] => [
      `Drizzle ${version.name}`,
      // On SQLite, it only observes.
      {
        make: drizzleHarness(version),
        on: databases().filter(({ dialect }) => dialect !== 'sqlite'),
        statements: 1,
      },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(kyselyVersions).map(([name, version]): [string, Adapter] => [
      `Kysely ${name}`,
      { make: kyselyHarness(version), on: databases(), statements: 1 },
    ]),
  ),
  // Its client connects for its first operation, so the first one cannot wait.
  Prisma: { make: prismaHarness, on: databases(), statements: 2 },
  sluicePool: {
    make: pgHarness,
    on: databases().filter(({ dialect }) => dialect === 'postgresql'),
    statements: 1,
  },
}

function one(db: ContractClient): NonNullable<ContractClient['firstByKey']> {
  if (db.firstByKey === undefined) throw new Error('Expected a client that reads the first row.')
  return db.firstByKey
}

const ids = Array.from({ length: 40 }, (_, at) => at + 1)

for (const [adapter, { make, on, statements }] of Object.entries(ADAPTERS)) {
  describe.each(on)(`the first reads of ${adapter} on $name`, ({ connect, skipped }) => {
    describe.skipIf(skipped !== undefined)('', () => {
      let database: Database
      beforeAll(async () => {
        database = await connect()
        await createTables(database)
      })
      afterAll(() => database?.drop())

      interface Opened {
        readonly sluice: Sluice
        readonly db: ContractClient
        readonly bare: ContractClient
        /** The values of the app's statements, in the order in which they were sent. */
        readonly sent: (readonly unknown[])[]
      }

      async function open(mode: Mode, waitMs: number, options: SluiceOptions = {}): Promise<Opened> {
        const sluice = createSluice({ mode, cache: { ttl: 300 }, ...options })
        const host = hostOf(sluice)
        host.catalogs.first.waitMs = waitMs
        const sent: (readonly unknown[])[] = []
        host.watchStatements({
          begin(_sql, _dialect, _analyzed, bindings) {
            sent.push(bindings)
            return undefined
          },
        })
        const harness = await make(database)
        await harness.reset()
        const db = await harness.open(sluice)
        const bare = await harness.open(undefined)
        onTestFinished(async () => {
          await db.close()
          await bare.close()
          await sluice.close()
        })
        return { sluice, db, bare, sent }
      }

      it('are batched, and return the same rows', async () => {
        const { sluice, db, bare, sent } = await open('optimize', LONG_MS)
        const rows = await sluice.run(() => Promise.all(ids.map((id) => one(db)(id))))
        expect(sent).toHaveLength(statements)
        expect(rows).toEqual(await Promise.all(ids.map((id) => one(bare)(id))))
        expect(sluice.queries.getStats().errors).toBe(0)
      })

      it('are sent before a write that was issued after them', async () => {
        const { sluice, db, sent } = await open('observe', LONG_MS)
        // Connections that are open already receive statements at once.
        await Promise.all([one(db)(1), one(db)(2), one(db)(3)])
        const { first } = hostOf(sluice).catalogs
        sluice.setMode('optimize')
        await sluice.run(() => one(db)(4))
        // A catalog that is never read.
        first.expect('another client')
        sent.splice(0)
        await sluice.run(async () => {
          const reading = one(db)(7)
          await new Promise((resolve) => setImmediate(resolve))
          expect(sent).toEqual([])
          await Promise.all([reading, db.update(2, 'changed')])
        })
        const [earliest = []] = sent.filter(({ length }) => length > 0)
        expect(earliest).toContain(7)
        expect(sent.some((bindings) => bindings.includes(2))).toBe(true)
        first.end('another client')
      })

      it('do not wait in transactions, and in no other mode', async () => {
        const { sluice, db } = await open('observe', LONG_MS)
        await one(db)(1)
        sluice.setMode('optimize')
        hostOf(sluice).catalogs.first.expect('another client')
        await sluice.run(() => one(db)(1), { mode: 'observe' })
        await sluice.run(() => one(db)(1), { mode: 'shadow' })
        await sluice.run(() => db.transaction((transaction) => one(transaction)(1)))
      })

      it('are sent without the catalog if it is not read in time', async () => {
        const { sluice, db } = await open('optimize', 1)
        hostOf(sluice).catalogs.first.expect('another client')
        expect(await sluice.run(() => one(db)(1))).toBeDefined()
      })

      it('are optimized from the first statement on after ready()', async () => {
        const { sluice, db, sent } = await open('optimize', LONG_MS)
        const { ready, pending } = await sluice.ready()
        expect([ready.length, pending]).toEqual([1, {}])
        await sluice.run(() => Promise.all(ids.map((id) => one(db)(id))))
        expect(sent).toHaveLength(1)
        expect(sluice.queries.getStats().passedThrough).toEqual({})
      })

      it('do not wait after a Sluice was closed', async () => {
        const { sluice, db } = await open('optimize', LONG_MS)
        await one(db)(1)
        await catalogsRead(sluice)
        hostOf(sluice).catalogs.first.expect('another client')
        const reading = sluice.run(() => one(db)(2))
        await sluice.close()
        expect(await reading).toBeDefined()
      })
    })
  })
}
