import { describe, expect, it } from 'vitest'
import { boundOf, estimateYield, savedOf, sumOfYields } from '../../src/yield/yield-report.ts'
import { ended, read, sent, traceOf, written } from './traced.ts'

const ALONE = { batch: 'NOT_BY_KEY' }

describe('estimateYield', () => {
  it('counts the statements of a read that is saved', () => {
    const twoStatements = (id: number, at: number) => [
      ...read(id, at, ALONE),
      sent(at, { operation: id, key: 'second', query: 2 }),
    ]
    const report = estimateYield(traceOf(twoStatements(1, 0), twoStatements(2, 10)))
    expect(report).toMatchObject({
      statements: 4,
      operations: 2,
      optimize: { cached: 2 },
      ideal: { cached: 2 },
    })
    expect([savedOf(report), boundOf(report), report.durationMs]).toEqual([2, 2, 11])
  })

  it('counts from a time on', () => {
    const trace = traceOf(read(1, 0, ALONE), read(2, 10, ALONE), read(3, 20, ALONE))
    expect(estimateYield(trace, 5)).toMatchObject({ statements: 2, optimize: { cached: 2 } })
  })

  it('counts BEGIN and COMMIT', () => {
    const trace = traceOf(read(1, 0), sent(10, { transaction: 1 }), ended(1, 9, 12))
    expect(estimateYield(trace)).toMatchObject({ statements: 4, ideal: { cached: 1, frames: 2 } })
  })

  it('returns what a longer time to live would save', () => {
    const trace = traceOf(read(1, 0, ALONE), read(2, 5_000, ALONE), read(3, 30_000, ALONE))
    const { ttl, byTtl, optimize, ideal } = estimateYield(trace)
    expect([ttl, optimize.cached, ideal.cached, ideal.cachedWithinTtl]).toEqual([1, 0, 2, 0])
    expect(byTtl).toEqual([
      { ttl: 10, saved: 1 },
      { ttl: 60, saved: 2 },
    ])
  })

  it('lists the reasons for statements that are not saved, with advice and examples', () => {
    const inTransaction = { cache: 'IN_TRANSACTION', batch: 'IN_TRANSACTION', sent: { transaction: 1 } }
    const trace = traceOf(
      read(1, 0, ALONE),
      read(2, 10, inTransaction),
      read(3, 20, inTransaction),
      ended(1, 9, 25),
      read(4, 2_000, ALONE),
      read(5, 3_000, { key: 'b', scope: 2, batch: 'NO_KEY_FIELD' }),
      read(6, 3_010, { key: 'c', scope: 2, batch: 'NO_KEY_FIELD' }),
      read(7, 4_000, { key: 'd', scope: 3, batch: { group: 'x', maxKeys: 9 } }),
      read(8, 4_010, { key: 'e', scope: 3, batch: { group: 'x', maxKeys: 9 } }),
      sent(5_000, { key: 'raw', query: 2 }),
      sent(5_010, { key: 'raw', query: 2 }),
      sent(5_020, { key: 'raw', query: 2, refused: 'SYNCHRONOUS_CLIENT' }),
    )
    const { missed } = estimateYield(trace)
    expect(missed.map(({ reason, statements }) => [reason, statements])).toEqual([
      ['cache:IN_TRANSACTION', 2],
      ['TRANSACTION_FRAME', 2],
      ['cache:TTL_EXPIRED', 1],
      ['batch:NO_KEY_FIELD', 1],
      ['batch:SEQUENTIAL', 1],
      ['RAW_STATEMENT', 1],
      ['SYNCHRONOUS_CLIENT', 1],
    ])
    expect(missed[0]).toEqual({
      reason: 'cache:IN_TRANSACTION',
      text: 'Not cached: In a transaction',
      advice: expect.stringContaining('Read outside the transaction'),
      page: 'recipes/not-cached',
      statements: 2,
      examples: [{ label: 'SELECT city by id', statements: 2 }],
    })
  })

  it('attributes a write to another table of a read to that read', () => {
    const cache = { key: 'a', tags: ['public.city#set', 'public.region#set'], ttlMs: 1_000 }
    const trace = traceOf(
      read(1, 0, { ...ALONE, cache }),
      written(10, { wrote: ['public.region#set'] }),
      read(2, 20, { ...ALONE, cache }),
    )
    expect(estimateYield(trace).missed).toMatchObject([{ reason: 'cache:INVALIDATED', statements: 1 }])
    const different = { ...ALONE, cache: { ...cache, key: 'b' }, sent: { key: 'a' } }
    expect(estimateYield(traceOf(read(1, 0, ALONE), read(2, 5, different))).missed).toMatchObject([
      { reason: 'cache:PART_OF_DIFFERENT_READ' },
    ])
  })
})

describe('sumOfYields', () => {
  it('adds up processes', () => {
    const one = estimateYield(traceOf(read(1, 0, ALONE), read(2, 10, ALONE), read(3, 5_000, ALONE)))
    const other = estimateYield(traceOf(read(1, 0, ALONE), read(2, 9_000, ALONE)))
    const sum = sumOfYields([one, other])
    expect(sum).toMatchObject({
      durationMs: 9_001,
      statements: 5,
      operations: 5,
      ideal: { cached: 3, cachedWithinTtl: 1 },
      optimize: { cached: 1 },
      byTtl: [
        { ttl: 10, saved: 3 },
        { ttl: 60, saved: 3 },
      ],
    })
    expect(sum?.missed).toEqual([
      expect.objectContaining({
        reason: 'cache:TTL_EXPIRED',
        statements: 2,
        examples: [{ label: 'SELECT city by id', statements: 2 }],
      }),
    ])
    expect([sumOfYields([one]), sumOfYields([])]).toEqual([one, undefined])
  })
})
