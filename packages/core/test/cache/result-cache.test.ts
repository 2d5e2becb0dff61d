import { type CacheOptions, createSluice, hostOf, type Operation, type Sluice, type SluiceOptions } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { FakeClock, type ReadOptions, read, touching, turn, write } from '../helpers.ts'

function setUp(options: CacheOptions = {}, others: SluiceOptions = {}) {
  const clock = new FakeClock()
  const sluice = createSluice({ mode: 'optimize', batch: false, cache: { ttl: 60, ...options }, clock, ...others })
  const database = { value: 1, asked: 0 }
  const ask = () => {
    database.asked += 1
    return Promise.resolve({ value: database.value })
  }
  const get = (extra: Partial<ReadOptions> = {}) =>
    hostOf(sluice).execute(read({ run: ask, cache: { key: 'q', tables: ['t'] }, ...extra })) as Promise<{ value: number }>
  const set = (value: number, run?: () => Promise<unknown>) => {
    const apply = async () => {
      database.value = value
    }
    return hostOf(sluice).execute(write(touching('t'), run ?? apply))
  }
  return { clock, sluice, database, get, set }
}

describe('result cache', () => {
  it('answers an equal read without asking', async () => {
    const { database, get, sluice } = setUp()
    await get()
    expect(await get()).toEqual({ value: 1 })
    expect(database.asked).toBe(1)
    expect(sluice.queries.getStats().answered).toBe(1)
  })

  it('asks again after a write to a table that the result came from', async () => {
    const { get, set } = setUp()
    await get()
    await set(2)
    expect(await get()).toEqual({ value: 2 })
  })

  it('keeps results of other tables through a write', async () => {
    const { database, get, set } = setUp()
    const other = { cache: { key: 'other', tables: ['u'] } }
    await get(other)
    await set(2)
    await get(other)
    expect(database.asked).toBe(1)
  })

  it('does not keep what a read found if a write ended while it was under way', async () => {
    const { get, set, database } = setUp()
    let release: (() => void) | undefined
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = get({
      run: async () => {
        const found = { value: database.value }
        await gate
        return found
      },
    })
    await turn()
    await set(2)
    release?.()
    expect(await slow).toEqual({ value: 1 })
    expect(await get()).toEqual({ value: 2 })
  })

  it('does not answer a table while a write to it is under way', async () => {
    const { get, set, database } = setUp()
    await get()
    let release: (() => void) | undefined
    const writing = set(
      2,
      () =>
        new Promise<void>((resolve) => {
          release = resolve
        }),
    )
    await turn()
    database.value = 2
    expect(await get()).toEqual({ value: 2 })
    release?.()
    await writing
    expect(database.asked).toBe(2)
  })

  it('asks again after a failed write', async () => {
    const { get, set, database } = setUp()
    await get()
    await expect(set(2, () => Promise.reject(Object.assign(new Error('unique'), { code: 'P2002' })))).rejects.toThrow('unique')
    await get()
    expect(database.asked).toBe(2)
  })

  it('leaves a table out of memory for the lease when a write ended nobody knows how', async () => {
    const { get, set, database, clock } = setUp()
    await expect(set(2, () => Promise.reject(new Error('connection lost')))).rejects.toThrow('connection lost')
    await get()
    await get()
    expect(database.asked).toBe(2)
    clock.advance(30_000)
    await get()
    await get()
    expect(database.asked).toBe(3)
  })

  it('gives each caller a copy', async () => {
    const { get } = setUp()
    const first = await get()
    first.value = 99
    const second = await get()
    expect(second).toEqual({ value: 1 })
    second.value = 98
    expect(await get()).toEqual({ value: 1 })
  })

  it('lets equal reads under way share one query', async () => {
    const { get, database } = setUp()
    const found = await Promise.all([get(), get(), get()])
    expect(database.asked).toBe(1)
    expect(new Set(found).size).toBe(3)
  })

  it('asks for itself when the query it waited for failed', async () => {
    const { get } = setUp()
    const failing = get({ run: () => Promise.reject(new Error('first')) })
    const waiting = get()
    await expect(failing).rejects.toThrow('first')
    expect(await waiting).toEqual({ value: 1 })
  })

  it('does not share a query that began before a write with a read that began after it', async () => {
    const { get, set, database } = setUp()
    let release: (() => void) | undefined
    const old = get({
      run: async () => {
        const found = { value: database.value }
        await new Promise<void>((resolve) => {
          release = resolve
        })
        return found
      },
    })
    await turn()
    await set(2)
    const young = get()
    release?.()
    expect(await young).toEqual({ value: 2 })
    await old
  })

  it('forgets a result after its time', async () => {
    const { get, database, clock } = setUp({ ttl: 10 })
    await get()
    clock.advance(10_001)
    await get()
    expect(database.asked).toBe(2)
  })

  it('bypasses memory in a transaction', async () => {
    const { get, database } = setUp()
    await get()
    await get({ inTransaction: true })
    expect(database.asked).toBe(2)
  })

  it('keeps results of different contexts apart', async () => {
    let tenant = 'a'
    const { get, database } = setUp({}, { context: () => tenant })
    await get()
    tenant = 'b'
    await get()
    expect(database.asked).toBe(2)
  })

  it('keeps clients apart', async () => {
    const { get, database } = setUp()
    await get()
    await get({ source: { id: 'other', orm: 'knex', dialect: 'sqlite', seesStatements: false } })
    expect(database.asked).toBe(2)
  })

  it('does not keep reads of more than 16 tables', async () => {
    const { get, database } = setUp()
    const cache = { key: 'wide', tables: Array.from({ length: 17 }, (_, at) => `t${at}`) }
    await get({ cache })
    await get({ cache })
    expect(database.asked).toBe(2)
  })

  it('drops everything when told of a write without a catalogue', async () => {
    const { get, database, sluice } = setUp()
    await get()
    sluice.invalidate('anything')
    await get()
    expect(database.asked).toBe(2)
  })

  it('hands out nothing after close', async () => {
    const { get, database, sluice } = setUp()
    await get()
    await sluice.close()
    await get()
    expect(database.asked).toBe(2)
  })
})

