import { describe, expect, it } from 'vitest'
import { BodyLog, canonicalJson, compareBodies, jsonDifference } from '../../src/bench/body-log.ts'

describe('jsonDifference', () => {
  it.each([
    [{ rows: [{ id: 1, name: 'a' }] }, { rows: [{ name: 'b', id: 1 }] }, '$.rows[0].name', '"a"', '"b"'],
    [{ a: 1 }, { a: 1, b: null }, '$.b', undefined, 'null'],
    [[1, 2], [1], '$[1]', '2', undefined],
    [[], {}, '$', '[]', '{}'],
    [{ 'x y': 1 }, { 'x y': '1' }, '$["x y"]', '1', '"1"'],
  ])('finds where %j and %j differ', (left, right, path, first, second) => {
    expect(jsonDifference(left, right)).toEqual({ path, left: first, right: second })
  })

  it('ignores the order of properties', () => {
    expect(jsonDifference({ a: 1, b: { c: [1], d: 2 } }, { b: { d: 2, c: [1] }, a: 1 })).toBeUndefined()
  })
})

describe('canonicalJson', () => {
  it('is the same for equal values, and different when the order of an array differs', () => {
    expect(canonicalJson({ b: 1, a: { d: 1, c: 2 } })).toBe(canonicalJson({ a: { c: 2, d: 1 }, b: 1 }))
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]))
  })

  it('omits the ignored paths', () => {
    const value = { meta: { at: 1, of: 2 }, rows: [{ id: 1, seenAt: 5 }] }
    expect(canonicalJson(value, ['$.meta.at', 'rows.*.seenAt'])).toBe('{"meta":{"of":2},"rows":[{"id":1}]}')
    expect(canonicalJson(value, ['rows[0].id'])).toContain('"rows":[{"seenAt":5}]')
  })
})

const log = (
  bodies: readonly unknown[],
  ignored: readonly string[] = [],
  type = 'application/json; charset=utf-8',
) => {
  const made = new BodyLog(ignored)
  for (const body of bodies)
    made.add(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), type)
  return made
}

describe('compareBodies', () => {
  it('counts responses that the other side never returned, and finds the first difference', () => {
    const right = { rows: [{ name: 'Geneva' }] }
    const wrong = { rows: [{ name: 'Genf' }] }
    expect(compareBodies(log([right, wrong, wrong, right]), log([right, right]))).toEqual({
      kind: 'different',
      different: 2,
      of: 4,
      at: { path: '$.rows[0].name', left: '"Genf"', right: '"Geneva"' },
    })
  })

  it('compares JSON regardless of property order, and other content by bytes', () => {
    expect(compareBodies(log(['{"a":1,"b":2}']), log(['{ "b": 2, "a": 1 }']))).toEqual({
      kind: 'equal',
      of: 1,
    })
    expect(compareBodies(log(['a b'], [], 'text/plain'), log(['a  b'], [], 'text/plain'))).toMatchObject({
      kind: 'different',
      different: 1,
    })
  })

  it('does not compare when the responses of the other side differ, and reports the path', () => {
    expect(compareBodies(log([{ at: 3 }]), log([{ at: 1 }, { at: 2 }]))).toMatchObject({
      kind: 'varying',
      at: { path: '$.at' },
    })
    expect(compareBodies(log([{ at: 3 }], ['at']), log([{ at: 1 }, { at: 2 }], ['at']))).toEqual({
      kind: 'equal',
      of: 1,
    })
  })

  it('counts bodies beyond the limit of distinct ones as different', () => {
    const many = Array.from({ length: 200 }, (_, at) => ({ at }))
    expect(compareBodies(log(many), log([{ at: -1 }]))).toMatchObject({
      kind: 'different',
      different: 200,
      of: 200,
    })
  })
})
