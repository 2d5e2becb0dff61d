import { InvalidOptionError } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { takeControl } from '../src/cache-argument.ts'

describe('takeControl', () => {
  it('removes the control from the arguments of a read', () => {
    const args = { where: { id: 1 }, cache: { ttl: 60 } }
    expect(takeControl({ model: 'City', operation: 'findMany', args })).toEqual({
      args: { where: { id: 1 } },
      control: { ttl: 60 },
    })
    expect(args).toHaveProperty('cache')
  })

  it('removes an undefined control too', () => {
    const { args, control } = takeControl({ model: 'City', operation: 'count', args: { cache: undefined } })
    expect([Object.keys(args as object), control]).toEqual([[], undefined])
  })

  it('does not change a field named `cache`', () => {
    const args = { where: { cache: { equals: 1 } }, select: { cache: true }, orderBy: { cache: 'asc' } }
    expect(takeControl({ model: 'Page', operation: 'findMany', args }).args).toBe(args)
  })

  it('passes writes, raw queries and missing arguments through unchanged', () => {
    const args = { data: {}, cache: { ttl: 60 } }
    expect(takeControl({ model: 'City', operation: 'create', args }).args).toBe(args)
    expect(takeControl({ operation: '$queryRaw', args }).args).toBe(args)
    expect(takeControl({ model: 'City', operation: 'findMany', args: undefined })).toEqual({
      args: undefined,
      control: undefined,
    })
  })

  it('throws for an invalid cache control', () => {
    const take = (cache: unknown) => () =>
      takeControl({ model: 'City', operation: 'findMany', args: { cache } })
    expect(take({ tll: 60 })).toThrow(InvalidOptionError)
    expect(take(60)).toThrow('Option "cache": expected an object, got 60.')
    expect(take(null)).toThrow(InvalidOptionError)
  })
})
