import { describe, expect, it } from 'vitest'
import { simulate } from '../../src/yield/simulation.ts'
import { ended, read, type Traced, traceOf, written } from './traced.ts'

const savedBy = (...events: Traced[]) => Object.fromEntries(simulate(traceOf(...events)).savedBy)
const missed = (...events: Traced[]) => Object.fromEntries(simulate(traceOf(...events)).missed)
const ALONE = { batch: 'NOT_BY_KEY' }

describe('a simulated cache', () => {
  it('serves a repeated read until it expires', () => {
    const trace = traceOf(read(1, 0, ALONE), read(2, 900, ALONE), read(3, 1_100, ALONE))
    expect(Object.fromEntries(simulate(trace).savedBy)).toEqual({ 2: 'cached' })
    expect(Object.fromEntries(simulate(trace).missed)).toEqual({ 3: 'TTL_EXPIRED' })
    expect(Object.fromEntries(simulate(trace, 10_000).savedBy)).toEqual({ 2: 'cached', 3: 'cached' })
  })

  it('keeps the time to live that the app set for a read', () => {
    const cache = { key: 'a', tags: ['public.city#set'], ttlMs: 5_000 }
    const trace = traceOf(read(1, 0, { ...ALONE, cache }), read(2, 9_000, { ...ALONE, cache }))
    expect(simulate(trace, 10_000).savedBy.size).toBe(0)
  })

  it('serves nothing that a write has invalidated', () => {
    expect(savedBy(read(1, 0, ALONE), written(10), read(2, 20, ALONE))).toEqual({})
    expect(missed(read(1, 0, ALONE), written(10), read(2, 20, ALONE))).toEqual({ 2: 'INVALIDATED' })
    expect(savedBy(read(1, 0, ALONE), written(10, { wrote: ['*'] }), read(2, 20, ALONE))).toEqual({})
    // In flight when the read is issued, and when the result arrives.
    expect(
      savedBy(read(1, 0, ALONE), written(10, { end: 30 }), read(2, 20, ALONE), read(3, 25, ALONE)),
    ).toEqual({})
    expect(savedBy(read(1, 0, { ...ALONE, end: 20 }), written(10), read(2, 30, ALONE))).toEqual({})
    expect(savedBy(read(1, 0, ALONE), written(10), read(2, 20, ALONE), read(3, 30, ALONE))).toEqual({
      3: 'cached',
    })
  })

  it('applies the writes of a transaction at its commit, and none if it is rolled back', () => {
    const write = written(10, { transaction: 1 })
    const reads = [read(1, 0, ALONE), read(2, 20, ALONE), read(3, 40, ALONE)].flat()
    expect(savedBy(write, ended(1, 9, 30), ...reads)).toEqual({ 2: 'cached' })
    expect(savedBy(write, ended(1, 9, 30, { isRolledBack: true }), ...reads)).toEqual({
      2: 'cached',
      3: 'cached',
    })
    expect(savedBy(write, ...reads)).toEqual({ 2: 'cached', 3: 'cached' })
  })

  it('serves a read that an identical one in flight answers', () => {
    expect(savedBy(read(1, 0, { ...ALONE, end: 50 }), read(2, 10, ALONE))).toEqual({ 2: 'cached' })
  })

  it('serves no read for which there is a reason', () => {
    const refused = { ...ALONE, cache: 'IN_TRANSACTION' }
    expect(savedBy(read(1, 0, ALONE), read(2, 10, refused))).toEqual({})
    expect(savedBy(read(1, 0, { ...ALONE, isFailed: true }), read(2, 10, ALONE))).toEqual({})
  })
})

