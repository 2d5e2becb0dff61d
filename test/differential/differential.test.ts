import { describe, it } from 'vitest'
import { databases } from '../support/databases.ts'
import { expectNoDifferences } from './expect-no-differences.ts'

describe.each(databases())('random programs on $name', { retry: 0 }, ({ connect, skipped }) => {
  it.skipIf(skipped !== undefined)(
    'return the same results with Sluice as without',
    async () => expectNoDifferences(await connect()),
    600_000,
  )
})
