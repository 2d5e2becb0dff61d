import { describe, expect, it } from 'vitest'
import { IDLE_MS, type PollResult, SoleWriter } from '../../src/pipeline/sole-writer.ts'
import type { Dialect } from '../../src/sql/dialect.ts'

/** A server with a counter, polled by hand. Each step takes a millisecond. */
class World {
  time = 1_000
  counter = 100n
  isSettled = true
  server = 'one'
  uptime = 10
  readonly soleWriter: SoleWriter

  constructor(readonly dialect: Dialect = 'postgresql') {
    this.soleWriter = new SoleWriter({ dialect, ttlMs: 1_000, now: () => this.time })
    this.soleWriter.watch()
  }

  tick(ms = 1): number {
    this.time += ms
    return this.time
  }

  /** @param during - Runs between the sending of the poll and its answer. */
  poll(during: () => void = () => {}): PollResult {
    const busy = this.soleWriter.busy()
    const sentAt = this.tick()
    this.tick()
    const { counter: value, isSettled, server, uptime } = this
    during()
    const answeredAt = this.tick()
    return this.soleWriter.polled({ reading: { value, isSettled, server, uptime }, sentAt, answeredAt, busy })
  }

  /** Begins a transaction that changes a row. */
  begin(): () => void {
    this.tick()
    const own = this.soleWriter.begin()
    own?.changed()
    return () => {
      this.counter += this.dialect === 'mysql' ? 2n : 1n
      this.tick()
      own?.end('committed')
    }
  }

  write(): void {
    this.begin()()
  }

  /** Until when, relative to now, a result is fresh that was queried then. */
  left(queriedAt: number): number | undefined {
    const until = this.soleWriter.until(queriedAt, this.time)
    return until === undefined ? undefined : until - this.time
  }
}

