import type { CacheStore } from '@sluice/core/stores'

/** Stores of several processes over one state, which tests can damage. */
export interface StoreWorld {
  readonly leaseMs: number
  readonly quarantineMs: number
  /** A handle like another process would open. The caller closes it. */
  connect(): CacheStore
  /** Loses the whole state: entries, stamps, intents, the epoch. */
  lose(): Promise<void>
  /** Advances the time of the store. */
  pass(ms: number): Promise<void>
  stop(): Promise<void>
}

/** Repeats the call until it returns a value. */
export async function until<T>(
  world: StoreWorld,
  ask: () => Promise<T | undefined>,
  withinMs = 5_000,
): Promise<T> {
  const stepMs = 10
  for (let waited = 0; waited <= withinMs; waited += stepMs) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await world.pass(stepMs)
  }
  throw new Error(`No answer within ${withinMs} ms.`)
}
