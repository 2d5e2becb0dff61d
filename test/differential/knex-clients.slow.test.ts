import { describe, it } from 'vitest'
import { everyKnexDatabase, knexDatabases } from '../support/databases.ts'
import { expectNoDifferences } from './expect-no-differences.ts'

const usual = new Set(knexDatabases().map(({ client }) => client))
const others = everyKnexDatabase().filter(({ client }) => !usual.has(client))

describe.each(others)('random programs on $name', { retry: 0 }, ({ connect, skipped }) => {
  it.skipIf(skipped !== undefined)(
    'return the same results with Sluice as without',
    async () => expectNoDifferences(await connect()),
    600_000,
  )
})
