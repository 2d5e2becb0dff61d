import { describe, expect, it } from 'vitest'
import { knexDatabases } from '../support/databases.ts'
import { findDifferences } from './oracle.ts'
import { Rig } from './rig.ts'

const RUNS = 60

/** `SLUICE_SEED` runs the programs of another seed: the seed that a failure printed, or a new one. */
const seed = Number(process.env.SLUICE_SEED ?? 20_260_101)

describe.each(knexDatabases())('random programs on $name', { retry: 0 }, ({ connect, skipped }) => {
  it.skipIf(skipped !== undefined)(
    'return the same results with Sluice as without',
    async () => {
      const rig = await Rig.open(await connect())
      try {
        const { seen, batched, batches, cacheHits, undetermined } = await findDifferences(rig, {
          runs: RUNS,
          seed,
        })
        // Programs in which nothing is batched or cached would prove nothing. Batching in Prisma does not
        // count, and on PostgreSQL nothing is batched in transactions, which contain many of the programs'
        // reads.
        expect(batched / seen).toBeGreaterThan(0.025)
        expect(cacheHits / seen).toBeGreaterThan(0.1)
        expect(batches).toBeGreaterThan(RUNS / 4)
        expect(undetermined).toBeLessThan(RUNS / 20)
      } finally {
        await rig.close()
      }
    },
    600_000,
  )
})
