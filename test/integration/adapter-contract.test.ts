import { adapterContract } from '@sluice/core/adapter-contract'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { createTables, knexHarness, pgHarness, prismaHarness } from '../support/contract-harnesses.ts'
import type { Harness } from '../support/contract-tables.ts'
import { type Database, type DatabaseKind, databases, everyKnexDatabase } from '../support/databases.ts'
import { drizzleHarness } from '../support/drizzle-harness.ts'
import { drizzleVersions } from '../support/drizzle-versions.ts'
import { exampleHarness } from '../support/example-harness.ts'
import { kyselyHarness, kyselyVersions } from '../support/kysely-harness.ts'

const ADAPTERS: Readonly<Record<string, { readonly make: Harness; readonly on: readonly DatabaseKind[] }>> = {
  '@sluice/knex': { make: knexHarness, on: everyKnexDatabase() },
  ...Object.fromEntries(
    drizzleVersions.map((version) => [
      `@sluice/drizzle with Drizzle ${version.name}`,
      {
        make: drizzleHarness(version),
        // On SQLite, it only observes.
        on: databases().filter(({ dialect }) => dialect !== 'sqlite'),
      },
    ]),
  ),
  'the example of an adapter': {
    make: exampleHarness,
    on: databases().filter(({ dialect }) => dialect === 'mysql'),
  },
  ...Object.fromEntries(
    Object.entries(kyselyVersions).map(([name, version]) => [
      `@sluice/kysely with Kysely ${name}`,
      { make: kyselyHarness(version), on: databases() },
    ]),
  ),
  '@sluice/prisma': { make: prismaHarness, on: databases() },
  sluicePool: { make: pgHarness, on: databases().filter(({ dialect }) => dialect === 'postgresql') },
}

for (const [adapter, { make, on }] of Object.entries(ADAPTERS)) {
  describe.each(on)(`${adapter} on $name`, ({ connect, skipped }) => {
    describe.skipIf(skipped !== undefined)('', () => {
      let database: Database
      beforeAll(async () => {
        database = await connect()
        await createTables(database)
      })
      afterAll(() => database?.drop())

      for (const { name, run } of adapterContract(() => make(database)))
        it(name, async ({ skip }) => {
          const reason = await run()
          if (reason !== undefined) skip(reason)
        })
    })
  })
}
