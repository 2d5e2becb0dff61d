import { describe, it } from 'vitest'
import { databases, knexDatabases } from '../support/databases.ts'
import { expectNoDifferences } from './expect-no-differences.ts'

/** The client of each database that the fast tests use. */
const usual = databases().map(
  ({ dialect }) => knexDatabases().find((kind) => kind.dialect === dialect)?.client,
)
const others = knexDatabases().filter(({ client }) => !usual.includes(client))

describe.each(others)('random programs on $name', { retry: 0 }, ({ connect, skipped }) => {
  it.skipIf(skipped !== undefined)(
    'return the same results with Sluice as without',
    async () => expectNoDifferences(await connect()),
    600_000,
  )
})
