import { SluiceError } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { StoreUnavailableError } from '@sluice/core/stores'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { touching, turn } from '../helpers.ts'
import { MemoryDatabase } from '../query/prefetch/memory-database.ts'
import { Fleet } from './fleet.ts'

const open: Fleet[] = []

function fleet(options?: ConstructorParameters<typeof Fleet>[0]): Fleet {
  const made = new Fleet(options)
  open.push(made)
  return made
}

afterEach(async () => {
  for (const made of open.splice(0)) await made.close()
  vi.useRealTimers()
})

/** A gate that blocks its waiters until it is opened. */
function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

describe.each(['strict', 'bounded'] as const)('a fleet in %s mode', (consistency) => {
  it('serves a result that another process has read', async () => {
    const made = fleet()
    const [a, b] = [made.start({ consistency }), made.start({ consistency })]
    await a.get()
    await turn()
    expect(await b.get()).toEqual({ value: 1 })
    expect(made.database.asked).toBe(1)
    expect(b.sluice.getResultStats()?.storeHits).toBe(1)
  })

  it('reads again after a write of another process', async () => {
    const made = fleet()
    const [a, b] = [made.start({ consistency }), made.start({ consistency })]
    await a.get()
    await b.set(2)
    expect(await a.get()).toEqual({ value: 2 })
    expect(await b.get()).toEqual({ value: 2 })
  })

  it('invalidates a tagged result, even if another read cached it without the tag', async () => {
    const made = fleet()
    const [a, b] = [made.start({ consistency }), made.start({ consistency })]
    const tagged = { cache: { key: 'q', tables: ['t'], control: { tags: ['mine'] } } }
    await a.get()
    await turn()
    await b.get(tagged)
    made.database.value = 2
    await a.sluice.tiered?.invalidateTags(['mine'])
    expect(await b.get(tagged)).toEqual({ value: 2 })
  })

  it('caches no result that was read before a write of another process and arrived after it', async () => {
    const made = fleet()
    const [a, b] = [made.start({ consistency }), made.start({ consistency })]
    const slow = gate()
    const old = a.get({
      run: async () => {
        const found = { value: made.database.value }
        await slow.opened
        return found
      },
    })
    await turn()
    await b.set(2)
    slow.open()
    expect(await old).toEqual({ value: 1 })
    await turn()
    expect(await a.get()).toEqual({ value: 2 })
    expect(await b.get()).toEqual({ value: 2 })
  })

  it('does not let a read join an earlier one after a write of another process', async () => {
    const made = fleet()
    const [a, b] = [made.start({ consistency }), made.start({ consistency })]
    const slow = gate()
    const old = a.get({
      run: async () => {
        const found = { value: made.database.value }
        await slow.opened
        return found
      },
    })
    await turn()
    await b.set(2)
    const young = a.get()
    slow.open()
    expect(await young).toEqual({ value: 2 })
    await old
  })

  it('caches nothing while a write of another process is in flight', async () => {
    const made = fleet()
    const [a, b] = [made.start({ consistency }), made.start({ consistency })]
    const slow = gate()
    const writing = b.set(2, () => slow.opened)
    await turn()
    await a.get()
    await a.get()
    expect(made.database.asked).toBe(2)
    slow.open()
    await writing
    await a.get()
    await a.get()
    expect(made.database.asked).toBe(3)
  })

  it('queries the database without errors while the store does not respond', async () => {
    const made = fleet()
    const a = made.start({ consistency })
    for (const call of ['read', 'open', 'set', 'ping'] as const) a.faults.failing.add(call)
    a.faults.watcher?.lost()
    expect(await a.get()).toEqual({ value: 1 })
    made.database.value = 2
    expect(await a.get()).toEqual({ value: 2 })
    expect(a.sluice.getResultStats()?.storeErrors).toBeGreaterThan(0)
  })

  it('does not cache data of a crashed writer until its lease expires', async () => {
    const made = fleet({ leaseMs: 5_000 })
    const [a, b] = [made.start({ consistency }), made.start({ consistency })]
    await a.get()
    void b.set(2, () => new Promise(() => {}))
    await turn()
    expect(await a.get()).toEqual({ value: 2 })
    await a.get()
    expect(made.database.asked).toBe(3)
    made.clock.advance(5_001)
    await a.get()
    await a.get()
    expect(made.database.asked).toBe(4)
  })

  it('caches nothing after the store lost its state until the quarantine ends', async () => {
    const made = fleet({ quarantineMs: 3_000 })
    const a = made.start({ consistency })
    await a.get()
    made.state.lose()
    a.faults.watcher?.lost()
    await a.get()
    await a.get()
    expect(made.database.asked).toBe(3)
    made.clock.advance(3_001)
    await a.get()
    await a.get()
    expect(made.database.asked).toBe(4)
  })

  it('keeps the write intent of unknown outcome for a lease, even if the store loses its state', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const made = fleet({ leaseMs: 30_000, quarantineMs: 3_000 })
    const seconds = async (count: number) => {
      for (let second = 0; second < count; second++) {
        made.clock.advance(1_000)
        await vi.advanceTimersByTimeAsync(1_000)
      }
    }
    const [a, b] = [made.start({ consistency }), made.start({ consistency })]
    await a.get()
    const write = hostOf(b.sluice).writes.announce(touching('t'))
    await write.ready
    await write.end('unknown')
    made.state.lose()
    a.faults.watcher?.lost()
    await a.get()
    await seconds(29)
    expect(await a.get()).toEqual({ value: 1 })
    made.database.value = 2
    expect(await a.get()).toEqual({ value: 2 })
    await seconds(2)
    await a.get()
    await a.get()
    expect(made.database.asked).toBe(5)
  })
})

