import { setTimeout as after } from 'node:timers/promises'
import { type CacheStore, EVERY_TAG } from '@sluice/core/stores'
import type { Random } from '../support/random.ts'

/**
 * - `intents`: the protocol of `CacheStore`.
 * - `delete`: entries are deleted after the write, and read without checks.
 */
type Protocol = 'intents' | 'delete'

export interface FaultRunOptions {
  readonly random: Random
  readonly ms: number
  readonly leaseMs: number
  readonly protocol?: Protocol
  readonly rows?: number
  readonly callers?: number
  /** Share of writers that die after their commit. */
  readonly deaths?: number
  /** The store of another process. The caller closes it. */
  connect(caller: number): CacheStore
  /** Damages servers until the signal is aborted. All of them work when it resolves. */
  hurt(signal: AbortSignal): Promise<void>
}

export interface FaultReport {
  readonly reads: number
  readonly hits: number
  readonly writes: number
  readonly rejected: number
  readonly deaths: number
  /** Reads that returned an older value than one that was acknowledged before they began. */
  readonly a: number
  /** Reads that returned an older value than one that was returned before they began. */
  readonly b: number
  /** Valid entries that differ from the database when nothing is in flight. */
  readonly c: number
}

const KEYS_PER_ROW = 3
/** Below the quarantine. */
const RENEW_MS = 250
const times = { queriedAt: 0, ttlMs: 60_000, costMs: 0 }

/** Readers and writers of a few rows over a store whose servers are damaged, and an oracle of A, B and C. */
export async function runFaults(options: FaultRunOptions): Promise<FaultReport> {
  return new FaultRun(options).run()
}

class FaultRun {
  readonly #rows: number[]
  readonly #acknowledged: number[]
  readonly #seen: number[]
  readonly #tally = { reads: 0, hits: 0, writes: 0, rejected: 0, deaths: 0, a: 0, b: 0, c: 0 }
  readonly #isNaive: boolean
  #isOver = false
  #tokens = 0

  constructor(private readonly options: FaultRunOptions) {
    const rows = options.rows ?? 6
    this.#rows = new Array(rows).fill(0)
    this.#acknowledged = new Array(rows).fill(0)
    this.#seen = new Array(rows).fill(0)
    this.#isNaive = options.protocol === 'delete'
  }

  async run(): Promise<FaultReport> {
    const { callers = 10, connect, hurt, ms, leaseMs } = this.options
    const stores = Array.from({ length: callers }, (_, caller) => connect(caller))
    const writers = Math.max(2, Math.floor(callers / 3))
    const over = new AbortController()
    const damage = hurt(over.signal)
    const work = stores.map((store, at) => (at < writers ? this.#writeAll(store) : this.#readAll(store)))
    await after(ms)
    over.abort()
    await damage
    this.#isOver = true
    await Promise.all(work)
    // Every lease and every quarantine.
    await after(leaseMs + 2_500)
    await this.#sweep(stores[0] as CacheStore)
    for (const store of stores) await store.close()
    return this.#tally
  }

  async #readAll(store: CacheStore): Promise<void> {
    while (!this.#isOver) {
      const row = this.options.random.below(this.#rows.length)
      const acknowledged = this.#acknowledged[row] as number
      const seen = this.#seen[row] as number
      const value = await this.#read(store, row)
      this.#tally.reads += 1
      if (value < acknowledged) this.#tally.a += 1
      if (value < seen) this.#tally.b += 1
      this.#seen[row] = Math.max(this.#seen[row] as number, value)
    }
  }

  async #read(store: CacheStore, row: number): Promise<number> {
    const { random } = this.options
    const key = keyOf(row, random.below(KEYS_PER_ROW))
    const tags = [`row ${row}`]
    if (random.chance(0.1)) return this.#query(row)
    try {
      const value = await this.#find(store, tags, key)
      if (value !== undefined) {
        this.#tally.hits += 1
        return value
      }
      const permit = this.#isNaive ? { epoch: 'e', stamps: ['s'] } : await store.open(tags)
      const loaded = await this.#query(row)
      await this.#pause(random.chance(0.05) ? 100 : 3)
      if (permit !== undefined)
        store.set(key, { value: loaded, tags, times, ...permit }, 3_600_000).catch(() => {})
      return loaded
    } catch {
      return this.#query(row)
    }
  }

  async #find(store: CacheStore, tags: readonly string[], key: string): Promise<number | undefined> {
    const { entry, epoch, stamps } = await store.read(tags, key)
    if (entry === undefined) return undefined
    const isValid =
      this.#isNaive || (epoch === entry.epoch && entry.stamps.every((stamp, at) => stamp === stamps[at]))
    return isValid ? (entry.value() as number) : undefined
  }

