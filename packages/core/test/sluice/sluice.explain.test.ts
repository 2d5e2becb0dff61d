import { createSluice, memoryStore, type SluiceOptions } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { afterEach, describe, expect, it } from 'vitest'
import { FakeClock, type ReadOptions, read, touching } from '../helpers.ts'
import { MemoryDatabase } from '../query/prefetch/memory-database.ts'

const source = {
  id: 'one',
  orm: 'knex',
  dialect: 'sqlite',
  seesStatements: true,
  sharedName: () => 'database',
} as const
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const sluice of open.splice(0)) await sluice.close()
})

function setUp(options: SluiceOptions = {}) {
  const sluice = createSluice({
    mode: 'optimize',
    batch: false,
    detection: { mode: 'throw' },
    clock: new FakeClock(),
    ...options,
  })
  open.push(sluice)
  const get = (extra: Partial<ReadOptions> = {}) =>
    hostOf(sluice).execute(
      read({
        source,
        label: 'city',
        run: async () => ({ id: 1 }),
        cache: { key: 'q', tables: ['t'] },
        ...extra,
      }),
    )
  const explained = async (extra?: Partial<ReadOptions>) => (await sluice.explain(() => get(extra))).reads[0]
  return { sluice, get, explained }
}

const kept = (answeredBy: string) => ({ label: 'city', answeredBy, isCached: true, tags: ['t#set'] })
const notKept = (reason: string | RegExp, answeredBy = 'database') => ({
  label: 'city',
  answeredBy,
  isCached: false,
  reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
  tags: [],
})

describe('explain', () => {
  it('returns the result of the function, and throws its error', async () => {
    const { sluice, get } = setUp()
    expect((await sluice.explain(() => get())).result).toEqual({ id: 1 })
    await expect(
      sluice.explain(() => {
        throw new Error('mine')
      }),
    ).rejects.toThrow('mine')
  })

  it('explains how a read is served in one process', async () => {
    const { explained, sluice, get } = setUp()
    expect(await explained()).toEqual(kept('database'))
    expect(await explained()).toEqual(kept('memory'))
    await sluice.invalidate('anything')
    const both = await sluice.explain(() => Promise.all([get(), get()]))
    expect(both.reads).toEqual([kept('database'), kept('coalesced')])
  })

  it('explains results from the shared store', async () => {
    const store = () => memoryStore()
    const { explained } = setUp({ cache: { store: store() } })
    expect(await explained()).toEqual(kept('database'))
    const strict = setUp({ cache: { store: store(), consistency: 'strict' } })
    await strict.get()
    expect(await strict.explained()).toEqual(kept('memory'))
  })

  it.each<[string, SluiceOptions, Partial<ReadOptions>, string]>([
    ['the mode', { mode: 'observe' }, {}, 'OBSERVE_MODE'],
    ['the mode', { mode: 'shadow', shadow: { sample: 0 } }, {}, 'SHADOW_MODE'],
    ['the options', { cache: false }, {}, 'CACHE_DISABLED'],
    ['the read', {}, { cache: { key: 'q', tables: ['t'], control: { disabled: true } } }, 'DISABLED'],
    ['its transaction', {}, { inTransaction: true }, 'IN_TRANSACTION'],
    [
      'its tables',
      {},
      { cache: { key: 'q', tables: Array.from({ length: 17 }, (_, at) => `t${at}`) } },
      'TOO_MANY_TABLES',
    ],
    [
      'its adapter',
      { cache: { store: memoryStore() } },
      { source: { ...source, sharedName: () => undefined } },
      'UNKNOWN_DATABASE',
    ],
  ])('explains why a result is not cached: %s', async (_, options, extra, reason) => {
    expect(await setUp(options).explained(extra)).toEqual(notKept(reason))
  })

  it('explains a result that cannot be cached', async () => {
    const { sluice } = setUp()
    const bare = read({ source, label: 'city', run: async () => ({}) })
    const uncopyable = { ...bare, cacheRequest: () => ({ key: 'q', tables: ['t'], copy: () => undefined }) }
    const { reads } = await sluice.explain(() => hostOf(sluice).execute(uncopyable))
    expect(reads).toEqual([notKept('NOT_COPYABLE')])
  })

  it('explains reads during and after writes', async () => {
    const { explained, sluice } = setUp()
    const write = hostOf(sluice).writes.announce(touching('t'))
    expect(await explained()).toEqual(notKept('WRITE_IN_FLIGHT'))
    await write.end('committed')
    const overtaken = { run: async () => void (await sluice.invalidate('t')) }
    expect(await explained(overtaken)).toEqual(notKept('DISCARDED_BY_WRITE'))
  })

  it('explains prefetched and bypassed reads', async () => {
    const ids = Array.from({ length: 30 }, (_, at) => at + 1)
    const { sluice, get } = setUp({ prefetch: {} })
    const tables = { city: ids.map((id) => ({ id, districtId: id })), district: ids.map((id) => ({ id })) }
    const reference = {
      table: 'city',
      columns: ['districtId'],
      references: 'district',
      referencedColumns: ['id'],
    }
    const database = new MemoryDatabase(sluice, tables, [reference])
    const { reads } = await sluice.explain(async () => {
      for (const { districtId } of await database.list('city'))
        await database.one('district', { id: districtId })
    })
    expect(reads).toHaveLength(31)
    expect(reads.filter(({ answeredBy }) => answeredBy === 'prefetch').length).toBeGreaterThan(20)
    const bypassed = await sluice.explain(() => sluice.bypass(() => get()))
    expect(bypassed.reads).toEqual([notKept('BYPASSED')])
  })
})
