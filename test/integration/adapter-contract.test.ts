import { adapterContract } from '@sluice/core/adapter-contract'
import { afterAll, beforeAll, describe, it } from 'vitest'
import {
  createTables,
  type Harness,
  knexHarness,
  pgHarness,
  prismaHarness,
} from '../support/contract-harnesses.ts'
import { type Database, databases } from '../support/databases.ts'

const ADAPTERS: Readonly<Record<string, { readonly make: Harness; readonly on: readonly string[] }>> = {
  '@sluice/knex': { make: knexHarness, on: ['SQLite', 'PostgreSQL', 'MariaDB'] },
  '@sluice/prisma': { make: prismaHarness, on: ['SQLite', 'PostgreSQL', 'MariaDB'] },
  sluicePool: { make: pgHarness, on: ['PostgreSQL'] },
}

for (const kind of databases()) {
  describe.skipIf(kind.skipped !== undefined)(kind.name, () => {
    let database: Database
    beforeAll(async () => {
      database = await kind.connect()
      await createTables(database)
    })
    afterAll(() => database.drop())

    for (const [adapter, { make }] of Object.entries(ADAPTERS).filter(([, { on }]) =>
      on.includes(kind.name),
    )) {
      describe(adapter, () => {
        for (const { name, run } of adapterContract(() => make(database)))
          it(name, async ({ skip }) => {
            const reason = await run()
            if (reason !== undefined) skip(reason)
          })
      })
    }
  })
}
