import type { CacheStore } from '@sluice/core'
import { describe, expect, it, vi } from 'vitest'
import { SharedWrites } from '../../src/cache/coherence/shared-writes.ts'
import { TagTable } from '../../src/cache/coherence/tag-table.ts'
import { memoryStore } from '../../src/cache/stores/memory-store.ts'
import { FakeClock, turn } from '../helpers.ts'

/** Writes with a store whose announcements wait until the test resolves or rejects them. */
function held(onInvalidationFailure: 'reject-write' | 'proceed' = 'proceed') {
  const waiting: { readonly tags: readonly string[]; resolve(): void; reject(error: Error): void }[] = []
  const begin = vi.fn((tags: readonly string[]) => new Promise<void>((resolve, reject) => void waiting.push({ tags, resolve, reject })))
  const store = new Proxy<CacheStore>(memoryStore(), {
    get: (target, name) => (name === 'begin' ? begin : name === 'end' ? async () => undefined : Reflect.get(target, name, target)),
  })
  const clock = new FakeClock()
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const writes = new SharedWrites(new TagTable(clock), { store, clock, onInvalidationFailure, onError })
  return { writes, waiting, begin, errors }
}

const away = () => new Error('the store is away')

describe('pending invalidations', () => {
  it('are sent in one attempt for all that wait for it', async () => {
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
    expect(writes.isOwing).toBe(true)
    const settled = writes.settle()
    waiting[0]?.resolve()
    await settled
    expect(writes.isOwing).toBe(false)
    await told
  })
})

describe.each(['reject-write', 'proceed'] as const)('SharedWrites with %s after close', (onInvalidationFailure) => {
  it('does not delay a write that waits for the store', async () => {
    const { writes, waiting, errors } = held(onInvalidationFailure)
    const write = writes.announceTags(['a'])
    writes.close()
    waiting[0]?.reject(away())
    await write.ready
    await write.end('committed')
    expect(errors).toEqual([])
    expect(writes.isOwing).toBe(false)
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
})
