import { describe, expect, it } from 'vitest'
import { checkJson } from '../../src/shared/check-json.ts'

const nested = (levels: number): unknown => (levels === 0 ? 1 : { in: nested(levels - 1) })
const refusal = expect.objectContaining({ code: 'SLUICE_INVALID_ARGUMENT' })

describe('checkJson', () => {
  it.each([
    1,
    'text',
    null,
    [],
    {},
    { a: [1, { b: null }] },
    { constructor: 'Ferrari' },
    { constructor: { name: 'Ferrari' } },
    nested(5),
  ])('accepts %j', (value) => {
    expect(() => checkJson('data', value, 5)).not.toThrow()
  })

  it('rejects one level more than the maximum', () => {
    expect(() => checkJson('data', nested(6), 5)).toThrow(refusal)
  })

  it('handles values nested deeper than the call stack', () => {
    let value: unknown = 1
    for (let level = 0; level < 100_000; level += 1) value = [value]
    expect(() => checkJson('data', value, 100)).toThrow('at most 100 levels')
  })

  it.each(['{"__proto__":{"isAdmin":true}}', '{"a":[{"constructor":{"prototype":{"isAdmin":true}}}]}'])(
    'rejects %s',
    (text) => {
      expect(() => checkJson('data', JSON.parse(text), 20)).toThrow(refusal)
    },
  )

  it('rejects more than 100,000 values', () => {
    expect(() =>
      checkJson(
        'data',
        Array.from({ length: 100_001 }, () => 1),
        20,
      ),
    ).toThrow('at most 100000 values')
  })
})