describe('SoleWriter', () => {
  it('extends results that were queried since the chain began, from the sending of the latest proof', () => {
    const world = new World()
    const early = world.time
    expect(world.poll()).toBe('ended')
    const queriedAt = world.tick()
    expect(world.left(queriedAt)).toBeUndefined()
    world.tick(1_500)
    expect(world.poll()).toBe('proven')
    expect(world.soleWriter.covers(queriedAt)).toBe(true)
    expect(world.soleWriter.covers(early)).toBe(false)
    expect(world.left(queriedAt)).toBe(1_000 - 2)
    expect(world.left(early)).toBeUndefined()
    world.tick(997)
    expect(world.left(queriedAt)).toBe(1)
    world.tick(1)
    expect(world.left(queriedAt)).toBeUndefined()
  })

  it('does not cover a result that was queried before the first poll was answered', () => {
    const world = new World()
    let during = 0
    world.poll(() => {
      during = world.tick()
    })
    world.tick(900)
    expect(world.poll()).toBe('proven')
    expect(world.left(during)).toBeUndefined()
  })

  it.each(['postgresql', 'mysql'] as const)('subtracts the writes of this process (%s)', (dialect) => {
    const world = new World(dialect)
    world.poll()
    world.tick(900)
    world.poll()
    const queriedAt = world.tick()
    for (let round = 0; round < 3; round += 1) {
      world.write()
      world.write()
      world.tick(900)
      expect(world.poll()).toBe('proven')
      expect(world.left(queriedAt)).toBe(998)
    }
  })

  it('ends the chain at a foreign write, and begins another', () => {
    const world = new World()
    world.poll()
    const queriedAt = world.tick()
    world.write()
    world.counter += 1n
    world.tick(900)
    expect(world.poll()).toBe('ended')
    expect(world.left(queriedAt)).toBeUndefined()
    const later = world.tick()
    world.tick(900)
    expect(world.poll()).toBe('proven')
    expect(world.left(queriedAt)).toBeUndefined()
    expect(world.left(later)).toBe(998)
  })

  it('does not compare readings during a transaction of this process on SQLite', () => {
    const world = new World('sqlite')
    const early = world.begin()
    world.soleWriter.watch()
    expect(world.poll()).toBe('unknown')
    world.counter -= 1n
    early()
    expect(world.poll()).toBe('ended')
    const queriedAt = world.tick()
    world.tick(900)
    expect(world.poll()).toBe('proven')
    // The connection does not see foreign commits before the transaction ends.
    const end = world.begin()
    world.tick(900)
    expect(world.poll()).toBe('unknown')
    expect(world.left(queriedAt)).toBe(94)
    end()
    expect(world.poll()).toBe('ended')
    expect(world.left(queriedAt)).toBeUndefined()
  })

  it('begins the chain on MariaDB at the first proof that is later than a commit can be visible', () => {
    const world = new World('mysql')
    world.poll()
    const queriedAt = world.tick()
    world.tick(100)
    expect(world.poll()).toBe('proven')
    expect(world.left(queriedAt)).toBeUndefined()
    expect(world.left(world.tick())).toBeUndefined()
    world.tick(700)
    expect(world.poll()).toBe('proven')
    expect(world.left(queriedAt)).toBeUndefined()
    const later = world.tick()
    expect(world.left(later)).toBe(997)
  })

  it('does not count a transaction that began before the base or ended after the poll', () => {
    const world = new World()
    world.poll()
    const end = world.begin()
    world.tick(900)
    // It has not raised the counter yet.
    expect(world.poll()).toBe('proven')
    end()
    world.tick(900)
    // The base is still the first poll, because the transaction was in flight at the second.
    expect(world.poll()).toBe('proven')

    const late = world.begin()
    world.tick(900)
    expect(world.poll(late)).toBe('proven')
    // A foreign transaction raised it instead.
    const hidden = world.begin()
    world.counter += 1n
    world.tick(900)
    expect(world.poll()).toBe('unknown')
    hidden()
    world.tick(15)
    expect(world.poll()).toBe('ended')
  })

  it('takes no base while a transaction of this process is in flight', () => {
    const world = new World()
    const end = world.begin()
    expect(world.poll()).toBe('unknown')
    expect(world.soleWriter.covers(world.tick())).toBe(false)
    end()
    expect(world.poll(() => world.write())).toBe('unknown')
    expect(world.soleWriter.covers(world.tick())).toBe(false)
    expect(world.poll()).toBe('ended')
    expect(world.soleWriter.covers(world.tick())).toBe(true)
  })

  it('takes no base while a transaction is in progress that the counter already counts', () => {
    const world = new World()
    world.isSettled = false
    expect(world.poll()).toBe('ended')
    expect(world.soleWriter.covers(world.tick())).toBe(false)
    world.isSettled = true
    expect(world.poll()).toBe('ended')
    expect(world.soleWriter.covers(world.tick())).toBe(true)
  })

  it('ends the chain at an unknown outcome', () => {
    const world = new World()
    world.poll()
    const queriedAt = world.tick()
    world.soleWriter.begin()?.end('unknown')
    world.tick(900)
    expect(world.poll()).toBe('ended')
    expect(world.left(queriedAt)).toBeUndefined()
  })

  it('compares nothing across a restart of the server', () => {
    const restarted = new World('mysql')
    restarted.poll()
    restarted.uptime = 9
    restarted.tick(900)
    expect(restarted.poll()).toBe('ended')
    const moved = new World()
    moved.poll()
    moved.server = 'two'
    moved.tick(900)
    expect(moved.poll()).toBe('ended')
    moved.tick(900)
    expect(moved.poll()).toBe('proven')
  })

  it('proves nothing any more if servers take turns', () => {
    const world = new World()
    for (const server of ['one', 'two', 'one']) {
      world.server = server
      world.poll()
    }
    world.tick(900)
    expect(world.poll()).toBe('ended')
    expect(world.soleWriter.covers(world.tick())).toBe(false)
  })

  it('proves nothing any more if the counter rose by less than its own transactions', () => {
    const world = new World()
    world.poll()
    world.write()
    world.counter -= 1n
    world.tick(900)
    expect(world.poll()).toBe('ended')
    world.tick(900)
    expect(world.poll()).toBe('ended')
    expect(world.soleWriter.covers(world.tick())).toBe(false)
    expect(world.soleWriter.begin()).toBeUndefined()
  })

  it('forgets its chain if there are too many transactions', () => {
    const world = new World()
    world.poll()
    for (let write = 0; write < 1_001; write += 1) world.write()
    expect(world.soleWriter.covers(world.tick())).toBe(false)
  })

  it('is wanted for a while after each expired result', () => {
    const world = new World()
    let calls = 0
    world.soleWriter.onRequested = () => {
      calls += 1
    }
    world.left(0)
    world.tick(IDLE_MS)
    world.left(0)
    expect(calls).toBe(1)
    world.tick(IDLE_MS + 1)
    expect(world.soleWriter.isRequested(world.time)).toBe(false)
    world.soleWriter.requested(world.time)
    expect(calls).toBe(2)
    world.soleWriter.refute()
    expect(world.soleWriter.isRequested(world.time)).toBe(false)
  })

  it('follows no transactions before the first poll', () => {
    const soleWriter = new SoleWriter({ dialect: 'postgresql', ttlMs: 1_000, now: () => 0 })
    expect(soleWriter.begin()).toBeUndefined()
  })
})
