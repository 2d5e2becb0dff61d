import type { CacheStore, StoreWatcher } from '@sluice/core/stores'
import { ownNow } from '../support/own-clock.ts'
import { SOON } from '../support/patience.ts'

/** Uses a store and records the outcomes; watches it on request. */
export class Witness implements StoreWatcher {
  readonly failures: unknown[] = []
  readonly tags: string[] = []
  successes = 0
  losses = 0
  slowestMs = 0
  #stopped = false

  constructor(private readonly store: CacheStore) {}

  invalidated(tags: readonly string[]): void {
    this.tags.push(...tags)
  }

  lost(): void {
    this.losses += 1
  }

  /** Reads, fills and writes until it is stopped. */
  async load(concurrency: number): Promise<void> {
    await Promise.all(Array.from({ length: concurrency }, (_, at) => this.#work(`${at}`)))
  }

  stop(): void {
    this.#stopped = true
  }

  async #work(name: string): Promise<void> {
    const tags = ['a', name]
    for (let round = 0; !this.#stopped; round += 1) {
      await this.#call(() => this.store.read(tags, name))
      const opened = await this.#call(() => this.store.open(tags))
      const times = { queriedAt: 0, ttlMs: 1_000, costMs: 1 }
      if (opened !== undefined)
        await this.#call(() => this.store.set(name, { value: round, tags, times, ...opened }, 1_000))
      await this.#call(() => this.store.begin(tags, name))
      await this.#call(() => this.store.renew(tags, name))
      await this.#call(() => this.store.end(tags, name))
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  async #call<T>(call: () => Promise<T>): Promise<T | undefined> {
    const start = ownNow()
    try {
      const result = await call()
      this.successes += 1
      return result
    } catch (error) {
      this.failures.push(error)
      return undefined
    } finally {
      this.slowestMs = Math.max(this.slowestMs, ownNow() - start)
    }
  }
}

/** Repeats the call, even after errors of the store, until it returns a value. */
export async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  const until = performance.now() + SOON.timeout
  for (;;) {
    const answer = await ask().catch((error: unknown) => {
      if (performance.now() > until) throw error
      return undefined
    })
    if (answer !== undefined) return answer
    if (performance.now() > until) throw new Error('There was no answer in time.')
    await new Promise((resolve) => setTimeout(resolve, SOON.interval))
  }
}