describe('a fleet whose clocks differ', () => {
  it('never underestimates the age of a result', async () => {
    const made = fleet()
    const ahead = made.start(
      {},
      { clock: { now: () => made.clock.now(), wall: () => made.clock.wall() + 3_600_000 } },
    )
    const late = made.start()
    await ahead.get()
    await turn()
    await late.get()
    expect(made.database.asked).toBe(1)
    made.clock.advance(60_000)
    await late.get()
    expect(made.database.asked).toBe(2)
  })
})

describe('strict consistency', () => {
  it.each([
    ['in all reads', { consistency: 'strict' }, undefined],
    ['in one read of a bounded cache', {}, { consistency: 'strict' }],
  ] as const)('validates prefetched rows like cached results: %s', async (_, options, control) => {
    const made = fleet()
    const [a, b] = [made.start(options, { prefetch: {} }), made.start(options)]
    const ids = Array.from({ length: 60 }, (_, at) => at + 1)
    const tables = {
      city: ids.map((id) => ({ id, districtId: id })),
      district: ids.map((id) => ({ id, name: 'old' })),
    }
    const reference = {
      table: 'city',
      columns: ['districtId'],
      references: 'district',
      referencedColumns: ['id'],
    }
    const database = new MemoryDatabase(a.sluice, tables, [reference])
    a.faults.isDeaf = true
    const found: unknown[] = []
    await a.sluice.run(async () => {
      for (const { districtId } of await database.list('city')) {
        if (districtId === 40) {
          const write = hostOf(b.sluice).writes.announce(touching('main.district'))
          await write.ready
          for (const district of tables.district) district.name = 'new'
          await write.end('committed')
        }
        const asked = { where: { id: districtId }, unique: true, ...(control && { control }) }
        found.push((await database.ask<{ name: string }>('district', asked)).name)
      }
    })
    expect(found).toEqual(ids.map((id) => (id < 40 ? 'old' : 'new')))
    if (control === undefined) expect(a.sluice.queries.getStats().prefetched).toBeGreaterThan(20)
  })

  it('validates the result of a joined query in the store', async () => {
    const made = fleet()
    const [a, b] = [made.start({ consistency: 'strict' }), made.start({ consistency: 'strict' })]
    const slow = gate()
    const run = async () => {
      const found = { value: made.database.value }
      await slow.opened
      return found
    }
    const old = a.get({ run })
    await turn()
    a.faults.isDeaf = true
    await b.set(2)
    const young = a.get()
    slow.open()
    expect([await old, await young]).toEqual([{ value: 1 }, { value: 2 }])
  })

  it('never trusts memory: it detects in the store a write whose message was lost', async () => {
    const made = fleet()
    const [a, b] = [made.start({ consistency: 'strict' }), made.start({ consistency: 'strict' })]
    await a.get()
    a.faults.isDeaf = true
    await b.set(2)
    expect(await a.get()).toEqual({ value: 2 })
  })

  it('serves from memory with one round trip to the store', async () => {
    const made = fleet()
    const a = made.start({ consistency: 'strict' })
    await a.get()
    const before = a.faults.calls.get('read') ?? 0
    await a.get()
    expect((a.faults.calls.get('read') ?? 0) - before).toBe(1)
    expect(made.database.asked).toBe(1)
  })

  it('rejects a write of which other processes cannot be notified', async () => {
    const made = fleet()
    const a = made.start({ consistency: 'strict' })
    a.faults.failing.add('begin')
    const failed = a.set(2)
    await expect(failed).rejects.toBeInstanceOf(SluiceError)
    await expect(failed).rejects.toMatchObject({ code: 'SLUICE_WRITE_REJECTED' })
    expect(made.database.value).toBe(1)
  })
})

