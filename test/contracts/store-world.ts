import type { CacheStore } from '@sluice/core'

/** Stores of several processes over one state, and the power to harm it. */
export interface StoreWorld {
  readonly leaseMs: number
  readonly quarantineMs: number
  /** A handle as another process would have it. Whoever asks for it closes it. */
  connect(): CacheStore
  /** Loses the whole state: entries, stamps, intents, the epoch. */
  lose(): Promise<void>
  /** Lets that much time pass for the store. */
  pass(ms: number): Promise<void>
  stop(): Promise<void>
}

/** Asks again until there is an answer. */
export async function until<T>(world: StoreWorld, ask: () => Promise<T | undefined>, withinMs = 5_000): Promise<T> {
  const stepMs = 10
  for (let waited = 0; waited <= withinMs; waited += stepMs) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await world.pass(stepMs)
  }
  throw new Error(`No answer within ${withinMs} ms.`)
}
