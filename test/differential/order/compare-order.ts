import { createSluice, type Mode } from '@sluice/core'
import { catalogsRead } from '../../support/catalog-read.ts'
import { Random } from '../../support/random.ts'
import { isExplained } from './histories.ts'
import type { OrderClient } from './order-client.ts'
import { KEYS, type OrderProgram, randomProgram } from './order-program.ts'
import { type Event, runOrder, textOf } from './run-order.ts'

interface OrderRun {
  readonly open: (sluice: ReturnType<typeof createSluice> | undefined) => Promise<OrderClient>
  /** Opens another client without Sluice, whose results are also valid. */
  readonly reference?: (() => Promise<OrderClient>) | undefined
  /** Whether the client executes its calls in their order. */
  readonly isOrdered: boolean
  /** Whether a rollback undoes nothing but its transaction. */
  readonly canRollBack: boolean
  readonly mode: Mode
  readonly seed: number
  readonly programs: number
}

export interface OrderOutcome {
  readonly differences: readonly {
    readonly program: OrderProgram
    readonly events: readonly Event[]
    readonly bare: readonly string[]
  }[]
  readonly cacheHits: number
  readonly batched: number
}

/** Runs without Sluice that show which results a program can have. */
const FEW = 2
const MANY = 20

/**
 * Runs random programs with and without Sluice. With one connection, Sluice must return the results of the
 * client without Sluice in one of several runs. With several, some order of the statements must explain the
 * results.
 */
export async function compareOrder(run: OrderRun): Promise<OrderOutcome> {
  const sluice = createSluice({ mode: run.mode })
  const optimized = await run.open(sluice)
  const bare = [await run.open(undefined), ...(run.reference === undefined ? [] : [await run.reference()])]
  const differences: OrderOutcome['differences'][number][] = []
  try {
    const random = new Random(run.seed)
    for (let nth = 0; nth < run.programs; nth++) {
      const program = randomProgram(random, optimized.reserve !== undefined, !run.isOrdered, run.canRollBack)
      const scoped = (work: () => Promise<readonly Event[]>): Promise<readonly Event[]> =>
        program.isScoped ? sluice.run(work) : work()
      const before = await reset(optimized)
      if (nth === 0) await warm(optimized)
      await catalogsRead(sluice)
      for (let time = 0; time < 2; time++) await warm(optimized)
      const events = await scoped(() => runOrder(optimized, program))
      if (run.isOrdered ? await isBare(bare, program, events) : isExplained(events, before)) continue
      const texts = run.isOrdered ? [...(await results(bare, program, MANY))] : []
      differences.push({ program, events, bare: texts })
    }
    const { cacheHits, batched } = sluice.queries.getStats()
    return { differences, cacheHits, batched }
  } finally {
    for (const client of bare) await client.close()
    await optimized.close()
    await sluice.close()
  }
}

/** Sets every row to its first value, and returns these values. */
export async function reset(client: OrderClient): Promise<ReadonlyMap<number, number>> {
  for (const key of KEYS) await client.write(key, key * 10)
  return new Map(KEYS.map((key) => [key, key * 10]))
}

/** Reads everything. */
export async function warm(client: OrderClient): Promise<void> {
  for (const key of KEYS) await client.read(key)
  await client.list()
}

async function isBare(
  bare: readonly OrderClient[],
  program: OrderProgram,
  events: readonly Event[],
): Promise<boolean> {
  const text = textOf(events)
  return (await results(bare, program, FEW)).has(text) || (await results(bare, program, MANY)).has(text)
}

async function results(
  bare: readonly OrderClient[],
  program: OrderProgram,
  times: number,
): Promise<ReadonlySet<string>> {
  const texts = new Set<string>()
  for (let time = 0; time < times; time++)
    for (const client of bare) {
      await reset(client)
      texts.add(textOf(await runOrder(client, program)))
    }
  return texts
}
