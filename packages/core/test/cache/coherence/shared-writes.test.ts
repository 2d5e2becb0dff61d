import type { CacheStore } from '@sluice/core/stores'
import { describe, expect, it, vi } from 'vitest'
import { SharedWrites } from '../../../src/cache/coherence/shared-writes.ts'
import { TagTable } from '../../../src/cache/coherence/tag-table.ts'
import { memoryStore } from '../../../src/cache/stores/memory-store.ts'
import { FakeClock, touching, turn } from '../../helpers.ts'

/** Writes with a store whose announcements wait until the test resolves or rejects them. */
function held(onInvalidationFailure: 'reject-write' | 'proceed' = 'proceed') {
  const waiting: { readonly tags: readonly string[]; resolve(): void; reject(error: Error): void }[] = []
  const begin = vi.fn(
    (tags: readonly string[]) =>
      new Promise<void>((resolve, reject) => void waiting.push({ tags, resolve, reject })),
  )
  const store = new Proxy<CacheStore>(memoryStore(), {
    get: (target, name) =>
      name === 'begin' ? begin : name === 'end' ? async () => undefined : Reflect.get(target, name, target),
  })
  const clock = new FakeClock()
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const writes = new SharedWrites(new TagTable(clock), { store, clock, onInvalidationFailure, onError })
  return { writes, waiting, begin, errors }
}

const away = () => new Error('the store is away')

describe('pending invalidations', () => {
  it('are sent in one attempt for all callers that wait for them', async () => {
    const { writes, waiting, begin } = held()
    const isTold = (tag: string) =>
      writes.invalidateTags([tag]).then(
        () => true,
        () => false,
      )
    const told = [isTold('first')]
    await turn()
    for (let at = 0; at < 50; at += 1) told.push(isTold(`more ${at}`))
    waiting[0]?.reject(away())
    await turn()
    waiting[1]?.reject(away())
    await turn()
    expect(begin).toHaveBeenCalledTimes(2)
    expect(await Promise.all(told)).not.toContain(true)
    writes.close()
  })

  it('are pending until the store has received them', async () => {
    const { writes, waiting } = held()
    const told = writes.invalidateTags(['a'])
    await turn()
    expect(writes.hasPending).toBe(true)
    const settled = writes.settle()
    waiting[0]?.resolve()
    await settled
    expect(writes.hasPending).toBe(false)
    await told
  })
})

describe.each(['reject-write', 'proceed'] as const)(
  'SharedWrites with %s after close',
  (onInvalidationFailure) => {
    it('does not delay a write that waits for the store', async () => {
      const { writes, waiting, errors } = held(onInvalidationFailure)
      const write = writes.announceTags(['a'])
      writes.close()
      waiting[0]?.reject(away())
      await write.ready
      await write.end('committed')
      expect(errors).toEqual([])
      expect(writes.hasPending).toBe(false)
    })

    it('does not announce new writes', async () => {
      const { writes, begin } = held(onInvalidationFailure)
      writes.close()
      const write = writes.announceTags(['a'])
      await write.ready
      await write.end('committed')
      expect(begin).not.toHaveBeenCalled()
    })

    it('does not retry', async () => {
      vi.useFakeTimers()
      try {
        const { writes, waiting, begin } = held(onInvalidationFailure)
        const told = writes.invalidateTags(['a']).catch(() => {})
        await vi.advanceTimersByTimeAsync(0)
        writes.close()
        waiting[0]?.reject(away())
        await told
        await vi.advanceTimersByTimeAsync(5_000)
        expect(begin).toHaveBeenCalledTimes(1)
      } finally {
        vi.useRealTimers()
      }
    })
  },
)

