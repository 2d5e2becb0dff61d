import * as kysely from 'kysely'
import { describe, expect, it } from 'vitest'
import { databases } from '../../support/databases.ts'
import { compareOrder } from './compare-order.ts'
import { openKysely, orderClients } from './order-clients.ts'
import { createPosts } from './posts.ts'

/** `SLUICE_SEED` runs the programs of another seed. */
const seed = Number(process.env.SLUICE_SEED ?? 20_261_201)
const programs = Number(process.env.SLUICE_ORDER_PROGRAMS ?? 40)

describe.each(databases())(
  'calls that are not awaited on $name',
  { retry: 0 },
  ({ dialect, connect, skipped }) => {
    const pools = dialect === 'sqlite' ? [1] : [1, 4]
    const cases = Object.entries(orderClients(dialect)).flatMap(([name, open]) =>
      pools.flatMap((connections) =>
        (['optimize', 'shadow'] as const).map((mode) => ({ name, open, connections, mode })),
      ),
    )
    it.skipIf(skipped !== undefined).each(cases)(
      'have the results of the client without Sluice, with $name, $connections connections, $mode',
      async ({ name, open, connections, mode }) => {
        const database = await createPosts(await connect())
        try {
          const outcome = await compareOrder({
            open: (sluice) => open(database, connections, sluice),
            // The mutex of Kysely 0.28 lets a new caller pass those that wait.
            reference:
              name === 'Kysely 0.28' ? () => openKysely(database, connections, undefined, kysely) : undefined,
            // Prisma sends lookups at the end of the tick, and transactions later than statements.
            isOrdered: connections === 1 && name !== 'Prisma',
            // Prisma's adapter for SQLite executes other statements inside an open transaction.
            canRollBack: dialect !== 'sqlite' || name !== 'Prisma',
            mode,
            seed,
            programs,
          })
          if (process.env.SLUICE_ORDER_LOG)
            console.log(
              JSON.stringify([
                outcome.differences.length,
                outcome.cacheHits,
                outcome.batched,
                outcome.differences[0],
              ]),
            )
          expect(outcome.differences.length, JSON.stringify(outcome.differences[0])).toBe(0)
          if (mode === 'optimize') expect(outcome.cacheHits).toBeGreaterThan(0)
        } finally {
          await database.drop()
        }
      },
      120_000,
    )
  },
)
