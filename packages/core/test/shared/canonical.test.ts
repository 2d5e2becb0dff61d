import { describe, expect, it } from 'vitest'
import { canonicalKey } from '../../src/shared/canonical.ts'

class Decimal {
  s = 1
  e = 0
  d = [1]
  constructor(private readonly text: string) {}
  toFixed() {
    return this.text
  }
}

describe('canonicalKey', () => {
  it('does not depend on the order of fields', () => {
    expect(canonicalKey({ b: { d: 1, c: 2 }, a: [1] })).toBe(canonicalKey({ a: [1], b: { c: 2, d: 1 } }))
  })

  it('distinguishes values of different types and structures', () => {
    const values = [
      1,
      '1',
      1n,
      true,
      'true',
      null,
      'null',
      undefined,
      'undefined',
      0,
      -0,
      Number.NaN,
      'NaN',
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      new Date(1),
      new Date(Number.NaN),
      'Date(1)',
      Buffer.from('1'),
      Buffer.alloc(0),
      'Bytes(MQ==)',
      new Decimal('1'),
      new Decimal('NaN'),
      'Decimal(1)',
      [],
      {},
      [1],
      ['1'],
      [[1]],
      [1, 2],
      [[1], 2],
      [undefined],
      [null],
      { a: 1 },
      { a: '1' },
      { a: null },
      { a: { b: 1 } },
      { a: {}, b: 1 },
      '{}',
      '',
      { 'a":1,"b': 1 },
      { a: 1, b: 1 },
      'a',
      '"a"',
      '\ud800',
      '\\ud800',
      [''],
      ['', ''],
      [','],
    ]
    const keys = values.map((value) => canonicalKey(value))
    expect(keys).not.toContain(undefined)
    expect(new Set(keys).size).toBe(values.length)
  })

  it('returns equal keys for equal bytes and for objects without a prototype', () => {
    expect(canonicalKey(new Uint8Array([0, 1, 2]).subarray(1))).toBe(canonicalKey(Buffer.from([1, 2])))
    expect(canonicalKey(Object.assign(Object.create(null), { a: 1 }))).toBe(canonicalKey({ a: 1 }))
  })

  it('omits undefined fields by default', () => {
    expect(canonicalKey({ a: undefined, b: 1 })).toBe(canonicalKey({ b: 1 }))
    expect(canonicalKey({ a: undefined, b: 1 }, { dropUndefined: false })).not.toBe(
      canonicalKey({ b: 1 }, { dropUndefined: false }),
    )
  })

  it('keeps a field named __proto__', () => {
    expect(canonicalKey(JSON.parse('{"__proto__": 1}'))).not.toBe(canonicalKey({}))
  })

  const cycle: unknown[] = []
  cycle.push(cycle)
  let deep: unknown = 1
  for (let depth = 0; depth < 66; depth++) deep = [deep]
  it.each<[string, unknown]>([
    ['a function', () => 1],
    ['a symbol', Symbol('a')],
    ['a symbol key', { [Symbol('a')]: 1 }],
    ['a class instance', new (class City {})()],
    ['a class that is only called Decimal', new (class Decimal {})()],
    ['a map', new Map()],
    ['a regular expression', /a/],
    ['a subclass of Date', new (class Day extends Date {})()],
    ['a hole', new Array(1)],
    ['a cycle', cycle],
    ['more than 64 levels', deep],
  ])('returns no key for %s', (_, value) => {
    expect(canonicalKey(value)).toBeUndefined()
    expect(canonicalKey({ where: [value] })).toBeUndefined()
  })

  it('distinguishes random values exactly if their contents differ', () => {
    let seed = 11
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return Math.floor((seed / 2 ** 31) * below)
    }
    const leaves = [0, 1, '0', '1', '', '"', ',', ':', 'a', true, null]
    const value = (depth: number): unknown => {
      if (depth === 0 || random(3) === 0) return leaves[random(leaves.length)]
      const items = Array.from({ length: random(3) }, () => value(depth - 1))
      return random(2) === 0
        ? items
        : Object.fromEntries(items.map((item, index) => [leaves[2 + ((index + random(7)) % 7)], item]))
    }
    const ordered = (one: unknown): unknown => {
      if (Array.isArray(one)) return one.map(ordered)
      if (typeof one !== 'object' || one === null) return one
      return {
        fields: Object.entries(one)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, field]) => [name, ordered(field)]),
      }
    }
    const texts = new Map<string, string>()
    for (let round = 0; round < 5_000; round++) {
      const one = value(3)
      const key = canonicalKey(one) as string
      const text = JSON.stringify(ordered(one))
      expect(texts.get(key) ?? text).toBe(text)
      texts.set(key, text)
    }
    expect(new Set(texts.values()).size).toBe(texts.size)
    expect(texts.size).toBeGreaterThan(500)
  })
})
