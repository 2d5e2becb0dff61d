import type { Redis } from 'ioredis'

const KEEP_SECONDS = 60

/**
 * A common manual cache: results are cached under a name, and deleted after a write. It is not coherent,
 * which the checker must detect.
 */
export class NaiveCache {
  readonly #redis: Redis
  #hits = 0

  constructor(redis: Redis) {
    this.#redis = redis
  }

  get hits(): number {
    return this.#hits
  }

  async read<T>(name: string, load: () => Promise<T>): Promise<T> {
    const kept = await this.#redis.get(name).catch(() => null)
    if (kept !== null) {
      this.#hits += 1
      return JSON.parse(kept) as T
    }
    const value = await load()
    await this.#redis.set(name, JSON.stringify(value ?? null), 'EX', KEEP_SECONDS).catch(() => {})
    return value
  }

  async delete(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#redis.del(...names).catch(() => {})
  }
}
