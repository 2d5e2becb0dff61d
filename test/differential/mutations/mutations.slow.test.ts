import { describe, expect, it } from 'vitest'
import { TEST_MS } from '../../support/patience.ts'
import { MUTATIONS } from './mutations.ts'
import { runMutant } from './run-mutant.ts'

describe('mutations', () => {
  it.each(MUTATIONS.filter(({ isQuick }) => isQuick).map((mutation) => [mutation.name, mutation] as const))(
    '%s is seen by the oracle',
    { timeout: TEST_MS },
    async (_, mutation) => {
      const { found } = await runMutant(mutation, { budget: 400, seed: 1 })
      expect(found).toBeDefined()
    },
  )
})