describe('an outage of the store', () => {
  it('is reported once, and again for the next outage', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const made = fleet()
    const a = made.start()
    const errors: unknown[] = []
    a.sluice.on('error', (error) => errors.push(error))
    const outage = async () => {
      a.faults.isOut = true
      for (let second = 0; second < 5; second++) {
        made.clock.advance(1_000)
        await vi.advanceTimersByTimeAsync(1_000)
        await a.get()
      }
      a.faults.isOut = false
      await vi.advanceTimersByTimeAsync(1_000)
    }
    await outage()
    expect(errors).toEqual([expect.any(StoreUnavailableError)])
    await outage()
    expect(errors).toHaveLength(2)
    expect(a.sluice.getResultStats()?.storeErrors).toBeGreaterThan(5)
  })
})

describe('bounded consistency', () => {
  it('serves from memory without a call to the store', async () => {
    const made = fleet()
    const a = made.start()
    await a.get()
    const before = a.faults.calls.get('read')
    await a.get()
    expect(a.faults.calls.get('read')).toBe(before)
    expect(made.database.asked).toBe(1)
  })

  it('trusts memory no longer than maxStalenessMs without a response from the store', async () => {
    const made = fleet()
    const [a, b] = [made.start({ maxStalenessMs: 1_000 }), made.start()]
    await a.get()
    a.faults.isDeaf = true
    a.faults.failing.add('ping')
    await b.set(2)
    expect(await a.get()).toEqual({ value: 1 })
    made.clock.advance(1_001)
    expect(await a.get()).toEqual({ value: 2 })
  })

  it('checks once in the store whether a value survived lost messages, then trusts memory again', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const made = fleet()
      const [a, b] = [made.start(), made.start()]
      await a.get()
      a.faults.watcher?.lost()
      vi.advanceTimersByTime(1_000)
      await turn()
      const reads = () => a.faults.calls.get('read') ?? 0
      const before = reads()
      for (let times = 0; times < 3; times += 1) expect(await a.get()).toEqual({ value: 1 })
      expect(reads()).toBe(before + 1)
      await b.set(2)
      expect(await a.get()).toEqual({ value: 2 })
    } finally {
      vi.useRealTimers()
    }
  })

  it('does not treat a response from before a message loss as one after it', async () => {
    const made = fleet()
    const [a, b] = [made.start(), made.start()]
    await a.get()
    a.faults.isDeaf = true
    a.faults.watcher?.lost()
    await a.get()
    await b.set(2)
    expect(await a.get()).toEqual({ value: 2 })
  })

  it('sends a write of which other processes cannot be notified, and uses no shared data until they are', async () => {
    const made = fleet()
    const [a, b] = [made.start(), made.start()]
    await a.get()
    await b.get()
    for (const call of ['begin', 'end'] as const) a.faults.failing.add(call)
    await a.set(2)
    expect(await a.get()).toEqual({ value: 2 })
    expect(await a.get()).toEqual({ value: 2 })
    expect(await b.get()).toEqual({ value: 1 })
    a.faults.failing.clear()
    expect(await a.get()).toEqual({ value: 2 })
    expect(await b.get()).toEqual({ value: 2 })
  })

  it('validates single reads in the store when they require it', async () => {
    const made = fleet()
    const [a, b] = [made.start(), made.start()]
    const load = async () => made.database.value
    await a.sluice.tiered?.getOrLoad('k', load)
    a.faults.isDeaf = true
    made.database.value = 2
    await b.sluice.tiered?.delete('k')
    expect(await a.sluice.tiered?.getOrLoad('k', load)).toBe(1)
    expect(await a.sluice.tiered?.getOrLoad('k', load, { consistency: 'strict' })).toBe(2)
  })
})
