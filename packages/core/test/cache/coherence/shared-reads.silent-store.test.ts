import type { CacheStore, StoreState } from '@sluice/core/stores'
import { afterEach, describe, expect, it } from 'vitest'
import { type Permit, SharedReads } from '../../../src/cache/coherence/shared-reads.ts'
import { TagTable } from '../../../src/cache/coherence/tag-table.ts'
import { turn } from '../../helpers.ts'
import { Fleet, type Process } from '../fleet.ts'

describe('a store without notifications', () => {
  let fleet: Fleet
  afterEach(() => fleet.close())
  const start = (cache = {}) => {
    fleet = new Fleet({ notifies: false })
    return [fleet.start({ maxStalenessMs: 1_000, ...cache }), fleet.start(cache)] as [Process, Process]
  }
  const readsOf = ({ faults }: Process) => faults.calls.get('read') ?? 0
  const readValue = async (process: Process) => (await process.get()).value

  it('is not watched', () => {
    const [reader] = start()
    expect(reader.faults.watcher).toBeUndefined()
  })

  it('is not queried again for a value that it confirmed less than maxStalenessMs ago', async () => {
    const [reader] = start()
    await reader.get()
    const reads = readsOf(reader)
    fleet.clock.advance(1_000)
    for (let hit = 0; hit < 5; hit += 1) await reader.get()
    expect([readsOf(reader), fleet.database.asked]).toEqual([reads, 1])
    fleet.clock.advance(1)
    for (let hit = 0; hit < 5; hit += 1) await reader.get()
    expect([readsOf(reader), fleet.database.asked]).toEqual([reads + 1, 1])
    fleet.clock.advance(1_000)
    await reader.get()
    expect(readsOf(reader)).toBe(reads + 1)
  })

  it('serves a value from another process, confirmed by the same request', async () => {
    const [reader, other] = start()
    await other.get()
    await turn()
    await reader.get()
    const reads = readsOf(reader)
    fleet.clock.advance(1_000)
    await reader.get()
    expect([readsOf(reader), fleet.database.asked]).toEqual([reads, 1])
  })

  it('serves nothing older than maxStalenessMs after the acknowledgment of a write', async () => {
    const [reader, writer] = start()
    await reader.get()
    fleet.clock.advance(300)
    await writer.set(2)
    fleet.clock.advance(700)
    expect(await readValue(reader)).toBe(1)
    fleet.clock.advance(1)
    expect(await readValue(reader)).toBe(2)
  })

  it('counts from when the request was sent, not from its reply', async () => {
    fleet = new Fleet()
    const { clock } = fleet
    const writes = { hasPending: false, settle: async () => {} }
    let answer: (state: StoreState) => void = () => {}
    const held = () =>
      new Promise<StoreState>((resolve) => {
        answer = resolve
      })
    const store = { notifies: false, ping: async () => {}, read: held } as unknown as CacheStore
    const reads = new SharedReads(new TagTable(clock), writes, {
      store,
      clock,
      maxStalenessMs: 1_000,
      onError: () => {},
    })
    const state = { epoch: 'e', stamps: ['1'], entry: undefined }
    const looked = reads.look(['t'])
    await turn()
    clock.advance(400)
    answer(state)
    const { permit } = await looked
    clock.advance(600)
    expect(reads.isTrusted(clock.now(), permit)).toBe(true)
    clock.advance(1)
    expect(reads.isTrusted(clock.now(), permit)).toBe(false)
    const checked = reads.check(permit as Permit)
    await turn()
    clock.advance(500)
    answer(state)
    expect(await checked).toBe('current')
    clock.advance(500)
    expect(reads.isTrusted(clock.now(), permit)).toBe(true)
    clock.advance(1)
    expect(reads.isTrusted(clock.now(), permit)).toBe(false)
    reads.close()
  })

  it('does not trust memory while this process has pending invalidations', async () => {
    const [reader] = start({ onInvalidationFailure: 'proceed' })
    await reader.get()
    reader.faults.isOut = true
    await reader.set(2)
    expect(await readValue(reader)).toBe(2)
    expect(fleet.database.asked).toBe(2)
  })

  it('is queried for each hit in strict', async () => {
    const [reader] = start({ consistency: 'strict' })
    await reader.get()
    const reads = readsOf(reader)
    for (let hit = 0; hit < 3; hit += 1) await reader.get()
    expect(readsOf(reader)).toBe(reads + 3)
  })
})
