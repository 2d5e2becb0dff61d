import { InvalidArgumentError, InvalidOptionError } from '@sluice/core'
import { isRefusal } from '@sluice/core/adapter'
import type { Knex } from 'knex'
import { describe, expect, it } from 'vitest'
import { cached } from '../src/cached.ts'
import { clientOf } from '../src/internals/client.ts'
import type { BuilderInternals } from '../src/internals/types.ts'
import { KnexOperation } from '../src/knex-operation.ts'
import { testInstance } from './instance.ts'

describe('cached', () => {
  const { db, context, lookup } = testInstance('sqlite')
  const client = clientOf(db)

  function controlIn(builder: Knex.QueryBuilder) {
    if (client === undefined) throw new Error('Expected to know the client.')
    const request = new KnexOperation(context, client, builder as unknown as BuilderInternals, () =>
      Promise.resolve([]),
    ).cacheRequest()
    if (isRefusal(request)) throw new Error(`Expected a request, got a refusal: ${request.refused}.`)
    return request.control
  }

  it('returns the builder and adds the control to its request', () => {
    const builder = db('reviews').where('city_id', 1)
    expect(cached(builder, { ttl: 60 })).toBe(builder)
    expect(controlIn(builder)).toEqual({ ttl: 60 })
    expect(controlIn(db('reviews').where('city_id', 1))).toBeUndefined()
  })

  it('uses the last control when it is called twice', () => {
    expect(controlIn(cached(cached(db('reviews'), { ttl: 60 }), { ttl: 1 }))).toEqual({ ttl: 1 })
  })

  it('applies to later changes of the builder and to its clones', () => {
    const base = cached(db('reviews'), { ttl: 60 })
    expect(controlIn(base.clone().where('city_id', 1))).toEqual({ ttl: 60 })
    expect(controlIn(base.clone().clone())).toEqual({ ttl: 60 })
    const own = cached(base.clone(), { ttl: 1 })
    expect(controlIn(own.clone())).toEqual({ ttl: 1 })
    expect(controlIn(base)).toEqual({ ttl: 60 })
  })

  it('changes neither the SQL nor the key nor the batch group', () => {
    const build = () => db('reviews').where('city_id', 1)
    expect(cached(build(), { ttl: 60 }).toSQL().sql).toBe(build().toSQL().sql)
    expect(Object.keys(cached(build(), { ttl: 60 }))).toEqual(Object.keys(build()))
    expect(lookup(cached(build(), { ttl: 60 })).group).toBe(lookup(build()).group)
  })

  it('throws for an invalid cache control and for a value that is not a builder', () => {
    expect(() => cached(db('reviews'), { tll: 60 } as never)).toThrow(InvalidOptionError)
    expect(() => cached(db('reviews'), { ttl: 0 })).toThrow(
      'Option "cache.ttl": expected a number greater than 0',
    )
    expect(() => cached(undefined as never, { ttl: 1 })).toThrow(InvalidArgumentError)
  })
})