describe('errors inside Sluice', () => {
  const broken = (run: () => Promise<unknown>, extra: object = {}): Operation<unknown> => ({
    ...read({ run }),
    cacheRequest: () => {
      throw new TypeError('a bug')
    },
    ...extra,
  })
  const optimizing = (): Sluice => createSluice({ mode: 'optimize' })

  it('leave a read to the bare query', async () => {
    const sluice = optimizing()
    const errors: unknown[] = []
    sluice.on('error', (error) => errors.push(error))
    expect(await hostOf(sluice).execute(broken(async () => 'bare'))).toBe('bare')
    expect(errors).toHaveLength(1)
    expect(sluice.queries.getStats().errors).toBe(1)
  })

  it('leave a read to the bare query also when they come after it', async () => {
    const sluice = optimizing()
    const failing: Operation<unknown> = {
      ...read({ run: async () => 'bare' }),
      cacheRequest: () => ({
        key: 'q',
        tables: ['t'],
        copy: () => {
          throw new TypeError('a bug')
        },
      }),
    }
    expect(await hostOf(sluice).execute(failing)).toBe('bare')
    expect(sluice.queries.getStats().errors).toBe(1)
  })

  it('never send a write twice', async () => {
    const sluice = optimizing()
    let sent = 0
    const operation = write(touching('t'), async () => {
      sent += 1
      return 'written'
    })
    const failing: Operation<unknown> = {
      ...operation,
      rows: () => {
        throw new TypeError('a bug')
      },
    }
    expect(await hostOf(sluice).execute(failing)).toBe('written')
    expect(sent).toBe(1)
  })

  it('send a write that was not sent', async () => {
    const sluice = optimizing()
    const failing: Operation<unknown> = {
      ...write(touching('t'), async () => 'written'),
      effect: () => {
        throw new TypeError('a bug')
      },
    }
    expect(await hostOf(sluice).execute(failing)).toBe('written')
    expect(sluice.queries.getStats().errors).toBe(1)
  })

  it("leave the database's errors untouched", async () => {
    const sluice = optimizing()
    const failure = new Error('no such table')
    await expect(hostOf(sluice).execute(read({ run: () => Promise.reject(failure) }))).rejects.toBe(failure)
    await expect(hostOf(sluice).execute(read({ run: () => Promise.reject('text') }))).rejects.toBe('text')
    expect(sluice.queries.getStats().errors).toBe(0)
  })
})
