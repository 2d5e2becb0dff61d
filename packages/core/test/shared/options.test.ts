import { describe, expect, it } from 'vitest'
import { InvalidOptionError } from '../../src/shared/errors.ts'
import { checkOptions, option } from '../../src/shared/options.ts'

describe('checkOptions', () => {
  const rules = { maxBytes: option.integer(1), ttl: option.positive }

  it('suggests the most similar option, and lists all', () => {
    expect(() => checkOptions({ maxByte: 1 }, rules, 'cache.')).toThrow(
      'Unknown option "cache.maxByte". Did you mean "cache.maxBytes"? Known options: maxBytes, ttl.',
    )
  })

  it('suggests nothing if no option is similar', () => {
    expect(() => checkOptions({ colour: 1 }, rules)).toThrow(
      expect.objectContaining({
        code: 'SLUICE_INVALID_OPTION',
        option: 'colour',
        message: 'Unknown option "colour". Known options: maxBytes, ttl.',
      }),
    )
  })

  it('treats undefined as an option that is not set', () => {
    expect(() => checkOptions({ ttl: undefined }, rules)).not.toThrow()
  })

  it('rejects undefined for an option that protects something', () => {
    const guarded = { token: option.protection(option.oneOf('abc')) }
    expect(() => checkOptions({}, guarded)).not.toThrow()
    expect(() => checkOptions({ token: undefined }, guarded)).toThrow(
      'Option "token": expected "abc", got undefined. Check that its environment variable is set.',
    )
  })

  it('does not print the value of an option that protects something', () => {
    const check = () => checkOptions({ token: 'hunter2' }, { token: option.protection(option.oneOf('abc')) })
    expect(check).toThrow(InvalidOptionError)
    expect(check).toThrow('got a string of 7 characters.')
  })
})
