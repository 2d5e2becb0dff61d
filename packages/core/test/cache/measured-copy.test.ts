import { describe, expect, it } from 'vitest'
import { estimateBytes } from '../../src/cache/estimate-bytes.ts'
import { measuredCopy } from '../../src/cache/measured-copy.ts'
import { copyValue, isCopyable } from '../../src/shared/copy.ts'

class Decimal {
  s = 1
  e = 0
  d = [1]
  toFixed() {
    return '1'
  }
}

const decimal = Object.assign(new Decimal(), {})
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
const cycle: unknown[] = []
cycle.push(cycle)
const withAccessor = Object.defineProperty({}, 'a', { get: () => 1, enumerable: true })
const hidden = Object.defineProperty({ a: 1 }, 'b', { value: 2 })
const wide = Object.fromEntries(Array.from({ length: 140 }, (_, at) => [`field${at}`, at]))

const values: readonly (readonly [name: string, value: unknown])[] = [
  ['a string', 'Łódź'],
  ['a number', 1.5],
  ['undefined', undefined],
  ['a row', { id: 1, name: 'Ada', big: 10n ** 30n, none: null, absent: undefined, at: new Date(5) }],
  [
    'rows',
    [
      { id: 1, tags: ['a', ['b']] },
      { id: 2, tags: [] },
    ],
  ],
  ['numbers', [1, 2.5, 3]],
  ['a row without a prototype', Object.assign(Object.create(null), { id: 1 })],
  ['a row with a field named __proto__', JSON.parse('{"__proto__":{"a":1}}')],
  ['bytes', [Buffer.from('abc'), new Uint8Array(20), Buffer.alloc(10_000)]],
  ['a map and a set', [new Map([[{ k: 1 }, [2]]]), new Set(['a', { b: 1 }])]],
  ['a decimal', { price: decimal }],
  ['64 levels', nested(64)],
  ['65 levels', nested(66)],
  ['a cycle', cycle],
  ['a function', { run: () => 1 }],
  ['a symbol', [Symbol('a')]],
  ['an accessor', withAccessor],
  ['a hidden field', hidden],
  ['a symbol key', { [Symbol('a')]: 1 }],
  ['a sparse array', new Array(3)],
  ['an extended array', Object.assign([1], { extra: 1 })],
  ['an instance', new (class Row {})()],
  ['an extended date', Object.assign(new Date(), { extra: 1 })],
]

describe('measuredCopy', () => {
  it.each(values)('copies as exactly as copyValue, or not at all: %s', (_, value) => {
    const copied = measuredCopy(value)
    expect(copied !== undefined).toBe(isCopyable(value))
    if (copied !== undefined) expect(copied.value).toStrictEqual(copyValue(value))
  })

  it.each(values)('measures what estimateBytes estimates: %s', (_, value) => {
    const copied = measuredCopy(value)
    if (copied !== undefined) expect(copied.bytes).toBe(estimateBytes(copied.value))
  })

  it('shares no object with the value, except for decimals', () => {
    const value = { row: { tags: ['a'], at: new Date(0) }, price: decimal }
    const copied = measuredCopy(value)?.value
    expect(copied?.row).not.toBe(value.row)
    expect(copied?.row.tags).not.toBe(value.row.tags)
    expect(copied?.row.at).not.toBe(value.row.at)
    expect(copied?.price).toBe(decimal)
  })

  it('measures every field and every item of a large value', () => {
    expect((measuredCopy(wide)?.bytes ?? 0) / estimateBytes(wide)).toBeCloseTo(1, 1)
    const rows = (count: number) => Array.from({ length: count }, (_, id) => ({ id, name: 'x'.repeat(80) }))
    const [few, many] = [measuredCopy(rows(100))?.bytes ?? 0, measuredCopy(rows(10_000))?.bytes ?? 0]
    expect(many / few).toBeCloseTo(100, 0)
  })

  it('reads no property that a polluted prototype adds', () => {
    const polluted = Object.prototype as Record<string, unknown>
    polluted.added = { a: 1 }
    try {
      expect(Object.keys(measuredCopy({ id: 1 })?.value ?? {})).toEqual(['id'])
    } finally {
      delete polluted.added
    }
  })
})
