import { setImmediate as tick } from 'node:timers/promises'
import { type OrderClient, perform } from './order-client.ts'
import type { Block, OrderProgram, OrderStatement } from './order-program.ts'

/** A statement, from its call to its result, in the order of all calls and results of the program. */
export interface Event {
  /** The step that it belongs to. */
  readonly step: number
  readonly statement: OrderStatement | { readonly kind: 'commit'; readonly writes: readonly OrderStatement[] }
  readonly from: number
  readonly to: number
  readonly result: unknown
}

class RolledBack extends Error {}

/** Runs a program. The last event reads all rows. */
export async function runOrder(client: OrderClient, { steps }: OrderProgram): Promise<readonly Event[]> {
  const events: Event[] = []
  let now = 0
  const next = () => {
    now += 1
    return now
  }
  const record = async (step: number, statement: Event['statement'], run: () => Promise<unknown>) => {
    const from = next()
    const at = events.push({ step, statement, from, to: from, result: undefined }) - 1
    const result = await run()
    events[at] = { step, statement, from, to: next(), result }
  }
  const inBlock = async (step: number, { kind, steps: inner, rollsBack }: Block) => {
    const work = async (target: Parameters<typeof perform>[0]) => {
      for (const statement of inner)
        if (kind === 'reserve') await record(step, statement, () => perform(target, statement))
        else await perform(target, statement)
      if (rollsBack) throw new RolledBack('rolled back')
    }
    if (kind === 'reserve') return client.reserve?.(work)
    const writes = rollsBack ? [] : inner.filter(({ kind: what }) => what === 'write' || what === 'add')
    await record(step, { kind: 'commit', writes }, async () => {
      // The reads inside count where they are the result.
      const read: unknown[] = []
      const target = (inside: Parameters<typeof perform>[0]) => ({
        ...inside,
        read: async (key: number) => {
          const value = await inside.read(key)
          read.push(value)
          return value
        },
        list: async () => {
          const values = await inside.list()
          read.push(values)
          return values
        },
      })
      await client
        .transaction((inside) => work(target(inside)))
        .catch((error: unknown) => {
          if (!(error instanceof RolledBack)) throw error
        })
      return read
    })
  }
  const running: Promise<unknown>[] = []
  for (const [at, { action, isAwaited, pause }] of steps.entries()) {
    const started =
      'steps' in action ? inBlock(at, action) : record(at, action, () => perform(client, action))
    running.push(started)
    if (isAwaited) await started
    if (pause === 'microtasks') for (let at = 0; at < 3; at++) await undefined
    if (pause === 'tick') await tick()
  }
  await Promise.all(running)
  await record(steps.length, { kind: 'list' }, () => client.list())
  return events
}

/** The results of a program by step, without the times. */
export function textOf(events: readonly Event[]): string {
  const inOrder = [...events].sort((one, other) => one.step - other.step)
  return JSON.stringify(inOrder.map(({ result }) => result ?? null))
}
