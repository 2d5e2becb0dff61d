import { createSluice, type Mode, type Sluice } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { catalogsRead } from '../../support/catalog-read.ts'
import { databases } from '../../support/databases.ts'
import { reset, warm } from './compare-order.ts'
import type { OrderClient } from './order-client.ts'
import { orderClients } from './order-clients.ts'
import { createPosts } from './posts.ts'

const trials = Number(process.env.SLUICE_ORDER_TRIALS ?? 10)

/** Returns whether a trial had the result of another order. */
type Rule = (client: OrderClient, value: number) => Promise<boolean>

const rules: Readonly<Record<string, Rule>> = {
  'serves no hit after an issued write': async (client, value) => {
    const [, read] = await Promise.all([client.write(1, value), client.read(1)])
    return read !== value
  },
  'sends waiting lookups before a write': async (client, value) => {
    const reads = await Promise.all([client.read(1), client.read(2), client.write(1, value)])
    return reads[0] === value
  },
  'shares no result across a write': async (client, value) => {
    const reads = [client.list(), client.write(1, value), client.list()] as const
    const [before, , after] = await Promise.all(reads)
    return before[0] === value || after[0] !== value
  },
  'serves no hit during a transaction': async (client, value) => {
    const transaction = client.transaction((target) => target.write(1, value))
    const read = await client.read(1)
    await transaction
    return read !== value
  },
}

async function overtakings(
  open: (sluice: Sluice | undefined) => Promise<OrderClient>,
  mode: Mode | undefined,
  rule: Rule,
): Promise<number> {
  const sluice = mode === undefined ? undefined : createSluice({ mode })
  const client = await open(sluice)
  const scoped = <T>(work: () => Promise<T>) => (sluice === undefined ? work() : sluice.run(work))
  try {
    let count = 0
    for (let trial = 0; trial < trials; trial++) {
      await reset(client)
      if (trial === 0) await warm(client)
      if (sluice !== undefined) await catalogsRead(sluice)
      // Waiting lookups are cached by none, so that they wait.
      if (!rule.name.startsWith('sends')) for (let time = 0; time < 2; time++) await warm(client)
      if (await scoped(() => rule(client, 1_000 + trial))) count += 1
    }
    return count
  } finally {
    await client.close()
    await sluice?.close()
  }
}

describe.each(databases())('one connection of $name', ({ dialect, connect, skipped }) => {
  // Prisma itself sends lookups at the end of the tick, and transactions later than statements.
  const clients = Object.entries(orderClients(dialect)).filter(([name]) => name !== 'Prisma')
  const cases = clients.flatMap(([client, open]) =>
    Object.entries(rules).flatMap(([rule, run]) =>
      (['shadow', 'optimize'] as const).map((mode) => ({ client, open, rule, run, mode })),
    ),
  )
  it.skipIf(skipped !== undefined).each(cases)('$rule with $client in $mode', async ({ open, run, mode }) => {
    const database = await createPosts(await connect())
    try {
      expect(await overtakings((sluice) => open(database, 1, sluice), mode, run)).toBe(0)
    } finally {
      await database.drop()
    }
  })
})

describe.each(databases())('reservations of $name', ({ dialect, connect, skipped }) => {
  const cases = Object.entries(orderClients(dialect))
    .filter(([name]) => name !== 'Prisma' && name !== 'Drizzle')
    .flatMap(([client, open]) =>
      (['observe', 'shadow', 'optimize'] as const).map((mode) => ({ client, open, mode })),
    )
  it.skipIf(skipped !== undefined).each(cases)(
    'exclude each other with $client in $mode',
    async ({ open, mode }) => {
      const database = await createPosts(await connect())
      const sluice = createSluice({ mode })
      const client = await open(database, 1, sluice)
      try {
        await reset(client)
        await warm(client)
        await catalogsRead(sluice)
        const increment = () =>
          client.reserve?.(async (target) => target.write(1, (await target.read(1)) + 1))
        await Promise.all(Array.from({ length: 100 }, increment))
        expect(await client.read(1)).toBe(110)
      } finally {
        await client.close()
        await sluice.close()
        await database.drop()
      }
    },
  )
})