  async #query(row: number): Promise<number> {
    await this.#pause(3)
    return this.#rows[row] as number
  }

  async #writeAll(store: CacheStore): Promise<void> {
    while (!this.#isOver) {
      const row = this.options.random.below(this.#rows.length)
      await (this.#isNaive ? this.#writeNaively(store, row) : this.#write(store, row))
      await this.#pause(60)
    }
  }

  async #writeNaively(store: CacheStore, row: number): Promise<void> {
    await this.#pause(3)
    const value = this.#commit(row)
    await this.#pause(3)
    const keys = Array.from({ length: KEYS_PER_ROW }, (_, at) => keyOf(row, at))
    await store.delete(keys).catch(() => {})
    this.#acknowledge(row, value)
  }

  async #write(store: CacheStore, row: number): Promise<void> {
    const { random, leaseMs, deaths = 0.03 } = this.options
    const tags = random.chance(0.02) ? [EVERY_TAG] : [`row ${row}`]
    const token = this.#token()
    const reject = () => {
      this.#tally.rejected += 1
      store.end(tags, token).catch(() => {})
    }
    let heldFrom = performance.now()
    try {
      await store.begin(tags, token)
    } catch {
      return reject()
    }
    const until = performance.now() + (random.chance(0.15) ? 300 + 1_200 * random.next() : 4 * random.next())
    while (performance.now() < until) {
      await after(Math.min(RENEW_MS, until - performance.now()))
      if (performance.now() - heldFrom < RENEW_MS) continue
      const sentAt = performance.now()
      // A failure is retried the next time.
      if (await this.#renew(store, tags, token).catch(() => false)) heldFrom = sentAt
    }
    if (performance.now() - heldFrom > leaseMs / 2) return reject()
    const value = this.#commit(row)
    if (random.chance(deaths)) {
      this.#tally.deaths += 1
      return
    }
    await this.#pause(10)
    await this.#end(store, tags, token)
    this.#acknowledge(row, value)
  }

  async #renew(store: CacheStore, tags: readonly string[], token: string): Promise<boolean> {
    if (!(await store.renew(tags, token))) await store.begin(tags, token)
    return true
  }

  /** A write whose end could not be reported is announced again, as the core does. */
  async #end(store: CacheStore, tags: readonly string[], token: string): Promise<void> {
    for (let again = token; ; again = this.#token()) {
      try {
        if (again !== token) await store.begin(tags, again)
        await store.end(tags, again)
        return
      } catch {
        await after(50)
      }
    }
  }

  #commit(row: number): number {
    const value = (this.#rows[row] as number) + 1
    this.#rows[row] = value
    return value
  }

  #acknowledge(row: number, value: number): void {
    this.#tally.writes += 1
    this.#acknowledged[row] = Math.max(this.#acknowledged[row] as number, value)
  }

  async #sweep(store: CacheStore): Promise<void> {
    for (let row = 0; row < this.#rows.length; row += 1) {
      for (let at = 0; at < KEYS_PER_ROW; at += 1) {
        const value = await this.#find(store, [`row ${row}`], keyOf(row, at))
        if (value !== undefined && value !== this.#rows[row]) this.#tally.c += 1
      }
    }
  }

  #token(): string {
    this.#tokens += 1
    return `w${this.#tokens}`
  }

  #pause(maxMs: number): Promise<void> {
    return after(this.options.random.next() * maxMs)
  }
}

function keyOf(row: number, at: number): string {
  return `row ${row} ${at}`
}