describe('the end of a write', () => {
  /**
   * A write to the table "t" whose begin is known to the store, and whose end waits until it is let through
   * or fails.
   */
  async function begun() {
    const ends: { resolve(): void; reject(error: Error): void }[] = []
    const end = vi.fn(
      () =>
        new Promise<undefined>(
          (resolve, reject) => void ends.push({ resolve: () => resolve(undefined), reject }),
        ),
    )
    const store = new Proxy<CacheStore>(memoryStore(), {
      get: (target, name) =>
        name === 'end' ? end : name === 'begin' ? async () => undefined : Reflect.get(target, name, target),
    })
    const clock = new FakeClock()
    const errors: unknown[] = []
    const table = new TagTable(clock)
    const onError = (error: unknown) => void errors.push(error)
    const writes = new SharedWrites(table, { store, clock, onInvalidationFailure: 'reject-write', onError })
    const write = writes.announce(touching('t'))
    await write.ready
    const isBusy = () => table.snapshot(['t#set']) === undefined
    return { writes, write, ends, end, clock, errors, isBusy }
  }

  it('is sent when the database has responded, and not awaited', async () => {
    const { writes, write, ends, end } = await begun()
    expect(end).not.toHaveBeenCalled()
    expect(write.end('committed')).toBeUndefined()
    expect(end).toHaveBeenCalledOnce()
    ends[0]?.resolve()
    await writes.close()
  })

  it('keeps the tags busy in this process until the store has confirmed it', async () => {
    const { writes, write, ends, isBusy } = await begun()
    write.end('committed')
    await turn()
    expect(isBusy()).toBe(true)
    ends[0]?.resolve()
    await turn()
    expect(isBusy()).toBe(false)
    await writes.close()
  })

  it('is awaited if the intent may be gone', async () => {
    const { writes, write, ends, clock } = await begun()
    clock.advance(2_000)
    const ended = write.end('committed')
    let isAcknowledged = false
    void ended?.then(() => {
      isAcknowledged = true
    })
    await turn()
    expect([ended, isAcknowledged]).toEqual([expect.any(Promise), false])
    ends[0]?.resolve()
    await ended
    await writes.close()
  })

  it('is awaited while there are pending invalidations', async () => {
    const { writes, write, ends } = await begun()
    const told = writes.invalidateTags(['a'])
    expect(write.end('committed')).toBeInstanceOf(Promise)
    await turn()
    for (const { resolve } of ends) resolve()
    await told
    await writes.close()
  })

  it('is awaited for tags of the app', async () => {
    const { writes, ends } = await begun()
    const write = writes.announceTags(['a'])
    await write.ready
    const ended = write.end('committed')
    expect(ended).toBeInstanceOf(Promise)
    await turn()
    ends[0]?.resolve()
    await ended
  })

  it('is pending if it fails twice, and nothing that is shared is used', async () => {
    const { writes, write, ends, errors, isBusy } = await begun()
    write.end('committed')
    ends[0]?.reject(away())
    await turn()
    expect([writes.hasPending, isBusy(), errors.length]).toEqual([false, true, 0])
    ends[1]?.reject(away())
    await turn()
    expect([writes.hasPending, isBusy(), errors.length]).toEqual([true, false, 1])
    await writes.close()
  })

  it('is awaited by close', async () => {
    const { writes, write, ends, isBusy } = await begun()
    write.end('committed')
    let isClosed = false
    const closed = writes.close()?.then(() => {
      isClosed = true
    })
    await turn()
    expect(isClosed).toBe(false)
    ends[0]?.resolve()
    await closed
    expect([isClosed, isBusy()]).toEqual([true, false])
    expect(writes.close()).toBeUndefined()
  })

  it('is given up by close when the store does not confirm it in time', async () => {
    vi.useFakeTimers()
    try {
      const { writes, write, errors } = await begun()
      write.end('committed')
      const closed = writes.close()
      await vi.advanceTimersByTimeAsync(2_100)
      await closed
      expect(errors).toEqual([
        expect.objectContaining({ message: expect.stringContaining('within 2000 ms') }),
      ])
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})
