import { createSluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { CacheControl } from '../../src/pipeline/cache-control.ts'
import { SoleWriter } from '../../src/pipeline/sole-writer.ts'
import { FakeClock, read, touching, write } from '../helpers.ts'

/** A database of one value, to which no other process writes unless the test does. */
class World {
  readonly clock = new FakeClock()
  readonly sluice = createSluice({ mode: 'optimize', batch: false, clock: this.clock })
  readonly soleWriter = new SoleWriter({
    dialect: 'postgresql',
    ttlMs: 1_000,
    now: () => this.clock.now(),
  })
  value = 1
  asked = 0
  counter = 0n
  /** Runs while the database is queried. */
  during: () => void = () => {}

  constructor() {
    onTestFinished(() => this.sluice.close())
    this.soleWriter.watch()
  }

  get(control?: CacheControl): Promise<unknown> {
    const run = async () => {
      this.asked += 1
      const { value } = this
      this.during()
      return { value }
    }
    const soleWriter = () => this.soleWriter
    const source = {
      id: 'one',
      orm: 'knex',
      dialect: 'postgresql',
      seesStatements: false,
      soleWriter,
    } as const
    const cache = { key: 'q', tables: ['t'], ...(control && { control }) }
    return hostOf(this.sluice).execute(read({ source, run, cache }))
  }

  poll(): void {
    const busy = this.soleWriter.busy()
    this.clock.advance(1)
    const reading = { value: this.counter, isSettled: true, server: 'one', uptime: 0 }
    const at = this.clock.now()
    this.soleWriter.polled({ reading, sentAt: at, answeredAt: at, busy })
    this.clock.advance(1)
  }

  get extendedHits(): number | undefined {
    return this.sluice.getResultStats()?.extendedHits
  }
}

describe('ResultCache', () => {
  it('serves a result beyond its time to live while no other process writes', async () => {
    const world = new World()
    world.poll()
    await world.get()
    world.clock.advance(900)
    await world.get()
    expect(world.extendedHits).toBe(0)
    world.poll()
    world.clock.advance(900)
    await world.get()
    await world.get()
    expect([world.asked, world.extendedHits]).toEqual([1, 2])
    // Nothing was proved since then.
    world.clock.advance(100)
    await world.get()
    expect([world.asked, world.extendedHits]).toEqual([2, 2])
  })

  it('serves it no longer than the time to live after a foreign write', async () => {
    const world = new World()
    world.poll()
    await world.get()
    world.clock.advance(900)
    world.poll()
    world.clock.advance(200)
    await world.get()
    world.value = 2
    world.counter += 1n
    world.clock.advance(700)
    world.poll()
    expect(await world.get()).toEqual({ value: 1 })
    world.clock.advance(100)
    expect(await world.get()).toEqual({ value: 2 })
  })

  it('does not serve it after a write of this process', async () => {
    const world = new World()
    world.poll()
    await world.get()
    world.clock.advance(900)
    world.poll()
    world.clock.advance(500)
    await world.get()
    const change = async () => {
      world.value = 2
    }
    await hostOf(world.sluice).execute(write(touching('t'), change))
    expect(await world.get()).toEqual({ value: 2 })
  })

  it('counts from before the query, not from its end', async () => {
    const world = new World()
    world.during = () => {
      world.clock.advance(1)
      world.poll()
    }
    await world.get()
    world.clock.advance(900)
    world.poll()
    world.clock.advance(500)
    await world.get()
    expect([world.asked, world.extendedHits]).toEqual([2, 0])
  })

  it('never exceeds a time to live that the app set', async () => {
    const world = new World()
    world.poll()
    await world.get({ ttl: 1 })
    world.clock.advance(900)
    world.poll()
    world.clock.advance(200)
    await world.get({ ttl: 1 })
    expect(world.asked).toBe(2)

    const other = new World()
    other.poll()
    await other.get()
    other.clock.advance(900)
    other.poll()
    other.clock.advance(200)
    await other.get({ ttl: 1 })
    expect(other.asked).toBe(2)
  })

  it('wants a proof for each result that it loads', async () => {
    const world = new World()
    expect(world.soleWriter.isRequested(world.clock.now())).toBe(false)
    await world.get()
    expect(world.soleWriter.isRequested(world.clock.now())).toBe(true)
  })
})
