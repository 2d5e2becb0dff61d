import { describe, expect, it } from 'vitest'
import { databases } from '../support/databases.ts'
import { EVERY_BUILDER } from './builders/builder-clients.ts'
import { findDifferences } from './oracle.ts'
import { Rig } from './rig.ts'

/** `pnpm test:differential --only builders` runs more of them. */
const RUNS = 30

/** `SLUICE_SEED` runs the programs of another seed: the seed that a failure printed, or a new one. */
const seed = Number(process.env.SLUICE_SEED ?? 20_260_101)

describe.each(databases())(
  'random programs of every builder on $name',
  { retry: 0 },
  ({ dialect, connect, skipped }) => {
    it.skipIf(skipped !== undefined)(
      'return the same results with Sluice as without, with fewer statements',
      async () => {
        const rig = await Rig.open(await connect(), { builders: EVERY_BUILDER[dialect] })
        try {
          const { seen, batched, cacheHits, undetermined, sent, sentBare } = await findDifferences(rig, {
            runs: RUNS,
            seed,
          })
          expect(sent / sentBare).toBeLessThan(0.9)
          // Programs in which nothing is batched or cached would prove nothing.
          expect(batched / seen).toBeGreaterThan(0.02)
          expect(cacheHits / seen).toBeGreaterThan(0.1)
          expect(undetermined).toBeLessThan(RUNS / 20)
        } finally {
          await rig.close()
        }
      },
      600_000,
    )
  },
)
