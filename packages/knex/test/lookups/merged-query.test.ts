import { analyzeSql, type Dialect } from '@sluice/core'
import type { LookupKey } from '@sluice/core/adapter'
import type { Knex } from 'knex'
import { describe, expect, it } from 'vitest'
import { testInstance } from '../instance.ts'

type Form = (db: Knex) => Knex.QueryBuilder

const keys = (...values: readonly unknown[][]): LookupKey[] =>
  values.map((list) => ({
    values: list,
    text: list.length === 1 ? `i${list[0]}` : JSON.stringify(list.map((value) => `i${value}`)),
  }))

async function merged(
  form: Form,
  asked: readonly LookupKey[],
  dialect: Dialect = 'postgresql',
): Promise<string> {
  const instance = testInstance(dialect)
  const builder = form(instance.db)
  const before = builder.toQuery()
  await instance.lookup(builder).runMany(asked)
  expect(builder.toQuery(), 'the builder of the user was changed').toBe(before)
  for (const { sql } of instance.sent) {
    // A statement that is not understood would count as a write to any table.
    const { opaque, functions, reads } = analyzeSql(sql, dialect).statement
    expect([opaque, [...functions], reads]).toEqual([undefined, [], [['reviews']]])
  }
  return instance.sent.map(({ sql, bindings }) => `${sql} -- ${bindings.join()}`).join('\n')
}

