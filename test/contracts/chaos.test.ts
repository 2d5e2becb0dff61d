import { type CacheStore, EVERY_TAG, type StoreState } from '@sluice/core/stores'
import { describe, expect, it } from 'vitest'
import {
  memoryStoreOn,
  resolveMemoryStoreOptions,
  SharedState,
} from '../../packages/core/src/cache/stores/memory-store.ts'
import { FakeClock } from '../../packages/core/test/helpers.ts'
import { Random } from '../support/random.ts'
import { type Chaos, ChaosStore, turns } from './chaos-store.ts'

const ROWS = 4
const CALLERS = 6
const ROUNDS = 250

/** Steps of the protocol that can be omitted, to verify that the test detects their absence. */
interface Omissions {
  readonly begin?: boolean
  readonly openBeforeSql?: boolean
}

/**
 * Readers and writers of a few rows, using the protocol over a chaotic store. Counts forbidden observations.
 */
class World {
  readonly clock = new FakeClock()
  readonly state = new SharedState(resolveMemoryStoreOptions({ clock: this.clock }))
  readonly chaos: Chaos = { rejected: 0.05, repliesLost: 0.05, maxTurns: 4 }
  /** Committed, acknowledged and observed values. */
  readonly rows = new Array<number>(ROWS).fill(0)
  readonly #acknowledged = new Array<number>(ROWS).fill(0)
  readonly #seen = new Array<number>(ROWS).fill(0)
  stale = 0
  wentBack = 0
  hits = 0
  #tokens = 0

  constructor(
    readonly random: Random,
    private readonly omit: Omissions = {},
  ) {}

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: CALLERS }, () => this.#caller()))
  }

  connect(): CacheStore {
    return new ChaosStore(memoryStoreOn(this.state), this.random, this.chaos)
  }

  async #caller(): Promise<void> {
    const store = this.connect()
    for (let round = 0; round < ROUNDS; round += 1) {
      const row = this.random.below(ROWS)
      this.clock.advance(this.random.below(40))
      if (this.random.chance(0.01)) this.clock.advance(16_000)
      if (this.random.chance(0.005)) this.state.lose()
      if (this.random.chance(0.25)) await this.#write(store, row)
      else await this.#read(store, row)
    }
  }

  async #read(store: CacheStore, row: number): Promise<void> {
    const acknowledged = this.#acknowledged[row] ?? 0
    const seen = this.#seen[row] ?? 0
    const value = await this.#ask(store, row)
    if (value < acknowledged) this.stale += 1
    if (value < seen) this.wentBack += 1
    this.#seen[row] = Math.max(this.#seen[row] ?? 0, value)
  }

  async #ask(store: CacheStore, row: number): Promise<number> {
    const [tags, key] = [[`row ${row}`], `key ${row}`]
    let state: StoreState | undefined
    try {
      state = await store.read(tags, key)
      const { entry, epoch, stamps } = state
      if (
        entry !== undefined &&
        epoch === entry.epoch &&
        entry.stamps.every((stamp, at) => stamp === stamps[at])
      ) {
        this.hits += 1
        return entry.value() as number
      }
    } catch {
      return this.#sql(row)
    }
    const late = this.omit.openBeforeSql === true ? await this.#sql(row) : undefined
    const opened = await store.open(tags).catch(() => undefined)
    const value = late ?? (await this.#sql(row))
    const times = { queriedAt: 0, ttlMs: 60_000, costMs: 0 }
    if (opened !== undefined) void store.set(key, { value, tags, times, ...opened }, 60_000).catch(() => {})
    return value
  }

  async #sql(row: number): Promise<number> {
    await turns(this.random, 3)
    const value = this.rows[row] ?? 0
    await turns(this.random, 3)
    return value
  }

  async #write(store: CacheStore, row: number): Promise<void> {
    const tags = this.random.chance(0.1) ? [EVERY_TAG] : [`row ${row}`]
    this.#tokens += 1
    const token = `${this.#tokens}`
    let sent = this.clock.now()
    try {
      if (this.omit.begin !== true) await store.begin(tags, token)
      if (this.clock.now() > sent + store.leaseMs / 2) {
        sent = this.clock.now()
        await store.begin(tags, token)
        if (this.clock.now() > sent + store.leaseMs / 2) throw new Error('too late')
      }
    } catch {
      // The write is rejected; its intent ends or expires.
      await store.end(tags, token).catch(() => {})
      return
    }
    const value = (this.rows[row] ?? 0) + 1
    this.rows[row] = value
    await turns(this.random, 3)
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const ended = await store.end(tags, token).then(
        () => true,
        () => false,
      )
      if (ended) break
    }
    this.#acknowledged[row] = Math.max(this.#acknowledged[row] ?? 0, value)
  }
}

describe('the protocol over a chaotic store', { retry: 0 }, () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('serves nothing stale and never goes back, seed %i', async (seed) => {
    const world = new World(new Random(seed))
    await world.run()
    expect(world).toMatchObject({ stale: 0, wentBack: 0 })
    expect(world.hits).toBeGreaterThan(50)
  })

  it('leaves no tag closed forever, and no stale entry, after faults stop', async () => {
    const world = new World(new Random(9))
    await world.run()
    Object.assign(world.chaos, { rejected: 0, repliesLost: 0 })
    const store = world.connect()
    await store.open([])
    world.clock.advance(store.leaseMs + 3_000)
    for (const [row, value] of world.rows.entries()) {
      const opened = await store.open([`row ${row}`])
      expect(opened).toBeDefined()
      const { entry, ...now } = await store.read([`row ${row}`], `key ${row}`)
      const isValid = entry?.epoch === now.epoch && entry?.stamps[0] === now.stamps[0]
      expect(isValid ? entry?.value() : value).toBe(value)
    }
  })

  it.each([{ begin: true }, { openBeforeSql: true }])(
    'serves stale values when it omits %j',
    async (omit) => {
      let wrong = 0
      for (let seed = 1; seed <= 8; seed += 1) {
        const world = new World(new Random(seed), omit)
        await world.run()
        wrong += world.stale + world.wentBack
      }
      expect(wrong).toBeGreaterThan(0)
    },
  )
})
