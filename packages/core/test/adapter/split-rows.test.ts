import {
  keyKinds,
  keyRefusal,
  type LookupKey,
  lookupKey,
  splitRows,
  typedKeyText,
} from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'

const keys = (...values: unknown[]): LookupKey[] =>
  values.flatMap((value) => lookupKey(Array.isArray(value) ? value : [value]) ?? [])
const split = (rows: unknown[], ...asked: unknown[]) =>
  splitRows(
    rows.map((k) => ({ k })),
    keys(...asked),
    (row) => [row.k],
  )

describe('lookupKey', () => {
  it('returns one key for an integer of any type', () => {
    expect(lookupKey([7])?.text).toBe(lookupKey([7n])?.text)
  })

  it('distinguishes a string from the integer that it spells', () => {
    expect(lookupKey(['7'])?.text).not.toBe(lookupKey([7])?.text)
  })

  it.each([
    [null],
    [undefined],
    [1.5],
    [-0],
    [Number.NaN],
    [2 ** 60],
    [true],
    [new Date(0)],
    [Buffer.from('a')],
    [{ in: [1] }],
  ])('never batches %s', (value) => {
    expect(lookupKey([value])).toBeUndefined()
  })

  it('never batches a long string or a string that is not valid Unicode', () => {
    expect(lookupKey(['x'.repeat(1000)])).toBeDefined()
    expect(lookupKey(['x'.repeat(1001)])).toBeUndefined()
    expect(lookupKey(['\ud800'])).toBeUndefined()
    expect(lookupKey(['\ud83d\ude00'])).toBeDefined()
  })

  it('distinguishes composite keys whose joined strings are equal', () => {
    expect(lookupKey(['a', 'b,c'])?.text).not.toBe(lookupKey(['a,b', 'c'])?.text)
  })

  it('never batches a composite key that contains null', () => {
    expect(lookupKey([1, null])).toBeUndefined()
  })
})

describe('keyRefusal', () => {
  it('returns the reason why values are not a key', () => {
    const reasons = [[1, null], ['x'.repeat(1001)], [1.5], ['\ud800']].map(
      (values) => keyRefusal(values).refused,
    )
    expect(reasons).toEqual(['NULL_KEY', 'KEY_TOO_LONG', 'UNSUPPORTED_KEY_TYPE', 'UNSUPPORTED_KEY_TYPE'])
  })
})

describe('typedKeyText', () => {
  const typed = (...values: unknown[]) => lookupKey(values, typedKeyText)

  it('is equal for equal dates, bytes and booleans, and for no others', () => {
    const values = [
      true,
      false,
      1,
      '1',
      new Date(1),
      new Date(2),
      new Uint8Array([1]),
      new Uint8Array([1, 2]),
      new Uint8Array([]),
    ]
    expect(new Set(values.map((value) => typed(value)?.text)).size).toBe(values.length)
    expect(typed(new Date(5))?.text).toBe(typed(new Date(5))?.text)
    expect(typed(Buffer.from([1, 2]))?.text).toBe(typed(new Uint8Array([0, 1, 2]).subarray(1))?.text)
  })

  it('is undefined for invalid dates, fractions and null', () => {
    for (const value of [new Date(Number.NaN), 1.5, null, undefined, {}, []])
      expect(typed(value)).toBeUndefined()
  })

  it('is not used for keys by default', () => {
    for (const value of [true, new Date(1), new Uint8Array([1])]) expect(lookupKey([value])).toBeUndefined()
  })

  it('returns a different kind for each type', () => {
    expect(keyKinds({ values: [1, 2n, 'a', true, new Date(1), new Uint8Array()], text: '' })).toBe('iisbtx')
  })
})

describe('splitRows', () => {
  it('splits by dates, bytes and booleans', () => {
    const asked = (...values: unknown[]): LookupKey[] =>
      values.flatMap((value) => lookupKey([value], typedKeyText) ?? [])
    const own = (values: unknown[], keysAsked: LookupKey[]) =>
      splitRows(values, keysAsked, (value) => [value])
    const bytes = new Uint8Array([1, 2])
    expect(own([Buffer.from([1, 2])], asked(bytes))?.get('xAQI=')).toHaveLength(1)
    expect(own([new Date(7), new Date(7)], asked(new Date(7), new Date(8)))?.get('t7')).toHaveLength(2)
    expect(own([true], asked(true, false))?.get('b1')).toHaveLength(1)
    expect(own([new Date(9)], asked(new Date(7)))).toBeUndefined()
    expect(own([1], asked(true))).toBeUndefined()
  })

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

  it('returns no rows for a key without rows', () => {
    expect(split([1], 1, 9)?.get('i9')).toEqual([])
  })

  it('returns undefined when a row matches no key', () => {
    expect(split(['a', 'B'], 'a', 'b')).toBeUndefined()
    expect(split([null], 1)).toBeUndefined()
  })

  it('recognizes integers that a driver returns as strings', () => {
    expect(split(['7', '8'], 7, 8)?.get('i7')).toHaveLength(1)
    expect(split([7n], 7)?.get('i7')).toHaveLength(1)
  })

  it('returns undefined when a number matched a string by value', () => {
    expect(split(['07'], 7)).toBeUndefined()
    expect(split(['7abc'], 7)).toBeUndefined()
  })

  it('maps numbers to string keys only if all are in canonical form', () => {
    expect(split([7, 8], '7', '8')?.get('s7')).toHaveLength(1)
    expect(split([7], '7', '07')).toBeUndefined()
    expect(split([0], '0', '-0')).toBeUndefined()
  })

  it('returns undefined for a number that may have lost digits', () => {
    expect(split([2 ** 53], '9007199254740992', '9007199254740993')).toBeUndefined()
    expect(split([2 ** 53], 9007199254740992n, 9007199254740993n)).toBeUndefined()
    expect(split([2n ** 53n], '9007199254740992', '9007199254740993')?.get('s9007199254740992')).toHaveLength(
      1,
    )
  })
})