describe('MergedQuery', () => {
  it('keeps the constants and selects by the keys', async () => {
    const form: Form = (db) =>
      db('reviews').where('stars', '>', 3).where('city_id', 1).whereNull('deleted_at').orderBy('id')
    expect(await merged(form, keys([1], [2]))).toBe(
      'select * from "reviews" where "stars" > ? and "deleted_at" is null and "city_id" in (?, ?) order by "id" asc -- 3,1,2',
    )
  })

  it('writes the conditions of groups without parentheses', async () => {
    const form: Form = (db) =>
      db('reviews')
        .where((group) => group.where('stars', '>', 3).where((inner) => inner.where('city_id', 1)))
        .whereNull('deleted_at')
    expect(await merged(form, keys([1], [2]))).toBe(
      'select * from "reviews" where "stars" > ? and "deleted_at" is null and "city_id" in (?, ?) -- 3,1,2',
    )
    expect(await merged((db) => form(db).orderBy('id').limit(2), keys([1], [2]))).toContain(
      'where "stars" > ? and "city_id" = ? and "deleted_at" is null order by "id" asc limit ?',
    )
  })

  it('selects the key in addition to the selected columns', async () => {
    expect(await merged((db) => db('reviews').where('city_id', 1).select('slug'), keys([1]))).toBe(
      'select "slug", "city_id" as "sluice_key_1" from "reviews" where "city_id" in (?) -- 1',
    )
    expect(await merged((db) => db('reviews').where('city_id', 1).select('slug', 'city_id'), keys([1]))).toBe(
      'select "slug", "city_id" from "reviews" where "city_id" in (?) -- 1',
    )
    expect(
      await merged((db) => db('reviews').where('city_id', 1).select('city_id', 'slug as city_id'), keys([1])),
    ).toContain('sluice_key_1')
  })

  it('compares composite keys as rows', async () => {
    const form: Form = (db) => db('reviews').where({ slug: 2, tenant_id: 1 }).select('id')
    expect(await merged(form, keys([1, 2], [3, 4]))).toBe(
      'select "id", "tenant_id" as "sluice_key_1", "slug" as "sluice_key_2" from "reviews" where ("tenant_id", "slug") in ((?, ?), (?, ?)) -- 1,2,3,4',
    )
  })

  it('compares composite keys with a list of values on SQLite', async () => {
    const form: Form = (db) => db('reviews').where({ slug: 'b', tenant_id: 1 }).count('* as n')
    expect(await merged(form, keys([1, 2], [3, 4]), 'sqlite')).toBe(
      'select count(*) as `n`, `tenant_id` as `sluice_key_1`, `slug` as `sluice_key_2` from `reviews`' +
        ' where (`tenant_id`, `slug`) in ( values (?, ?), (?, ?)) group by `tenant_id`, `slug` -- 1,2,3,4',
    )
  })

  it('selects the page of each key separately and numbers its rows', async () => {
    const form: Form = (db) =>
      db('reviews as r')
        .where('r.city_id', 1)
        .where('stars', 5)
        .orderBy('score', 'desc')
        .orderBy('r.id')
        .limit(2)
        .offset(1)
    const select = (at: number) =>
      `select *, ${at} as \`sluice_place_1\`, row_number() over (order by \`score\` desc, \`r\`.\`id\` asc) as \`sluice_rank_1\`` +
      ' from (select * from `reviews` as `r` where `r`.`city_id` = ? and `stars` = ? order by `score` desc, `r`.`id` asc limit ? offset ?) as `r`'
    expect(await merged(form, keys([1], [2]), 'mysql')).toBe(
      `${select(0)} union all ${select(1)} -- 1,5,2,1,2,5,2,1`,
    )
  })

  it('omits row numbers when a page has one row', async () => {
    const form: Form = (db) => db('reviews').where('city_id', 1).orderBy('id').first('slug')
    const select = (at: number) =>
      `select "slug", ${at} as "sluice_place_1", 1 as "sluice_rank_1" from (select * from "reviews" where "city_id" = ? order by "id" asc limit ?) as "reviews"`
    expect(await merged(form, keys([1], [2]))).toBe(`${select(0)} union all ${select(1)} -- 1,1,2,1`)
  })

  it('ranks the first two rows of each key if their order is nondeterministic', async () => {
    const form: Form = (db) => db('reviews').where('city_id', 1).orderBy('stars', 'desc').first('slug')
    const select = (at: number) =>
      `select "slug", ${at} as "sluice_place_1", rank() over (order by "stars" desc) as "sluice_rank_1"` +
      ' from (select * from "reviews" where "city_id" = ? order by "stars" desc limit ?) as "reviews"'
    expect(await merged(form, keys([1], [2]))).toBe(`${select(0)} union all ${select(1)} -- 1,2,2,2`)
  })

  it('omits keys with several first rows, and gives up if most keys have them', async () => {
    const instance = testInstance('postgresql')
    const builder = () => instance.db('reviews').where('city_id', 1).orderBy('stars').first()
    const row = (slug: string, place: number, rank: unknown) => ({
      slug,
      sluice_place_1: place,
      sluice_rank_1: rank,
    })
    instance.answer = [row('b', 0, '2'), row('a', 0, '1'), row('c', 1, '1'), row('d', 1, '1')]
    const found = await instance.lookup(builder()).runMany(keys([1], [2], [3]))
    expect([...(found ?? [])]).toEqual([
      ['i1', { slug: 'a' }],
      ['i3', undefined],
    ])
    expect(instance.refusal(builder())).toBeUndefined()
    instance.answer = [row('c', 0, '1'), row('d', 0, '1')]
    expect([...((await instance.lookup(builder()).runMany(keys([2]))) ?? [])]).toEqual([])
    expect(instance.refusal(builder())).toBe('NONDETERMINISTIC_FIRST_ROW')
  })

  it('ranks the rows of few keys in one listing', async () => {
    const instance = testInstance('sqlite', {}, true, 8)
    const builder = instance.db('reviews as r').where({ tenant_id: 1, city_id: 1 }).orderBy('r.stars').first()
    const row = (id: number, city_id: number, rank: number) => ({ id, city_id, sluice_rank_1: rank })
    instance.answer = [row(1, 1, 1), row(2, 1, 2), row(3, 2, 1), row(4, 2, 1)]
    const found = await instance.lookup(builder).runMany(keys([1], [2], [3]))
    expect(instance.sent.map(({ sql }) => sql)).toEqual([
      'select *, rank() over (partition by `city_id` order by `r`.`stars` asc) as `sluice_rank_1` from `reviews` as `r`' +
        ' where `tenant_id` = ? and `city_id` in (?, ?, ?) order by `r`.`stars` asc limit ?',
    ])
    expect([...(found ?? [])]).toEqual([
      ['i1', { id: 1, city_id: 1 }],
      ['i3', undefined],
    ])
  })

  it('ranks the rows of a page with the row before and the row after', async () => {
    const form: Form = (db) =>
      db('reviews').where('city_id', 1).orderBy('slug').offset(2).limit(3).select('id')
    const select = (at: number) =>
      `select "id", ${at} as "sluice_place_1", rank() over (order by "slug" asc) as "sluice_rank_1"` +
      ' from (select * from "reviews" where "city_id" = ? order by "slug" asc limit ? offset ?) as "reviews"'
    expect(await merged(form, keys([1], [2]))).toBe(`${select(0)} union all ${select(1)} -- 1,5,1,2,5,1`)
  })

  it('omits keys with a tie in or next to their page', async () => {
    const instance = testInstance('postgresql')
    const builder = instance.db('reviews').where('city_id', 1).orderBy('slug').offset(1).limit(1).select('id')
    const row = (id: number, place: number, rank: number) => ({
      id,
      sluice_place_1: place,
      sluice_rank_1: rank,
    })
    instance.answer = [
      row(1, 0, 1),
      row(2, 0, 2),
      row(3, 0, 3),
      row(4, 1, 1),
      row(5, 1, 1),
      row(6, 1, 3),
      row(7, 2, 1),
      row(8, 2, 2),
      row(9, 2, 2),
      row(10, 3, 1),
    ]
    const found = await instance.lookup(builder).runMany(keys([1], [2], [3], [4], [5]))
    expect([...(found ?? [])]).toEqual([
      ['i1', [{ id: 2 }]],
      ['i4', []],
      ['i5', []],
    ])
  })

  it('reads a first row without an order only of keys with one row', async () => {
    const instance = testInstance('postgresql')
    const builder = () => instance.db('reviews').where('city_id', 1).first('id')
    instance.answer = [1, 1, 2].map((place, at) => ({ id: at, sluice_place_1: place }))
    expect([...((await instance.lookup(builder()).runMany(keys([1], [2], [3]))) ?? [])]).toEqual([
      ['i1', undefined],
      ['i3', { id: 2 }],
    ])
    expect(instance.sent.map(({ sql }) => sql).join()).not.toMatch(/rank|row_number/)
  })

  it('does not rank strings on MySQL, which compares only their first bytes', () => {
    const { db, refusal } = testInstance('mysql')
    const by = () => db('reviews').where('city_id', 1)
    expect(refusal(by().orderBy('slug').first())).toBe('NONDETERMINISTIC_FIRST_ROW')
    expect(refusal(by().orderBy('stars').orderBy('slug').limit(2))).toBe('UNSUPPORTED_LIMIT')
    expect(refusal(by().orderBy('stars').first())).toBeUndefined()
  })

  it('does not rank positions of nulls, or names of results', () => {
    const { db, refusal } = testInstance('postgresql')
    const by = () => db('reviews').where('city_id', 1)
    const first = 'NONDETERMINISTIC_FIRST_ROW'
    expect(refusal(by().orderBy('stars', 'asc', 'first').first())).toBe(first)
    expect(refusal(by().orderBy('unknown').first())).toBe(first)
    expect(refusal(by().orderBy('stars').first('slug as stars'))).toBe(first)
  })

  it('adds the key to the groups', async () => {
    const form: Form = (db) =>
      db('reviews').where('city_id', 1).select('stars').count('* as n').groupBy('stars').orderBy('n')
    expect(await merged(form, keys([1]))).toBe(
      'select "stars", count(*) as "n", "city_id" as "sluice_key_1" from "reviews" where "city_id" in (?) group by "stars", "city_id" order by "n" asc -- 1',
    )
  })
})

