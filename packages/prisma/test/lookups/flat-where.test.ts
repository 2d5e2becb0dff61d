import { describe, expect, it } from 'vitest'
import { flatWhere } from '../../src/lookups/flat-where.ts'

describe('flatWhere', () => {
  it.each<[string, object, object]>([
    ['a list', { AND: [{ a: 1 }, { b: null, c: { gt: 2 } }] }, { a: 1, b: null, c: { gt: 2 } }],
    ['an object', { a: 1, AND: { b: 2 } }, { a: 1, b: 2 }],
    ['fields that have a condition', { a: 1, AND: [{ a: 2, b: 3 }] }, { a: 1, b: 3, AND: [{ a: 2 }] }],
    ['a field in two members', { AND: [{ a: 1 }, { a: 2 }] }, { a: 1, AND: [{ a: 2 }] }],
    [
      'other combinators',
      { OR: [{ a: 1 }], AND: [{ b: 1, OR: [{ c: 1 }] }, { NOT: { d: 1 } }, { AND: { e: 1 } }] },
      { OR: [{ a: 1 }], b: 1, e: 1, AND: [{ OR: [{ c: 1 }] }, { NOT: { d: 1 } }] },
    ],
    ['undefined values', { AND: [{ a: undefined, b: 1 }] }, { b: 1, AND: [{ a: undefined }] }],
    ['names of built-in properties', { AND: [{ constructor: 1 }] }, { constructor: 1 }],
    ['nested lists', { AND: [{ AND: [] }, { AND: [{ AND: [{ a: 1 }] }, { b: 2 }] }] }, { a: 1, b: 2 }],
    ['a field in two levels', { AND: [{ a: 1 }, { AND: [{ a: 2 }] }] }, { a: 1, AND: [{ a: 2 }] }],
    ['no members', { a: 1, AND: [] }, { a: 1 }],
    [
      'nested values that are not conditions',
      { AND: [{ AND: [null], a: 1 }] },
      { a: 1, AND: [{ AND: [null] }] },
    ],
    ['members that are not conditions', { a: 1, AND: [null] }, { a: 1, AND: [null] }],
  ])('flattens %s', (_name, where, expected) => {
    const before = structuredClone(where)
    expect(flatWhere(where as never)).toStrictEqual(expected)
    expect(where, 'the argument of the app was changed').toStrictEqual(before)
  })
})
