import { describe, expect, it } from 'vitest'
import { idealSavings } from '../../src/yield/ideal.ts'
import { ended, read, sent, type Traced, traceOf, written } from './traced.ts'

const savings = (...events: Traced[]) => {
  const { cached, batched, frames } = idealSavings(traceOf(...events))
  return { cached, batched, frames }
}
const NONE = { cached: 0, batched: 0, frames: 0 }

describe('an ideal cache', () => {
  it('saves a repeated read until one of its tables is written', () => {
    expect(savings(sent(0), sent(10), written(20), sent(30), sent(40))).toEqual({ ...NONE, cached: 2 })
  })

  it('knows of a write when it is acknowledged', () => {
    expect(savings(sent(0), written(10, { end: 30 }), sent(20))).toEqual({ ...NONE, cached: 1 })
    expect(savings(sent(0), written(10, { end: 30 }), sent(40))).toEqual(NONE)
    // The read was sent before: it may not contain the write.
    expect(savings(written(0, { end: 5 }), sent(2), sent(10))).toEqual(NONE)
  })

  it('distinguishes rows, unless the write or the read does not', () => {
    const row = (name: string) => ({ tags: [`public.city#r${name}`, 'public.city#all'] })
    const wroteRow = { wrote: ['public.city#set', 'public.city#rB'] }
    expect(savings(sent(0, row('A')), written(10, wroteRow), sent(20, row('A')))).toEqual({
      ...NONE,
      cached: 1,
    })
    expect(savings(sent(0, row('B')), written(10, wroteRow), sent(20, row('B')))).toEqual(NONE)
    expect(savings(sent(0), written(10, wroteRow), sent(20))).toEqual(NONE)
    const wroteAll = { wrote: ['public.city#set', 'public.city#all'] }
    expect(savings(sent(0, row('A')), written(10, wroteAll), sent(20, row('A')))).toEqual(NONE)
  })

  it('assumes the same table for a name without a schema, and any table for an unknown write', () => {
    expect(savings(sent(0), written(10, { wrote: ['City#set'] }), sent(20))).toEqual(NONE)
    expect(savings(sent(0), written(10, { wrote: ['*'] }), sent(20))).toEqual(NONE)
    expect(savings(sent(0), written(10, { wrote: ['region#set'] }), sent(20))).toEqual({ ...NONE, cached: 1 })
  })

  it('never saves a read that is volatile, failed or cannot be compared', () => {
    const { key: _key, ...without } = sent(10)
    expect(savings(sent(0, { query: 3 }), sent(10, { query: 3 }))).toEqual(NONE)
    expect(savings(sent(0, { isFailed: true }), sent(10))).toEqual(NONE)
    expect(savings(sent(0), without)).toEqual(NONE)
    expect(savings(sent(0, { tags: [] }), sent(10, { tags: [] }))).toEqual(NONE)
  })

  it('expires results after the time to live', () => {
    const trace = traceOf(sent(0), sent(900), sent(1_100))
    expect(idealSavings(trace).cached).toBe(2)
    expect(idealSavings(trace, { ttlMs: 1_000 }).cached).toBe(1)
  })

  it('counts from a time on, and fills its cache before', () => {
    expect(idealSavings(traceOf(sent(0), sent(10), sent(20)), { from: 15 }).cached).toBe(1)
  })
})

describe('ideal batching', () => {
  it('saves lookups of a scope that differ in their key, except for the first', () => {
    expect(savings(sent(0), sent(1, { key: 'b' }), sent(2, { key: 'c' }))).toEqual({ ...NONE, batched: 2 })
    expect(savings(sent(0), sent(1, { key: 'b', scope: 2 }))).toEqual(NONE)
    expect(savings(sent(0, { query: 2 }), sent(1, { key: 'b', query: 2 }))).toEqual(NONE)
  })

  it('saves nothing across a write', () => {
    expect(savings(sent(0), written(1), sent(5, { key: 'b' }), sent(6, { key: 'c' }))).toEqual({
      ...NONE,
      batched: 1,
    })
  })

  it('saves lookups outside any scope that are issued in one tick', () => {
    const lookup = (id: number, tick: number) => read(id, id, { key: `${id}`, scope: 0, tick })
    expect(savings(lookup(1, 7), lookup(2, 7), lookup(3, 8))).toEqual({ ...NONE, batched: 1 })
    expect(savings(sent(0, { scope: 0 }), sent(1, { scope: 0, key: 'b' }))).toEqual(NONE)
  })
})

describe('transactions', () => {
  const within = { transaction: 1 }

  it('save BEGIN and COMMIT if all their reads are saved', () => {
    expect(savings(sent(0), sent(10, within), ended(1, 9, 12))).toEqual({ ...NONE, cached: 1, frames: 2 })
    expect(savings(sent(10, within), ended(1, 9, 12))).toEqual(NONE)
    expect(savings(sent(0), sent(10, within), written(11, within), ended(1, 9, 13))).toEqual({
      ...NONE,
      cached: 1,
    })
    const { isWhole: _isWhole, ...cut } = ended(1, 9, 12)
    expect(savings(sent(0), sent(10, within), cut)).toEqual({ ...NONE, cached: 1 })
  })

  it('see their own writes, which others see at the commit', () => {
    expect(savings(sent(0), written(10, within), sent(12, within), ended(1, 9, 20))).toEqual(NONE)
    expect(savings(sent(0), written(10, within), sent(15, { scope: 2 }), ended(1, 9, 20))).toEqual({
      ...NONE,
      cached: 1,
    })
    expect(savings(sent(0), written(10, within), ended(1, 9, 20), sent(30))).toEqual(NONE)
    const rolledBack = ended(1, 9, 20, { isRolledBack: true })
    expect(savings(sent(0), written(10, within), rolledBack, sent(30))).toEqual({ ...NONE, cached: 1 })
  })
})
