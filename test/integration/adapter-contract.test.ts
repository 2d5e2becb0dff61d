import { adapterContract } from '@sluice/core/adapter-contract'
import { afterAll, beforeAll, describe, it } from 'vitest'
import {
  createTables,
  type Harness,
  knexHarness,
  pgHarness,
  prismaHarness,
} from '../support/contract-harnesses.ts'
import { type Database, type DatabaseKind, databases, everyKnexDatabase } from '../support/databases.ts'

const ADAPTERS: Readonly<Record<string, { readonly make: Harness; readonly on: readonly DatabaseKind[] }>> = {
  '@sluice/knex': { make: knexHarness, on: everyKnexDatabase() },
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
