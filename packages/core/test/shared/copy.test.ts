import { describe, expect, it } from 'vitest'
import { copyValue, isCopyable } from '../../src/shared/copy.ts'

class Decimal {
  s = 1
  e = 0
  d = [1]
  toFixed() {
    return '1'
  }
}

const row = () => ({
  id: 1,
  name: 'Ada',
  big: 10n,
  none: null,
  absent: undefined,
  when: new Date(5),
  bytes: new Uint8Array([1, 2]),
  buffer: Buffer.from('abc'),
  posts: [{ id: 1, tags: ['a', ['b']] }, null, 3],
  map: new Map([[{ k: 1 }, { v: [1] }]]),
  set: new Set([{ member: 1 }]),
})

describe('copyValue', () => {
  it('returns an equal value that shares nothing', () => {
    const original = row()
    const copy = copyValue(original)
    expect(copy).toEqual(row())
    copy.when.setTime(0)
    copy.bytes[0] = 9
    copy.buffer[0] = 9
    ;(copy.posts[0] as { tags: unknown[] }).tags.push('c')
    for (const [key, value] of copy.map) {
      key.k = 2
      value.v.push(2)
    }
    for (const member of copy.set) member.member = 2
    expect(original).toEqual(row())
  })

  it('copies a Buffer as a Buffer, and bytes as bytes', () => {
    const { buffer, bytes } = copyValue(row())
    expect(Buffer.isBuffer(buffer)).toBe(true)
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
  })

  it('keeps the order of fields, and fields that are undefined', () => {
    expect(Object.keys(copyValue(row()))).toEqual(Object.keys(row()))
  })

  it('keeps a missing prototype', () => {
    const copy = copyValue(Object.assign(Object.create(null), { inner: { a: 1 } }))
    expect(Object.getPrototypeOf(copy)).toBeNull()
    expect(copy.inner).toEqual({ a: 1 })
  })

  it('copies a field named __proto__ as a field', () => {
    const original = JSON.parse('{"__proto__": {"admin": true}}')
    const copy = copyValue(original)
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
    expect(JSON.stringify(copy)).toBe(JSON.stringify(original))
    expect(Object.values(copy)[0]).not.toBe(Object.values(original)[0])
  })

  it('copies nothing from a polluted prototype', () => {
    const polluted = Object.prototype as { pollution?: object }
    polluted.pollution = { bad: true }
    try {
      expect(Object.keys(copyValue({ a: 1 }))).toEqual(['a'])
    } finally {
      delete polluted.pollution
    }
  })

  it('shares class instances and functions', () => {
    const original = { amount: new Decimal(), run: () => 1 }
    const copy = copyValue(original)
    expect(copy).not.toBe(original)
    expect(copy.amount).toBe(original.amount)
    expect(copy.run).toBe(original.run)
  })
})

describe('isCopyable', () => {
  it('accepts values that are copied exactly', () => {
    expect(isCopyable([row(), new Decimal(), Object.create(null), 'text', undefined])).toBe(true)
  })

  const cycle: unknown[] = []
  cycle.push(cycle)
  const extended = Object.assign([1], { extra: 1 })
  const accessor = {
    get a() {
      return 1
    },
  }
  const hidden = Object.defineProperty({}, 'a', { value: 1, enumerable: false })
  it.each<[string, unknown]>([
    ['a function', { a: () => 1 }],
    ['a symbol', [Symbol('a')]],
    ['a symbol key', { [Symbol('a')]: 1 }],
    ['an accessor', accessor],
    ['a hidden field', hidden],
    ['a class instance', new (class City {})()],
    ['a class that is only called Decimal', new (class Decimal {})()],
    ['a regular expression', /a/],
    ['an error', new Error('a')],
    ['a date with more on it', Object.assign(new Date(), { extra: 1 })],
    ['a subclass of Array', new (class Rows extends Array {})()],
    ['a subclass of Map', new (class Rows extends Map {})()],
    ['a sparse array', new Array(2)],
    ['a sparse array with a name', Object.assign(new Array(1), { name: 1 })],
    ['an extended array', extended],
    ['a cycle', cycle],
    ['a map of something else', new Map([[1, () => 1]])],
    ['a set of something else', new Set([/a/])],
  ])('rejects %s', (_, value) => {
    expect(isCopyable({ nested: value })).toBe(false)
  })
})
