import { describe, expect, it } from 'vitest'
import { databases } from '../support/databases.ts'
import { addEffects, findDifferences, NO_EFFECT } from './oracle.ts'
import { Rig } from './rig.ts'
import { SCHEMAS, schemaAt } from './schemas/plan.ts'
import { randomSubject } from './schemas/random-subject.ts'

/** `pnpm test:differential` runs more of them. */
const RUNS_PER_SCHEMA = 6

/** On the fixed models and on a random schema. */
const RUNS_WITH_FEATURES = 10

/** `SLUICE_SEED` runs the programs of another seed: the seed that a failure printed, or a new one. */
const seed = Number(process.env.SLUICE_SEED ?? 20_260_101)
const places = Array.from({ length: SCHEMAS }, (_, index) => schemaAt(index))

describe.each(databases())(
  'random programs on random schemas on $name',
  { retry: 0 },
  ({ connect, skipped, dialect }) => {
    it.skipIf(skipped !== undefined)(
      'return the same results with Sluice as without',
      async () => {
        const own = places.filter((place) => place.dialect === dialect)
        let total = NO_EFFECT
        for (const place of own) {
          const database = await connect()
          const rig = await Rig.open(database, {
            subject: await randomSubject(place, database),
            firstKind: place.seed,
          })
          try {
            total = addEffects(total, await findDifferences(rig, { runs: RUNS_PER_SCHEMA, seed }))
          } catch (error) {
            throw new Error(
              `Schema ${place.folder}: ${error instanceof Error ? error.message : String(error)}`,
              { cause: error },
            )
          } finally {
            await rig.close()
          }
        }
        const { seen, batched, batches, cacheHits, undetermined } = total
        // Programs in which nothing is batched or cached would prove nothing.
        expect(batched / seen).toBeGreaterThan(0.02)
        expect(cacheHits / seen).toBeGreaterThan(0.1)
        expect(batches).toBeGreaterThan((own.length * RUNS_PER_SCHEMA) / 4)
        expect(undetermined).toBeLessThan((own.length * RUNS_PER_SCHEMA) / 20)
      },
      600_000,
    )

    it.skipIf(skipped !== undefined)(
      'return the same results with Sluice as without if the database has triggers, functions and views',
      async () => {
        let total = NO_EFFECT
        for (const [at, place] of [undefined, places.find((place) => place.dialect === dialect)].entries()) {
          const database = await connect()
          const rig = await Rig.withFeatures(database, {
            subject: place && (await randomSubject(place, database)),
            featureSeed: at,
          })
          try {
            total = addEffects(total, await findDifferences(rig, { runs: RUNS_WITH_FEATURES, seed }))
          } finally {
            await rig.close()
          }
        }
        // Definitions begin generations, and nothing is cached while a catalog is read: the remaining share
        // depends on the machine's pace.
        expect(total.cacheHits / total.seen).toBeGreaterThan(0.01)
        expect(total.undetermined).toBeLessThan(RUNS_WITH_FEATURES / 3)
      },
      600_000,
    )
  },
)
