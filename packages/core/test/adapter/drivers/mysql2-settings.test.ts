import { describe, expect, it } from 'vitest'
import { Mysql2Conversions, mysql2Settings } from '../../../src/adapter/drivers/mysql2-settings.ts'

const options = () => ({ dateStrings: false, typeCast: true as unknown, timezone: 'local' })

describe('Mysql2Conversions', () => {
  it('identifies changed options as different', () => {
    const used = options()
    const conversions = new Mysql2Conversions(() => [used])
    const [before, shared] = [conversions.current(), conversions.shared()]
    used.dateStrings = true
    expect(conversions.current()).not.toBe(before)
    expect(conversions.shared()).not.toBe(shared)
    expect(new Mysql2Conversions(() => [used]).shared()).toBe(conversions.shared())
  })

  it('does not identify connections that differ from each other', () => {
    const [one, other] = [options(), options()]
    const conversions = new Mysql2Conversions(() => [one, other])
    expect(conversions.current()).toBeTypeOf('string')
    other.dateStrings = true
    expect(conversions.current()).toBeUndefined()
  })

  it('does not identify in every process a function that uses a variable', () => {
    const prefix = String(options().timezone)
    const used = { ...options(), typeCast: (field: string) => prefix + field }
    expect(new Mysql2Conversions(() => [used]).shared()).toBeUndefined()
  })
})

describe('mysql2Settings', () => {
  it('does not identify a function in a list', () => {
    expect(mysql2Settings({ flags: ['a'] })).toBeTypeOf('string')
    expect(mysql2Settings({ flags: [() => 'a'] })).toBeUndefined()
  })
})
