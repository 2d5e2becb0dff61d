import type { Dialect } from '@sluice/core'
import type { ColumnType } from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'
import { orderOf, tiesOf } from '../../src/lookups/row-order.ts'
import { PrismaModel } from '../../src/schema/prisma-model.ts'
import { hasMany, model, scalar } from '../schema/schema-builder.ts'

function post(columns: Readonly<Record<string, ColumnType>> = { title: 'text', token: 'uuid' }): PrismaModel {
  const data = model('Post', {
    id: scalar('Int', { id: true }),
    price: scalar('Decimal', { required: false }),
    at: scalar('DateTime', { column: 'created_at' }),
    done: scalar('Boolean'),
    title: scalar('String'),
    token: scalar('String', { nativeType: 'Uuid' }),
    mood: scalar('Mood', { kind: 'enum' }),
    data: scalar('Json'),
    photo: scalar('Bytes'),
    list: scalar('Int', { list: true }),
    comments: hasMany('Comment', 'c'),
  })
  return new PrismaModel(data, 'public.Post', new Map(), new Map(Object.entries(columns)))
}

describe('orderOf', () => {
  it('reads fields with their columns, directions and positions of nulls', () => {
    expect(orderOf([{ at: 'desc' }, { price: { sort: 'asc', nulls: 'last' } }], post())).toEqual([
      { field: 'at', column: 'created_at', direction: 'DESC', nulls: undefined },
      { field: 'price', column: 'price', direction: 'ASC', nulls: 'LAST' },
    ])
    expect(orderOf({ price: { sort: 'desc' }, id: undefined }, post())).toMatchObject([{ direction: 'DESC' }])
    expect(orderOf(undefined, post())).toEqual([])
  })

  it.each([
    { comments: { _count: 'asc' } },
    { list: 'asc' },
    { unknown: 'asc' },
    { id: 'up' },
    { id: { sort: 'asc', nulls: 'middle' } },
    { id: { sort: 'asc', by: 1 } },
    'id',
  ])('refuses %j', (orderBy) => {
    expect(orderOf(orderBy, post())).toBeUndefined()
  })
})

describe('tiesOf', () => {
  const areTied = (field: string, left: unknown, right: unknown, dialect: Dialect = 'postgresql') =>
    tiesOf({ [field]: 'asc' }, post(), dialect)?.areEqual([left], [right])

  it.each<[string, unknown, unknown, Dialect?]>([
    ['price', '1.0', '1.00'],
    ['price', -0, 0],
    ['price', 9007199254740993n, 9007199254740992n],
    ['price', 'NaN', 1],
    ['title', undefined, 'a'],
    ['price', null, null],
    ['at', new Date(5), new Date(5)],
    ['at', new Date(Number.NaN), new Date(5)],
    ['title', 'Ada', 'ada  ', 'sqlite'],
    ['mood', 'calm', 'CALM', 'sqlite'],
  ])('treats values of %s as tied if the database may consider them equal: %s, %s', (field, ...rest) => {
    const [left, right, dialect] = rest
    expect(areTied(field, left, right, dialect)).toBe(true)
  })

  it.each<[string, unknown, unknown, Dialect?]>([
    ['price', '1.0', '1.01'],
    ['price', null, 0],
    ['at', new Date(5), new Date(6)],
    ['done', true, false],
    ['done', 1, 0],
    ['title', 'Ada', 'ada'],
    ['title', 'Ada', 'Bob', 'sqlite'],
    ['mood', 'calm', 'sad', 'mysql'],
    ['token', 'a', 'b'],
  ])('distinguishes values of %s: %s, %s', (field, ...rest) => {
    const [left, right, dialect] = rest
    expect(areTied(field, left, right, dialect)).toBe(false)
  })

  it('compares all fields of an order, and without one treats all rows as tied', () => {
    const ties = tiesOf([{ done: 'asc' }, { id: 'asc' }], post(), 'mysql')
    expect(ties?.fields).toEqual(['done', 'id'])
    expect(ties?.areEqual([true, 1], [true, 1])).toBe(true)
    expect(ties?.areEqual([true, 1], [true, 2])).toBe(false)
    expect(tiesOf(undefined, post(), 'mysql')?.areEqual([], [])).toBe(true)
  })

  it('refuses strings that the database compares by unknown rules', () => {
    expect(tiesOf({ title: 'asc' }, post(), 'mysql')).toBeUndefined()
    expect(tiesOf({ mood: 'asc' }, post({ mood: 'text' }), 'mysql')).toBeUndefined()
    for (const columns of [{}, { title: 'collated' }, { title: 'other' }] as const)
      for (const dialect of ['sqlite', 'postgresql'] as const)
        expect(tiesOf({ title: 'asc' }, post(columns), dialect)).toBeUndefined()
  })

  it.each(['data', 'photo', 'comments', 'unknown'])('refuses an order by %s', (field) => {
    expect(tiesOf({ [field]: 'asc' }, post(), 'postgresql')).toBeUndefined()
  })
})