describe('results of a merged query', () => {
  it('contain rows without the helper columns, in the format of the call', async () => {
    const instance = testInstance('sqlite')
    const ask = (form: Form, answer: unknown[]) => {
      instance.answer = answer
      return instance.lookup(form(instance.db)).runMany(keys([1], [2], [3]))
    }
    const by: Form = (db) => db('reviews').where('city_id', 1)
    const rows = () => [
      { slug: 'b', sluice_key_1: 2 },
      { slug: 'a', sluice_key_1: 1 },
      { slug: 'c', sluice_key_1: 1 },
    ]
    expect(await ask((db) => by(db).select('slug'), rows())).toEqual(
      new Map([
        ['i1', [{ slug: 'a' }, { slug: 'c' }]],
        ['i2', [{ slug: 'b' }]],
        ['i3', []],
      ]),
    )
    expect(await ask((db) => by(db).pluck('slug'), rows())).toEqual(
      new Map([
        ['i1', ['a', 'c']],
        ['i2', ['b']],
        ['i3', []],
      ]),
    )
    expect(await ask((db) => by(db).where('id', 1).first('slug'), rows().slice(0, 2))).toEqual(
      new Map([
        ['i1', { slug: 'a' }],
        ['i2', { slug: 'b' }],
        ['i3', undefined],
      ]),
    )
  })

  it('contain the rows of each page by their numbers, regardless of the order they arrive in', async () => {
    const instance = testInstance('postgresql')
    const lookup = instance.lookup(instance.db('reviews').where('city_id', 1).orderBy('id').limit(2))
    const row = (slug: string, place: unknown, rank: unknown) => ({
      slug,
      sluice_place_1: place,
      sluice_rank_1: rank,
    })
    instance.answer = [row('d', 2, '1'), row('b', 0, '2'), row('a', 0, '1')]
    expect(await lookup.runMany(keys([1], [2], [3]))).toEqual(
      new Map([
        ['i1', [{ slug: 'a' }, { slug: 'b' }]],
        ['i2', []],
        ['i3', [{ slug: 'd' }]],
      ]),
    )
    instance.answer = [row('a', 3, 1)]
    expect(await lookup.runMany(keys([1], [2], [3]))).toBeUndefined()
  })

  it('are zero and null for keys without rows, in the format of the driver', async () => {
    const instance = testInstance('postgresql')
    instance.answer = [{ n: '4', total: '12', sluice_key_1: 1 }]
    const lookup = instance.lookup(
      instance.db('reviews').where('city_id', 1).count('* as n').sum('stars as total').first(),
    )
    expect(await lookup.runMany(keys([1], [2]))).toEqual(
      new Map([
        ['i1', { n: '4', total: '12' }],
        ['i2', { n: '0', total: null }],
      ]),
    )
    instance.answer = []
    expect(await lookup.runMany(keys([1], [2]))).toBeUndefined()
  })

  it('are undefined when a row has a key that was not requested', async () => {
    const instance = testInstance('mysql')
    instance.answer = [{ slug: 'a', sluice_key_1: 9 }]
    expect(
      await instance
        .lookup(instance.db('reviews').where('city_id', 1).select('slug'))
        .runMany(keys([1], [2])),
    ).toBeUndefined()
  })
})

describe('a numeric key of a string column', () => {
  it('is not ranked on MySQL', () => {
    const instance = testInstance('mysql')
    const tops = (slug: unknown) =>
      instance
        .db('reviews')
        .where('slug', slug as string)
        .orderBy('id')
        .limit(1)
    expect(instance.refusal(tops(1))).toBe('UNSUPPORTED_KEY_TYPE')
    expect(instance.refusal(tops('1'))).toBeUndefined()
  })
})
