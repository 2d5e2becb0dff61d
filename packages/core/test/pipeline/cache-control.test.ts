import { describe, expect, it } from 'vitest'
import { checkCacheControl } from '../../src/pipeline/cache-control.ts'
import { InvalidOptionError } from '../../src/shared/errors.ts'
import { createSluice } from '../../src/sluice/sluice.ts'

describe('checkCacheControl', () => {
  it('returns a valid control', () => {
    const control = {
      ttl: 0.5,
      swr: 0,
      tags: ['front page'],
      strategy: 'refresh',
      consistency: 'bounded',
      disabled: false,
    }
    expect(checkCacheControl(control, 'cache')).toBe(control)
    expect(checkCacheControl({ ttl: undefined }, 'cache')).toEqual({ ttl: undefined })
  })

  it.each([
    [{ ttl: 0 }, 'cache.ttl', 'a number greater than 0'],
    [{ ttl: '60' }, 'cache.ttl', 'a number greater than 0'],
    [{ swr: -1 }, 'cache.swr', 'a number of at least 0'],
    [{ tags: 'a' }, 'cache.tags', 'an array of strings'],
    [{ tags: [1] }, 'cache.tags', 'an array of strings'],
    [{ strategy: 'network-first' }, 'cache.strategy', '"cache-first" or "refresh"'],
    [{ consistency: 'eventual' }, 'cache.consistency', '"strict" or "bounded"'],
    [{ disabled: 'no' }, 'cache.disabled', 'true or false'],
    [60, 'cache', 'an object'],
    [null, 'cache', 'an object'],
  ])('throws for %j and names the invalid field', (control, field, expected) => {
    const check = () => checkCacheControl(control, 'cache')
    expect(check).toThrow(InvalidOptionError)
    expect(check).toThrow(`Option "${field}": expected ${expected}`)
  })

  it('throws for an unknown field, and suggests the known one', () => {
    expect(() => checkCacheControl({ tll: 60 }, 'cache')).toThrow(
      'Unknown option "cache.tll". Did you mean "cache.ttl"?',
    )
  })
})

describe('cache.models', () => {
  it('accepts a control for each model', async () => {
    await createSluice({
      cache: { models: { City: { ttl: 60 }, 'public.region': { disabled: true } } },
    }).close()
  })

  it('includes the model and the invalid field in its error', () => {
    expect(() => createSluice({ cache: { models: { City: { ttl: -1 } } } })).toThrow(
      'Option "cache.models.City.ttl": expected',
    )
    expect(() => createSluice({ cache: { models: { City: 60 as never } } })).toThrow(
      'Option "cache.models.City": expected an object',
    )
    expect(() => createSluice({ cache: { models: [] as never } })).toThrow(
      'Option "cache.models": expected an object',
    )
  })
})
