import type { Dialect } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { queryShapeOf } from '../../../src/database/checks/query-shape.ts'

describe('queryShapeOf', () => {
  const of = (sql: string, dialect: Dialect = 'postgresql') => queryShapeOf(sql, dialect)

  it('finds the columns that are compared by value and by range', () => {
    const shape = of(
      `select id from "public"."t" where "t"."a" = $1 and (b in ($2, $3) and t.c > 5) and d between 1 and 2 and e <> 1 and f = t.g and h = true`,
    )
    expect(shape.equalities).toEqual(['a', 'b', 'h'])
    expect(shape.ranges).toEqual(['c', 'd'])
    expect(shape).toMatchObject({
      kind: 'select',
      hasWhere: true,
      hasLimit: false,
      isStar: false,
      hasOr: false,
      isTotal: false,
    })
  })

  it('reads statements of ORMs', () => {
    const prisma =
      'SELECT `main`.`posts`.`id` FROM `main`.`posts` WHERE (`main`.`posts`.`author_id` = ? AND 1=1) ORDER BY `main`.`posts`.`id` ASC LIMIT ? OFFSET ?'
    expect(of(prisma, 'sqlite')).toMatchObject({
      equalities: ['author_id'],
      orderBy: ['id'],
      hasLimit: true,
      isOffset: true,
      offset: 0,
    })
    expect(of('select * from `posts` where `author_id` = ? limit ?', 'mysql')).toMatchObject({
      equalities: ['author_id'],
      isStar: true,
      hasLimit: true,
    })
  })

  it('ignores conditions in subqueries', () => {
    const shape = of(
      'select * from (select x from y where z = 1 limit 5) q where a in (select b from c where d = 1 or e = 2)',
    )
    expect(shape).toMatchObject({ equalities: ['a'], hasLimit: false, hasOr: false })
  })

  it('finds patterns and calls that a plain index does not serve', () => {
    expect(
      of(
        `select 1 from t where name like '%x' and title ilike 'x%' and body not like '_y' and lower(email) = $1 and coalesce(a, b) = 2`,
      ),
    ).toMatchObject({
      within: ['name', 'body'],
      calls: [{ name: 'lower', column: 'email' }],
      equalities: [],
    })
  })

  it('treats a bound value after a wildcard as a pattern that starts with a wildcard', () => {
    expect(of(`select 1 from t where a like '%' || $1 and b like $2 || '%'`).within).toEqual(['a'])
  })

  it('ignores columns in casts and negations', () => {
    expect(
      of('select 1 from t where a::text = $1 and not b = 2 and c is distinct from 3').equalities,
    ).toEqual([])
  })

  it('reads the first query of a set operation, and the select of an insert', () => {
    expect(of('(select a from t where b = 1) union select c from u where d = 2').equalities).toEqual(['b'])
    expect(of('insert into t select a from u where b > 1')).toMatchObject({ kind: 'select', ranges: ['b'] })
  })

  it('detects totals, stars and joins', () => {
    expect(
      of('select count(*) from a join b on a.x = b.y join c using (z) where a.k = 1 or b.m = 2'),
    ).toMatchObject({
      isTotal: true,
      isStar: false,
      joins: 2,
      hasOr: true,
      equalities: ['k', 'm'],
    })
    expect(of('select x, count(*) from a group by x').isTotal).toBe(false)
    expect(of('select a.*, 2 * 3 from a')).toMatchObject({ isStar: true })
    expect(of('select 2 * 3 from a')).toMatchObject({ isStar: false })
    expect(of('select x from a limit 5 offset 5000')).toMatchObject({
      offset: 5000,
      isOffset: true,
      hasLimit: true,
    })
  })

  it('reads the conditions of writes', () => {
    expect(of('update t set a = 1, b = $1 where c = $2')).toMatchObject({ kind: 'update', equalities: ['c'] })
    expect(of('delete from t where c < $1')).toMatchObject({ kind: 'delete', ranges: ['c'] })
  })

  it.each(['', 'vacuum', "select 'open", ')(', 'select ((('])('returns no conditions for %j', (sql) => {
    expect(of(sql)).toMatchObject({ equalities: [], ranges: [] })
  })
})
