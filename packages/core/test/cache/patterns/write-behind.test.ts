import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WriteBehind } from '../../../src/cache/patterns/write-behind.ts'
import type { WriteBehindOptions } from '../../../src/cache/patterns/write-behind-options.ts'
import type { Clock } from '../../../src/shared/clock.ts'
import { FlushIncompleteError, InvalidOptionError } from '../../../src/shared/errors.ts'

/** Follows the fake timers; the system clock holds a reference to the real `performance`. */
const clock: Clock = { now: () => Date.now(), wall: () => Date.now() }

/** A store that accepts, delays or rejects writes as the test requires. */
class FakeStore {
  /** Every written batch, as `key=value`. */
  readonly batches: string[][] = []
  readonly rows = new Map<string, number>()
  /** The number of next writes that fail. */
  failing = 0
  isHeld = false
  #held: (() => void)[] = []

  readonly write = async (
    entries: readonly { readonly key: string; readonly value: number }[],
  ): Promise<void> => {
    this.batches.push(entries.map(({ key, value }) => `${key}=${value}`))
    if (this.isHeld) await new Promise<void>((resolve) => this.#held.push(resolve))
    if (this.failing > 0) {
      this.failing -= 1
      throw new Error('refused')
    }
    for (const { key, value } of entries) this.rows.set(key, value)
  }

  release(): void {
    this.isHeld = false
    for (const resolve of this.#held.splice(0)) resolve()
  }
}

/** A linear congruential generator: the same seed returns the same choices. */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** Whether a promise has settled after all pending microtasks. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  promise.then(
    () => (settled = true),
    () => (settled = true),
  )
  await vi.advanceTimersByTimeAsync(0)
  return settled
}

describe('WriteBehind', () => {
  let store: FakeStore
  beforeEach(() => {
    vi.useFakeTimers()
    store = new FakeStore()
  })
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  // `random: 0` waits for the whole backoff.
  const behind = (options: WriteBehindOptions<number> = {}) =>
    new WriteBehind<number>(store.write, { flushMs: 100, random: () => 0, clock, ...options })

  it('writes all values that arrive within `flushMs` of the first in one batch', async () => {
    const writes = behind()
    await writes.set('a', 1)
    await vi.advanceTimersByTimeAsync(60)
    await writes.set('b', 2)
    await vi.advanceTimersByTimeAsync(39)
    expect(store.batches).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(store.batches).toEqual([['a=1', 'b=2']])
  })

  it('writes the last value of a key, in the position of its first value', async () => {
    const writes = behind()
    for (const [key, value] of [
      ['a', 1],
      ['b', 1],
      ['a', 2],
      ['a', 3],
    ] as const)
      await writes.set(key, value)
    await vi.advanceTimersByTimeAsync(100)
    expect(store.batches).toEqual([['a=3', 'b=1']])
  })

  it('writes immediately when a batch is full, and at most one batch', async () => {
    const writes = behind({ maxBatch: 2 })
    for (const key of ['a', 'b', 'c']) await writes.set(key, 1)
    await vi.advanceTimersByTimeAsync(0)
    expect(store.batches).toEqual([['a=1', 'b=1']])
    await vi.advanceTimersByTimeAsync(100)
    expect(store.batches[1]).toEqual(['c=1'])
  })

  it('never has two writes of a key in flight', async () => {
    store.isHeld = true
    const writes = behind({ maxBatch: 1 })
    await writes.set('a', 1)
    await writes.set('a', 2)
    await writes.set('b', 1)
    await vi.advanceTimersByTimeAsync(500)
    expect(store.batches).toEqual([['a=1']])
    store.release()
    await vi.advanceTimersByTimeAsync(100)
    expect(store.batches).toEqual([['a=1'], ['a=2'], ['b=1']])
  })

  it('returns a value that is not written yet', async () => {
    store.isHeld = true
    const writes = behind()
    expect(writes.get('a')).toBeUndefined()
    await writes.set('a', 1)
    expect(writes.get('a')).toBe(1)
    await vi.advanceTimersByTimeAsync(100)
    expect(writes.get('a')).toBe(1)
    await writes.set('a', 2)
    expect(writes.get('a')).toBe(2)
    store.release()
    await vi.advanceTimersByTimeAsync(100)
    expect(writes.get('a')).toBeUndefined()
    expect(store.rows.get('a')).toBe(2)
  })

  it('returns the number of unwritten entries and the age of the oldest', async () => {
    const writes = behind()
    expect(writes.lag()).toEqual({ entries: 0, oldestMs: 0 })
    await writes.set('a', 1)
    await vi.advanceTimersByTimeAsync(30)
    await writes.set('a', 2)
    await writes.set('b', 1)
    expect(writes.lag()).toEqual({ entries: 2, oldestMs: 30 })
    await vi.advanceTimersByTimeAsync(70)
    expect(writes.lag()).toEqual({ entries: 0, oldestMs: 0 })
  })

  describe('after a failure', () => {
    it('retries with exponential backoff up to its limit', async () => {
      store.failing = 4
      const writes = behind({ flushMs: 0, retry: { baseMs: 100, maxMs: 300 } })
      await writes.set('a', 1)
      await vi.advanceTimersByTimeAsync(0)
      for (const [waitMs, batches] of [
        [100, 2],
        [200, 3],
        [300, 4],
        [300, 5],
      ] as const) {
        await vi.advanceTimersByTimeAsync(waitMs - 1)
        expect(store.batches).toHaveLength(batches - 1)
        await vi.advanceTimersByTimeAsync(1)
        expect(store.batches).toHaveLength(batches)
      }
      expect(store.rows.get('a')).toBe(1)
    })

    it('applies jitter to up to 50% of the backoff', async () => {
      store.failing = 1
      const writes = behind({ flushMs: 0, random: () => 0.5, retry: { baseMs: 100 } })
      await writes.set('a', 1)
      await vi.advanceTimersByTimeAsync(74)
      expect(store.batches).toHaveLength(1)
      await vi.advanceTimersByTimeAsync(1)
      expect(store.batches).toHaveLength(2)
    })

    it('starts with short waits again after a success', async () => {
      store.failing = 2
      const writes = behind({ flushMs: 0 })
      await writes.set('a', 1)
      await vi.advanceTimersByTimeAsync(300)
      expect(store.rows.get('a')).toBe(1)
      store.failing = 1
      await writes.set('b', 1)
      await vi.advanceTimersByTimeAsync(100)
      expect(store.rows.get('b')).toBe(1)
    })

    it('writes a newer value instead, in the position of the old one', async () => {
      store.failing = 1
      const writes = behind({ maxBatch: 2 })
      await writes.set('a', 1)
      await writes.set('b', 1)
      await vi.advanceTimersByTimeAsync(0)
      await writes.set('c', 1)
      await writes.set('a', 2)
      await vi.advanceTimersByTimeAsync(100)
      expect(store.batches.slice(1)).toEqual([['a=2', 'b=1'], ['c=1']])
    })

    it('writes a value that arrived while the older one was being written', async () => {
      store.failing = 1
      store.isHeld = true
      const writes = behind({ maxBatch: 1 })
      await writes.set('a', 1)
      await writes.set('b', 1)
      await writes.set('a', 2)
      store.release()
      await vi.advanceTimersByTimeAsync(200)
      expect(store.batches).toEqual([['a=1'], ['a=2'], ['b=1']])
    })

    it('retries indefinitely by default', async () => {
      store.failing = 50
      const writes = behind({ retry: { maxMs: 1000 } })
      await writes.set('a', 1)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(store.rows.get('a')).toBe(1)
    })

    it('calls `onError` after `maxAttempts`, and discards only entries for which it returns drop', async () => {
      const seen: unknown[] = []
      const answers = ['retry', 'drop'] as const
      store.failing = 4
      const writes = behind({
        retry: { baseMs: 1, maxMs: 1, maxAttempts: 2 },
        onError: ({ entries, error }) => {
          seen.push(entries.map(({ key }) => key).join(), String(error))
          return answers[seen.length / 2 - 1] ?? 'retry'
        },
      })
      await writes.set('a', 1)
      await vi.advanceTimersByTimeAsync(101)
      expect(seen).toEqual(['a', 'Error: refused'])
      expect(writes.get('a')).toBe(1)
      await vi.advanceTimersByTimeAsync(10)
      expect(seen).toHaveLength(4)
      expect(writes.lag().entries).toBe(0)
      expect(store.batches).toHaveLength(4)
      await writes.set('a', 2)
      await vi.advanceTimersByTimeAsync(100)
      expect(store.rows.get('a')).toBe(2)
    })

    it('counts the attempts of each value', async () => {
      const dropped: string[] = []
      store.failing = 3
      const writes = behind({
        retry: { baseMs: 1000, maxMs: 1000, maxAttempts: 2 },
        onError: ({ entries }) => {
          dropped.push(...entries.map(({ key, value }) => `${key}=${value}`))
          return 'drop'
        },
      })
      await writes.set('a', 1)
      await writes.set('b', 1)
      await vi.advanceTimersByTimeAsync(100)
      await writes.set('b', 2)
      await vi.advanceTimersByTimeAsync(1000)
      expect(dropped).toEqual(['a=1'])
      await vi.advanceTimersByTimeAsync(1000)
      expect(dropped).toEqual(['a=1', 'b=2'])
    })

    it('treats an `onError` that throws as `retry`', async () => {
      store.failing = 2
      const writes = behind({
        retry: { maxAttempts: 1 },
        onError: () => {
          throw new Error('of its own')
        },
      })
      await writes.set('a', 1)
      await vi.advanceTimersByTimeAsync(1000)
      expect(store.rows.get('a')).toBe(1)
    })

    it('treats a write that throws like one that rejects', async () => {
      let calls = 0
      const writes = new WriteBehind<number>(
        () => {
          calls += 1
          if (calls === 1) throw new Error('at once')
        },
        { random: () => 0, clock },
      )
      await writes.set('a', 1)
      await vi.advanceTimersByTimeAsync(200)
      expect(calls).toBe(2)
      expect(writes.lag().entries).toBe(0)
    })
  })

  describe('with a full backlog', () => {
    it('delays `set` of another key until there is capacity', async () => {
      store.isHeld = true
      const writes = behind({ maxBacklog: 2 })
      await writes.set('a', 1)
      await writes.set('b', 1)
      const third = writes.set('c', 1)
      expect(await isSettled(third)).toBe(false)
      expect(writes.get('c')).toBeUndefined()
      store.release()
      await third
      await vi.advanceTimersByTimeAsync(100)
      expect(store.batches).toEqual([['a=1', 'b=1'], ['c=1']])
    })

    it('accepts newer values of a key that waits to be written', async () => {
      store.isHeld = true
      const writes = behind({ maxBacklog: 1 })
      await writes.set('a', 1)
      await writes.set('a', 2)
      expect(writes.lag().entries).toBe(1)
      store.release()
      await vi.advanceTimersByTimeAsync(100)
      expect(store.batches).toEqual([['a=2']])
    })

    it('keeps the order of the waiting values of a key', async () => {
      store.isHeld = true
      const writes = behind({ maxBacklog: 1, maxBatch: 1 })
      await writes.set('a', 1)
      await vi.advanceTimersByTimeAsync(0)
      const waiting = [
        writes.set('b', 1),
        writes.set('c', 1),
        writes.set('b', 2),
        writes.set('a', 2),
        writes.set('a', 3),
      ]
      expect(await isSettled(Promise.race(waiting))).toBe(false)
      store.release()
      await Promise.all(waiting)
      await vi.advanceTimersByTimeAsync(1000)
      expect(store.batches).toEqual([['a=1'], ['b=2'], ['c=1'], ['a=3']])
    })

    it('accepts no value before an older waiting one of its key', async () => {
      store.failing = 1
      store.isHeld = true
      const writes = behind({ maxBacklog: 1, maxBatch: 1 })
      await writes.set('a', 1)
      const waiting = [writes.set('b', 1), writes.set('a', 2)]
      store.release()
      await vi.advanceTimersByTimeAsync(0)
      waiting.push(writes.set('a', 3))
      await vi.advanceTimersByTimeAsync(1000)
      await Promise.all(waiting)
      expect(store.batches).toEqual([['a=1'], ['a=1'], ['b=1'], ['a=3']])
    })

    it('accepts a waiting newer value instead of the one that failed', async () => {
      store.failing = 1
      store.isHeld = true
      const writes = behind({ maxBacklog: 1, maxBatch: 1 })
      await writes.set('a', 1)
      const newer = writes.set('a', 2)
      expect(await isSettled(newer)).toBe(false)
      store.release()
      await newer
      await vi.advanceTimersByTimeAsync(1000)
      expect(store.batches).toEqual([['a=1'], ['a=2']])
    })
  })

  describe('flush', () => {
    it('resolves when all previously accepted values are written', async () => {
      const writes = behind({ maxBatch: 2 })
      for (const key of ['a', 'b', 'c']) await writes.set(key, 1)
      await writes.flush()
      expect(store.rows.size).toBe(3)
      await writes.flush()
    })

    it('does not wait for later values', async () => {
      const writes = behind({ maxBatch: 1 })
      await writes.set('a', 1)
      const flushed = writes.flush()
      store.isHeld = true
      await writes.set('b', 1)
      await flushed
      expect(writes.lag().entries).toBe(1)
      store.release()
      await vi.advanceTimersByTimeAsync(100)
    })

    it('does not wait for a backoff in progress', async () => {
      store.failing = 1
      const writes = behind({ flushMs: 0, retry: { baseMs: 10_000 } })
      await writes.set('a', 1)
      await vi.advanceTimersByTimeAsync(5)
      await writes.flush()
      expect(store.rows.get('a')).toBe(1)
    })
  })

  describe('close', () => {
    it('writes everything, and rejects later values', async () => {
      const writes = behind({ maxBatch: 1, maxBacklog: 2 })
      store.isHeld = true
      const accepted = ['a', 'b', 'c'].map((key) => writes.set(key, 1))
      const closed = writes.close()
      store.release()
      await closed
      await Promise.all(accepted)
      expect(store.rows.size).toBe(3)
      await expect(writes.set('d', 1)).rejects.toMatchObject({ code: 'SLUICE_CLOSED' })
      await writes.close()
    })

    it('keeps retrying, and rejects with the number of unwritten entries after its timeout', async () => {
      store.failing = Number.POSITIVE_INFINITY
      const writes = behind({ closeTimeoutMs: 5000, maxBacklog: 2 })
      await writes.set('a', 1)
      await writes.set('b', 1)
      const third = expect(writes.set('c', 1)).rejects.toThrow(FlushIncompleteError)
      const closed = expect(writes.close()).rejects.toThrow('closed before 2 entries were written')
      await vi.advanceTimersByTimeAsync(5000)
      await Promise.all([closed, third])
      expect(store.batches.length).toBeGreaterThan(3)
      const attempts = store.batches.length
      await vi.advanceTimersByTimeAsync(60_000)
      expect(store.batches).toHaveLength(attempts)
    })
  })

  it('starts no more writes when a write in flight ends after the timeout of close', async () => {
    store.isHeld = true
    store.failing = 1
    const writes = behind({ closeTimeoutMs: 10, maxBatch: 1 })
    await writes.set('a', 1)
    const closed = expect(writes.close()).rejects.toThrow('closed before 1 entry was written')
    await vi.advanceTimersByTimeAsync(10)
    await closed
    store.release()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(store.batches).toHaveLength(1)
  })

  it('throws for options out of bounds', () => {
    expect(() => behind({ maxBatch: 0 })).toThrow(InvalidOptionError)
    expect(() => behind({ retry: { maxAttempts: 0 } })).toThrow(
      'Option "retry.maxAttempts": expected an integer of at least 1, or Infinity',
    )
    expect(() => behind({ retries: 1 } as object)).toThrow('Unknown option "retries"')
  })

  it('loses no value and keeps the order of each key when writes fail at random', async () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const random = seededRandom(seed)
      store = new FakeStore()
      const written = new Map<string, number[]>()
      const last = new Map<string, number>()
      let underWay = 0
      const writes = new WriteBehind<number>(
        async (entries) => {
          underWay += 1
          expect(underWay).toBe(1)
          await new Promise((resolve) => setTimeout(resolve, random() * 20))
          underWay -= 1
          if (random() < 0.3) throw new Error('refused')
          for (const { key, value } of entries) written.set(key, [...(written.get(key) ?? []), value])
        },
        { flushMs: 10, maxBatch: 3, maxBacklog: 4, random, clock, retry: { baseMs: 5, maxMs: 20 } },
      )
      const accepted: Promise<void>[] = []
      for (let value = 1; value <= 200; value += 1) {
        const key = `k${Math.floor(random() * 8)}`
        last.set(key, value)
        accepted.push(writes.set(key, value))
        if (random() < 0.5) await vi.advanceTimersByTimeAsync(random() * 10)
      }
      const closed = writes.close()
      await vi.advanceTimersByTimeAsync(30_000)
      await Promise.all([closed, ...accepted])
      for (const [key, values] of written) {
        expect(values).toEqual([...values].sort((a, b) => a - b))
        expect(values.at(-1)).toBe(last.get(key))
      }
      expect(written.size).toBe(last.size)
    }
  })
})
