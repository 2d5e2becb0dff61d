import type { Dialect } from '@sluice/core'
import { type CacheRequest, isRefusal } from '@sluice/core/adapter'
import type { Knex } from 'knex'
import { describe, expect, it } from 'vitest'
import { rowBucket } from '../../core/src/schema/row-key.ts'
import { clientOf } from '../src/internals/client.ts'
import type { BuilderInternals } from '../src/internals/types.ts'
import { KnexOperation } from '../src/knex-operation.ts'
import { type TestInstance, testInstance } from './instance.ts'

function operationOf({ db, context }: TestInstance, builder: Knex.QueryBuilder): KnexOperation {
  const client = clientOf(db)
  if (client === undefined) throw new Error('Expected to know the client.')
  return new KnexOperation(context, client, builder as unknown as BuilderInternals, () => Promise.resolve([]))
}

function requestOf(
  make: (db: Knex) => Knex.QueryBuilder,
  dialect: Dialect = 'sqlite',
): CacheRequest<unknown> {
  const instance = testInstance(dialect)
  const request = operationOf(instance, make(instance.db)).cacheRequest()
  if (isRefusal(request)) throw new Error(`Expected a request, got a refusal: ${request.refused}.`)
  return request
}

/** The row buckets of the only table with any. */
function rowsOf(make: (db: Knex) => Knex.QueryBuilder, dialect?: Dialect): readonly number[] | undefined {
  const [rows] = [...(requestOf(make, dialect).rows?.values() ?? [])]
  return rows
}

const buckets = (...keys: readonly string[]) => keys.map((key) => rowBucket([key]))

describe('KnexOperation', () => {
  it('computes its lookup once', () => {
    const instance = testInstance('sqlite')
    const keyed = operationOf(instance, instance.db('reviews').where('city_id', 1))
    expect(keyed.lookup()).toBe(keyed.lookup())
    const unkeyed = operationOf(instance, instance.db('reviews').where('city_id', '>', 1))
    expect(unkeyed.lookup()).toEqual({ refused: 'NOT_BY_KEY' })
    expect(unkeyed.lookup()).toBe(unkeyed.lookup())
  })
})

describe('row buckets of a cached read', () => {
  it.each<[string, (db: Knex) => Knex.QueryBuilder, string[]]>([
    ['where', (db) => db('reviews').where('id', 7), ['7']],
    ['where with an object', (db) => db('reviews').where({ id: '7', stars: 3 }), ['7']],
    ['where with a bigint', (db) => db('reviews').where('id', 7n as never), ['7']],
    ['whereIn', (db) => db('reviews').whereIn('id', [7, 8]).where('stars', '>', 1), ['7', '8']],
    ['first', (db) => db('reviews').where('id', 7).first(), ['7']],
    ['pluck', (db) => db('reviews').where('id', 7).pluck('stars'), ['7']],
    ['an alias', (db) => db('reviews as r').where('r.id', 7).select('r.stars'), ['7']],
    [
      'a group of conditions beside',
      (db) =>
        db('reviews')
          .where('id', 7)
          .where((other) => other.where('stars', 1).orWhere('stars', 2)),
      ['7'],
    ],
    ['a negation beside', (db) => db('reviews').where('id', 7).whereNot('stars', 1), ['7']],
    [
      'a limit and an offset',
      (db) => db('reviews').where('id', 7).limit(3).offset(1).orderBy('stars'),
      ['7'],
    ],
  ])('are derived from %s', (_, make, keys) => {
    for (const dialect of ['sqlite', 'postgresql', 'mysql'] as const)
      expect(rowsOf(make, dialect)).toEqual(buckets(...keys))
  })

  it.each<[string, (db: Knex) => Knex.QueryBuilder]>([
    ['or', (db) => db('reviews').where('id', 7).orWhere('stars', 1)],
    ['or before', (db) => db('reviews').where('stars', 1).orWhere('id', 7)],
    ['not', (db) => db('reviews').whereNot('id', 7)],
    ['not in', (db) => db('reviews').whereNotIn('id', [7])],
    ['another operator', (db) => db('reviews').where('id', '>', 7)],
    ['raw text that holds an or', (db) => db('reviews').where('id', 7).whereRaw('stars = 1 or stars = 2')],
    ['a raw value', (db) => db('reviews').where('id', db.raw('7 or 1 = 1'))],
    ['a subquery', (db) => db('reviews').where('id', db('reviews').max('id'))],
    ['a list from a subquery', (db) => db('reviews').whereIn('id', db('reviews').select('city_id'))],
    ['a text that is no integer as it is written', (db) => db('reviews').where('id', '7abc')],
    ['a fraction', (db) => db('reviews').where('id', 7.5)],
    ['null', (db) => db('reviews').where('id', null)],
    ['another column', (db) => db('reviews').where('city_id', 7)],
    ['another column as its value', (db) => db('reviews').where('id', db.ref('city_id'))],
    [
      'the table once more',
      (db) => db('reviews').where('id', 7).whereExists(db('reviews').where('stars', 1)),
    ],
    [
      'a join with itself',
      (db) => db('reviews as a').join('reviews as b', 'a.id', 'b.id').where('a.id', 7).select('a.id'),
    ],
    ['a union', (db) => db('reviews').where('id', 7).union(db('reviews').where('stars', 1))],
    ['an aggregate', (db) => db('reviews').where('id', 7).count()],
    ['groups', (db) => db('reviews').where('id', 7).select('stars').groupBy('stars')],
    [
      'more than 15',
      (db) =>
        db('reviews').whereIn(
          'id',
          Array.from({ length: 16 }, (_, at) => at),
        ),
    ],
  ])('are unknown for %s', (_, make) => {
    expect(requestOf(make).rows).toBeUndefined()
  })
})

describe('completeness of a cached read', () => {
  const isComplete = (make: (db: Knex) => Knex.QueryBuilder, value: unknown) =>
    requestOf(make).isComplete?.(value)
  const row = { id: 7 }

  it('depends on the row when one row was requested', () => {
    const one = (db: Knex) => db('reviews').where('id', 7)
    expect([isComplete(one, [row]), isComplete(one, [])]).toEqual([true, false])
    const first = (db: Knex) => db('reviews').where('id', 7).first()
    expect([isComplete(first, row), isComplete(first, undefined)]).toEqual([true, false])
  })

  it('depends on the number of rows when several were requested', () => {
    const several = (db: Knex) => db('reviews').whereIn('id', [7, 8, '8'])
    expect([isComplete(several, [row, row]), isComplete(several, [row]), isComplete(several, [])]).toEqual([
      true,
      false,
      false,
    ])
  })

  it('is not assumed for the first of several rows', () => {
    expect(isComplete((db) => db('reviews').whereIn('id', [7, 8]).first(), row)).toBe(false)
  })
})
