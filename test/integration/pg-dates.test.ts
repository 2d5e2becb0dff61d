import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bindsDate, dateFormOf, valueMapperOf } from '../../packages/core/src/adapter/drivers/pg-dates.ts'

describe('dateFormOf', () => {
  it('differs while pg sends dates in UTC', () => {
    const mapper = valueMapperOf(new pg.Pool())
    if (mapper === undefined) throw new TypeError('Expected the mapper of pg.')
    const local = dateFormOf(mapper)
    onTestFinished(() => {
      pg.defaults.parseInputDatesAsUTC = false
    })
    pg.defaults.parseInputDatesAsUTC = true
    expect(dateFormOf(mapper)).not.toBe(local)
  })
})

describe('valueMapperOf', () => {
  it('is unknown for another driver', () => {
    expect(valueMapperOf({})).toBeUndefined()
    expect(valueMapperOf({ Client: { Query: class {} } })).toBeUndefined()
  })
})

describe('bindsDate', () => {
  it('finds dates in lists', () => {
    expect(bindsDate([1, [['a', new Date(0)]]])).toBe(true)
    expect(bindsDate([1, ['2020-01-01'], null])).toBe(false)
  })
})
