import { expect } from 'vitest'
import type { Database } from '../support/database.ts'
import { findDifferences } from './oracle.ts'
import { Rig } from './rig.ts'

const RUNS = 60

/** `SLUICE_SEED` runs the programs of another seed: the seed that a failure printed, or a new one. */
const seed = Number(process.env.SLUICE_SEED ?? 20_260_101)

/** Runs random programs on the fixed models of an empty database, with and without Sluice. */
export async function expectNoDifferences(database: Database): Promise<void> {
  const rig = await Rig.open(database)
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
}