describe('simulated batches', () => {
  it('contain the lookups of one scope, group and tick', () => {
    const lookup = (id: number, more = {}) => read(id, 0, { key: `${id}`, tick: 5, ...more })
    expect(savedBy(lookup(1), lookup(2), lookup(3))).toEqual({ 2: 'batched', 3: 'batched' })
    expect(savedBy(lookup(1), lookup(2, { scope: 2 }))).toEqual({})
    expect(savedBy(lookup(1), lookup(2, { tick: 6 }))).toEqual({})
    expect(savedBy(lookup(1), lookup(2, { batch: { group: 'h', maxKeys: 500 } }))).toEqual({})
    expect(savedBy(lookup(1), lookup(2, { batch: 'NO_SCOPE' }))).toEqual({})
  })

  it('are sent in parts if they have too many keys', () => {
    const batch = { group: 'g', maxKeys: 2 }
    const lookups = [1, 2, 3, 4, 5].map((id) => read(id, 0, { key: `${id}`, tick: 5, batch }))
    expect(savedBy(...lookups)).toEqual({ 2: 'batched', 4: 'batched' })
  })

  it('contain what follows from results that one batch returns together', () => {
    const first = (id: number, end: number) => read(id, 0, { key: `${id}`, end, tick: 1 })
    const inner = (id: number, at: number, after: number) =>
      read(id, at, { key: `${id}`, tick: at, after, batch: { group: 'inner', maxKeys: 500 } })
    // Without batching, the results of the first two arrive sequentially.
    expect(savedBy(first(1, 10), first(2, 20), inner(3, 10, 1), inner(4, 20, 2))).toEqual({
      2: 'batched',
      4: 'batched',
    })
  })

  it('contain no lookups of a loop that awaits each result', () => {
    const next = (id: number) => read(id, id * 10, { key: `${id}`, tick: id, after: id - 1 })
    expect(savedBy(next(1), next(2), next(3))).toEqual({})
  })
})

describe('simulated loops', () => {
  const lookup = (id: number, fetch: number, more = {}) =>
    read(id, id * 10, { key: `${id}`, tick: id, loop: { fetch }, ...more })

  it('serve the lookups whose rows an earlier one fetches', () => {
    expect(savedBy(lookup(1, 1), lookup(2, 2), lookup(3, 2), lookup(4, 2))).toEqual({
      3: 'prefetched',
      4: 'prefetched',
    })
  })

  it('fetch with the first lookup that is not served from the cache', () => {
    const cached = read(1, 0, { key: '2', scope: 9, ...ALONE })
    expect(savedBy(cached, lookup(2, 2), lookup(3, 2), lookup(4, 2))).toEqual({
      2: 'cached',
      4: 'prefetched',
    })
  })
})

describe('simulated reads without benefit', () => {
  it('pass through after 1,024 reads of their kind', () => {
    const reads = Array.from({ length: 1_100 }, (_, at) =>
      read(at + 1, at, { ...ALONE, key: `${at}`, gain: 1, isAlone: true }),
    )
    const last = read(2_000, 1_100, { ...ALONE, key: '1099', gain: 1, isAlone: true })
    expect(savedBy(...reads, last)).toEqual({})
    expect(missed(...reads, last)[2_000]).toBe('NO_RECENT_GAIN')
  })

  it('are not cached if only batches have a benefit', () => {
    const reads = (isRepeated: boolean) =>
      Array.from({ length: 1_400 }, (_, at) => {
        const scope = 1 + Math.floor(at / 20)
        return read(at + 1, at, { scope, key: `${isRepeated ? at % 200 : at}`, gain: 1, tick: scope })
      })
    const last = (key: string) => read(2_000, 1_500, { scope: 71, key, gain: 1, tick: 300 })
    expect(missed(...reads(false), last('1399'))[2_000]).toBe('NO_RECENT_HIT')
    expect(savedBy(...reads(false), last('1399'))[1_400]).toBe('batched')
    expect(savedBy(...reads(true), last('199'))[2_000]).toBe('cached')
  })

  it('are cached if the app set their time to live', () => {
    const own = (key: string) => ({ ...ALONE, gain: 1, cache: { key, tags: [], ttlMs: 5_000 } })
    const reads = Array.from({ length: 200 }, (_, at) => read(at + 1, at, own(`${at}`)))
    expect(savedBy(...reads, read(2_000, 300, own('199')))).toEqual({ 2000: 'cached' })
  })
})
