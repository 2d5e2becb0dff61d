import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { ValueCodec } from '../../packages/core/src/cache/stores/kit/entry-codec.ts'
import { Prisma } from '../generated/sqlite/client/client.ts'

const { Decimal } = Prisma
const codec = new ValueCodec(Packr)

const through = (value: unknown): unknown => {
  const packed = codec.pack(value)
  if (packed === undefined) throw new Error('The value was refused.')
  return codec.unpack(packed, { Decimal })
}

const text = fc.string({ unit: 'binary' })
const leaf = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
  fc.boolean(),
  fc.constantFrom(null, undefined, -0, Number.NaN),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array(),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.tuple(fc.bigInt(), fc.nat(40)).map(([digits, scale]) => new Decimal(`${digits}e-${scale}`)),
)
const name = fc
  .oneof(text, fc.constantFrom('id', 'name', 'constructor', 'toString', 'length', '0', '1'))
  .filter((one) => one !== '__proto__')
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    tie('fields'),
    tie('items'),
    tie('map'),
    tie('set'),
    tie('rows'),
  ),
  fields: fc.dictionary(name, tie('any'), { noNullPrototype: false }),
  items: fc.array(tie('any')),
  map: fc.array(fc.tuple(tie('any'), tie('any'))).map((pairs) => new Map(pairs)),
  set: fc.array(tie('any')).map((items) => new Set(items)),
  rows: fc.array(
    fc.record(
      { id: fc.integer(), at: fc.date({ noInvalidDate: true }), name: text, extra: leaf },
      { requiredKeys: ['id', 'name'] },
    ),
  ),
})).any

describe('value codec', () => {
  it('returns every value exactly', () => {
    fc.assert(
      fc.property(value, (one) => {
        assert.deepStrictEqual(through(one), one)
      }),
      { numRuns: 2_000, seed: 20_261 },
    )
  })

  it('returns many rows of many shapes', () => {
    const rows = Array.from({ length: 500 }, (_, id) => ({
      id,
      [`column${id % 97}`]: id,
      list: [{ [`deep${id % 41}`]: -id }],
    }))
    expect(through(rows)).toStrictEqual(rows)
  })

  it('distinguishes a Buffer from other bytes, and zero from negative zero', () => {
    const one = [Buffer.from([1]), new Uint8Array([1]), 0, -0, { a: -0 }]
    const back = through(one) as typeof one
    expect([back[0], back[1]].map((item) => Buffer.isBuffer(item))).toEqual([true, false])
    expect(back.slice(2)).toStrictEqual([0, -0, { a: -0 }])
  })

  it('keeps the order of fields', () => {
    const fields = { z: 1, a: 2, m: { y: 1, b: 2 } }
    expect(JSON.stringify(through(fields))).toBe(JSON.stringify(fields))
  })

  it('creates values that share no memory with the bytes', () => {
    const packed = codec.pack({ bytes: Buffer.from([1, 2]), others: new Uint8Array([3]) })
    if (packed === undefined) throw new Error('refused')
    const first = codec.unpack(packed) as { bytes: Buffer; others: Uint8Array }
    first.bytes[0] = 9
    first.others[0] = 9
    expect(codec.unpack(packed)).toStrictEqual({ bytes: Buffer.from([1, 2]), others: new Uint8Array([3]) })
  })

  it.each([
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a name', { '\udfff': 1 }],
    ['a field called __proto__', JSON.parse('{"__proto__": 1}')],
    ['a function', { a: () => {} }],
    ['a symbol', [Symbol('a')]],
    ['an instance of a class', [new (class City {})()]],
    ['an error', new Error('a')],
    ['a regular expression', /a/],
    ['a typed array of another kind', new Float32Array(1)],
    ['an ArrayBuffer', new ArrayBuffer(1)],
    ['a boxed number', Object(1)],
    // biome-ignore lint/suspicious/noSparseArray: the hole is the point
    ['a hole', [1, , 2]],
    ['a subclass of Date', new (class extends Date {})()],
    ['a subclass of Map', new (class extends Map {})()],
  ])('rejects %s', (_, one) => {
    expect(codec.pack(one)).toBeUndefined()
    expect(codec.pack({ deep: [one] })).toBeUndefined()
  })

  it('rejects cycles and values that are nested too deeply', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    let deep: unknown = 1
    for (let level = 0; level < 100; level += 1) deep = [deep]
    expect(codec.pack(cycle)).toBeUndefined()
    expect(codec.pack(deep)).toBeUndefined()
  })

  it('returns decimals with all digits and the sign of zero', () => {
    const texts = [
      '0.1000000000000000055511151231257827',
      '-12345678901234567890.12',
      '1e-30',
      '1e+40',
      '-0',
      'NaN',
      'Infinity',
      '-Infinity',
    ]
    const decimals = texts.map((one) => new Decimal(one))
    const back = through(decimals) as InstanceType<typeof Decimal>[]
    expect(back.map((one) => one.valueOf())).toEqual(decimals.map((one) => one.valueOf()))
    expect(back[0]).toBeInstanceOf(Decimal)
  })

  it('throws for a decimal if its class is unknown', () => {
    const packed = codec.pack([new Decimal('1.5')])
    expect(() => packed && codec.unpack(packed)).toThrow('no class for decimals')
  })
})
