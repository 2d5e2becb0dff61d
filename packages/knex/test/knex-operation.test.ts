import type { Knex } from 'knex'
import { describe, expect, it } from 'vitest'
import { type BuilderInternals, clientOf } from '../src/internals.ts'
import { KnexOperation } from '../src/knex-operation.ts'
import { testInstance } from './instance.ts'

describe('an operation', () => {
  it('works its lookup out once', () => {
    const { db, context } = testInstance('sqlite')
    const operationOf = (builder: Knex.QueryBuilder) => {
      const client = clientOf(db)
      if (client === undefined) throw new Error('Expected to know the client.')
      return new KnexOperation(context, client, builder as unknown as BuilderInternals, () => Promise.resolve([]))
    }
    const keyed = operationOf(db('reviews').where('city_id', 1))
    expect(keyed.lookup()).toBe(keyed.lookup())
    const unkeyed = operationOf(db('reviews').where('city_id', '>', 1))
    expect(unkeyed.lookup()).toEqual({ refused: 'not by key' })
    expect(unkeyed.lookup()).toBe(unkeyed.lookup())
  })
})
