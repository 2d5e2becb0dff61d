import type { Knex } from 'knex'
import { describe, expect, it } from 'vitest'
import { testInstance } from './instance.ts'

describe('RowSource', () => {
  const instance = testInstance('sqlite')
  const { db } = instance
  const reviews = () => db('reviews')

  it('contains the table, a stable shape, and the property of each column', () => {
    const source = instance.rowSource(reviews().where('stars', '>', 3).orderBy('id').limit(5))
    expect(source).toMatchObject({
      table: 'main.reviews',
      isWhole: true,
      shape: expect.stringMatching(/^[0-9a-f]{16}$/),
    })
    expect(source?.property('city_id')).toBe('city_id')
    expect(source?.property('nothing')).toBeUndefined()
    const other = testInstance('sqlite')
    expect(other.rowSource(other.db('reviews').where('stars', '>', 9).orderBy('id').limit(7))?.shape).toBe(
      source?.shape,
    )
  })

  it('is one object for all parent queries of a shape', () => {
    const of = (stars: number) => instance.rowSource(reviews().where({ stars }).orderBy('id'))
    expect(of(1)).toBe(of(2))
    const raw = (stars: number, ids: number[]) =>
      instance.rowSource(reviews().whereRaw('stars > ?', [stars]).whereIn('id', ids))
    expect(raw(1, [1])).toBe(raw(2, [1, 2]))
    const shapes = [
      reviews(),
      reviews().where('stars', 1),
      reviews().where('stars', '>', 1),
      reviews().orderBy('id'),
      reviews().orderBy('id', 'desc'),
      reviews().limit(1),
      reviews().select('id'),
      reviews().whereRaw('stars > 1'),
      reviews().where((inner) => inner.where('stars', 1).orWhere('id', 1)),
      reviews().where('stars', 1).orWhere('id', 2),
      db('reviews as r'),
    ].map((builder) => instance.rowSource(builder)?.shape)
    expect(shapes).not.toContain(undefined)
    expect(new Set(shapes).size).toBe(shapes.length)
  })

  it('follows column lists and aliases', () => {
    const some = instance.rowSource(reviews().select('id as x', 'reviews.slug').select('stars'))
    expect(some?.isWhole).toBe(false)
    expect(['id', 'slug', 'stars', 'city_id'].map((column) => some?.property(column))).toEqual([
      'x',
      'slug',
      'stars',
      undefined,
    ])
    const all = instance.rowSource(db('reviews as r').select('r.*'))
    expect([all?.isWhole, all?.property('id')]).toEqual([true, 'id'])
    const hidden = instance.rowSource(reviews().select('*', 'stars as id'))
    expect([hidden?.property('id'), hidden?.property('stars')]).toEqual([undefined, 'id'])
    const otherwise = instance.rowSource(reviews().select('ID'))
    expect([otherwise?.property('id'), otherwise?.property('ID')]).toEqual([undefined, undefined])
  })

  it('uses names of the database when identifiers are rewritten', () => {
    const snake = testInstance('postgresql', {
      wrapIdentifier: (name, wrap) => wrap(name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
    })
    const source = snake.rowSource(snake.db('reviews').select('cityId', 'deletedAt as goneAt'))
    expect(source?.property('city_id')).toBe('city_id')
    expect(source?.property('deleted_at')).toBe('gone_at')
    expect(source?.property('cityId')).toBeUndefined()
  })

  it('is unknown for queries other than a listing of one plain table', () => {
    const none: Knex.QueryBuilder[] = [
      db('overview'),
      db('elsewhere'),
      reviews().join('cities', 'cities.id', 'reviews.city_id'),
      reviews().count('* as n'),
      reviews().select('stars').groupBy('stars'),
      reviews().distinct('stars'),
      reviews().select(db.raw('1 as id')),
      reviews().select(db('reviews').count().as('n') as never),
      reviews().union([db('reviews')]),
      db.with('x', db('reviews')).from('x'),
      db.from(db('reviews').as('reviews') as never),
      db.select(db.raw('1')),
      reviews().pluck('id') as never,
      reviews().insert({ id: 1 }),
    ]
    for (const builder of none) expect(instance.rowSource(builder), builder.toQuery()).toBeUndefined()
    const blind = testInstance('sqlite', {}, false)
    expect(blind.rowSource(blind.db('reviews'))).toBeUndefined()
  })
})
