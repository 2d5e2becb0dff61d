import { type LookupKey, lookupKey, splitRows } from '@sluice/core'
import { describe, expect, it } from 'vitest'

const keys = (...values: unknown[]): LookupKey[] => values.flatMap((value) => lookupKey(Array.isArray(value) ? value : [value]) ?? [])
const split = (rows: unknown[], ...asked: unknown[]) =>
  splitRows(
    rows.map((k) => ({ k })),
    keys(...asked),
    (row) => [row.k],
  )

describe('lookupKey', () => {
  it('takes integers, whatever type brings them, for one key', () => {
    expect(lookupKey([7])?.text).toBe(lookupKey([7n])?.text)
  })

  it('keeps a text apart from the integer it spells', () => {
    expect(lookupKey(['7'])?.text).not.toBe(lookupKey([7])?.text)
  })

  it.each([[null], [undefined], [1.5], [-0], [Number.NaN], [2 ** 60], [true], [new Date(0)], [Buffer.from('a')], [{ in: [1] }]])(
    'never merges %s',
    (value) => {
      expect(lookupKey([value])).toBeUndefined()
    },
  )

  it('keeps compound keys apart that join to one text', () => {
    expect(lookupKey(['a', 'b,c'])?.text).not.toBe(lookupKey(['a,b', 'c'])?.text)
  })

  it('never merges a compound key with a null in it', () => {
    expect(lookupKey([1, null])).toBeUndefined()
  })
})

describe('splitRows', () => {
  it('keeps the order of rows within each key', () => {
    const rows = [
      { k: 2, n: 1 },
      { k: 1, n: 2 },
      { k: 2, n: 3 },
    ]
    const groups = splitRows(rows, keys(1, 2), (row) => [row.k])
    expect([...(groups ?? [])]).toEqual([
      ['i1', [{ k: 1, n: 2 }]],
      [
        'i2',
        [
          { k: 2, n: 1 },
          { k: 2, n: 3 },
        ],
      ],
    ])
  })

  it('gives a key without rows none', () => {
    expect(split([1], 1, 9)?.get('i9')).toEqual([])
  })

  it('is unsure when a row belongs to no key', () => {
    expect(split(['a', 'B'], 'a', 'b')).toBeUndefined()
    expect(split([null], 1)).toBeUndefined()
  })

  it('knows integers that a driver writes as text', () => {
    expect(split(['7', '8'], 7, 8)?.get('i7')).toHaveLength(1)
    expect(split([7n], 7)?.get('i7')).toHaveLength(1)
  })

  it('is unsure of a text that a number matched by value', () => {
    expect(split(['07'], 7)).toBeUndefined()
    expect(split(['7abc'], 7)).toBeUndefined()
  })

  it('traces numbers back to texts only where all are written as numbers are', () => {
    expect(split([7, 8], '7', '8')?.get('s7')).toHaveLength(1)
    expect(split([7], '7', '07')).toBeUndefined()
  })
})
