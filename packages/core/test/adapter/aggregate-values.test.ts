import { describe, expect, it } from 'vitest'
import { emptyTotals, isExactAggregate } from '../../src/adapter/aggregate-values.ts'

describe('emptyTotals', () => {
  it('has the form of the sample', () => {
    expect(emptyTotals({ n: '12', s: 5 }, [true, false])).toStrictEqual({ n: '0', s: null })
    expect(emptyTotals([12, 5n, 'a'], [true, true, false])).toStrictEqual([0, 0n, null])
    const bare = Object.assign(Object.create(null) as object, { n: 1 })
    expect(Object.getPrototypeOf(emptyTotals(bare, [true]))).toBeNull()
    expect(emptyTotals(JSON.parse('{"__proto__":"3"}'), [true])).toStrictEqual(
      JSON.parse('{"__proto__":"0"}'),
    )
  })

  it.each([
    [{ n: { count: 1 } }],
    [{ n: '1.00' }],
    [{ n: '0x1' }],
    [{ n: new Date(0) }],
    [{ n: 1, m: 2 }],
    [{}],
  ])('is unknown for a sample of another form: %j', (sample) => {
    expect(emptyTotals(sample, [true])).toBeUndefined()
  })
})

describe('isExactAggregate', () => {
  it('is false if the order of the rows matters', () => {
    expect(isExactAggregate('count', ['json'], 'mysql')).toBe(true)
    expect(isExactAggregate('sum', ['float'], 'postgresql')).toBe(false)
    expect(isExactAggregate('avg', ['decimal'], 'postgresql')).toBe(true)
    expect(isExactAggregate('avg', ['decimal'], 'sqlite')).toBe(false)
    expect(isExactAggregate('max', ['text'], 'postgresql')).toBe(true)
    expect(isExactAggregate('max', ['text'], 'mysql')).toBe(false)
    expect(isExactAggregate('min', ['collated'], 'postgresql')).toBe(false)
    expect(isExactAggregate('min', [undefined], 'postgresql')).toBe(false)
  })
})
