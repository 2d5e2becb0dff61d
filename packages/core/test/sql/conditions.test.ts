import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../src/sql/dialect.ts'
import { readStatement } from '../../src/sql/statement.ts'

/**
 * The conditions of the one write, or of the listing, as `column = values`; a bound value is `#` and its
 * position.
 */
function conditions(sql: string, dialect: Dialect = 'postgresql'): string[] | undefined {
  const { writes, listing, opaque } = readStatement(sql, dialect)
  expect(opaque).toBeUndefined()
  const found = listing?.conditions ?? writes[0]?.conditions
  return found?.map(
    ({ column, values }) =>
      `${column} = ${values.map((value) => (typeof value === 'number' ? `#${value}` : value))}`,
  )
}

describe('conditions of a write', () => {
  it.each<[string, Dialect, string[]]>([
    ['update t set x = $1 where id = $2', 'postgresql', ['id = #1']],
    ['delete from t where id = 7', 'postgresql', ['id = 7']],
    ["delete from only s.t as a where A.ID = '7' returning *", 'postgresql', ['id = 7']],
    [
      'update "t" set "x" = 1 where ("public"."t"."Id" = $1 AND 1=1) returning "Id"',
      'postgresql',
      ['Id = #0'],
    ],
    ['update t set x = ? where `main`.`t`.`Id` in (?,?) and y = ?', 'sqlite', ['id = #1,#2', 'y = #3']],
    [
      'update `t` set `x` = ?, y = ? where (`t`.`id` in (?) and (`t`.`id` = ? and 1=1))',
      'mysql',
      ['id = #2', 'id = #3'],
    ],
    ['update low_priority t as a set x = ? where a.id = ? order by x limit 3', 'mysql', ['id = #1']],
    ['delete from t where id = ? limit 1', 'mysql', ['id = #0']],
    ['delete from t where not x = 1 and (y = 2 or y = 3) and id = 4', 'postgresql', ['id = 4']],
    [
      'update t set x = (select y from u where id = 8) where id = 7 and exists (select 1 from u where id = 9 or y)',
      'postgresql',
      ['id = 7'],
    ],
    ['with w as (delete from t where id = 7 returning *) select * from w', 'postgresql', ['id = 7']],
    [
      'insert into t as a (id) values (1) on conflict (id) where id > 0 do update set x = 1 where a.id = $1 and x = 2',
      'postgresql',
      ['id = #0'],
    ],
    [
      'insert into t (id) values (?) on conflict (id) do update set x = ? where (`main`.`t`.`id` = ? and 1=1)',
      'sqlite',
      ['id = #2'],
    ],
  ])('contain those that hold for all of its rows: %s (%s)', (sql, dialect, expected) => {
    expect(conditions(sql, dialect)).toEqual(expected)
  })

  it.each<[string, Dialect]>([
    ['update t set x = 1', 'postgresql'],
    ['update t set id = 7', 'postgresql'],
    ['update t set x = 1 where id = 7 or y = 2', 'postgresql'],
    ['update t set x = 1 where y = 2 and id = 7 or z', 'postgresql'],
    ['update t set x = 1 where (id = 7 or y = 2)', 'postgresql'],
    ['update t set x = 1 where id = 7 xor y', 'mysql'],
    ['update t set x = 1 where id = 7 || y = 2', 'mysql'],
    ['update t set x = 1 where @y := 0 and id = 7', 'mysql'],
    ['update t set x = 1 where not id = 7', 'postgresql'],
    ['update t set x = 1 where not (id = 7)', 'postgresql'],
    ['update t set x = 1 where (id = 7) is false', 'postgresql'],
    ['update t set x = 1 where id = 7 = y', 'sqlite'],
    ['update t set x = 1 where id = -7', 'postgresql'],
    ['update t set x = 1 where id = 7 + 1', 'postgresql'],
    ['update t set x = 1 where id >= 7', 'postgresql'],
    ['update t set x = 1 where id <> 7', 'postgresql'],
    ['update t set x = 1 where id not in (7)', 'postgresql'],
    ['update t set x = 1 where id in (7, y)', 'postgresql'],
    ['update t set x = 1 where id in (select 7)', 'postgresql'],
    ['update t set x = 1 where id = y', 'postgresql'],
    ['update t set x = 1 where id = all (array[7])', 'postgresql'],
    ["update t set x = 1 where id = E'7'", 'postgresql'],
    ["update t set x = 1 where id = '7' '8'", 'mysql'],
    ['update t set x = 1 where id = "7"', 'mysql'],
    ['update t set x = 1 where y between 0 and id is not null and id = 7 and z', 'postgresql'],
    ['update t set x = 1 where case when y and id = 7 and z then true else true end', 'postgresql'],
    ['update t set x = 1 where (select y and id = 7 and z)', 'postgresql'],
    ['update t set x = 1 where (y, id = 7 and z) in (select 1, true)', 'postgresql'],
    ['update t set x = 1 from u where id = 7', 'postgresql'],
    ['update t set x = 1 from u where u.id = 7', 'sqlite'],
    ['delete from t using u where u.id = 7', 'postgresql'],
    ['update t join (select 1 as id) s set t.x = 1 where s.id = 7', 'mysql'],
    ['update (t join (select 1 as id) s) set t.x = 1 where s.id = 7', 'mysql'],
    ['update t, u set t.x = 1 where u.id = 7', 'mysql'],
    ['insert into t (id) select y from u where t.id = 7 on conflict (id) do update set x = 1', 'sqlite'],
    ['insert into t (id) values (1) on conflict (id) do update set x = 1 where id = 7', 'postgresql'],
    [
      'insert into t (id) values (1) on conflict (id) do update set x = 1 where excluded.id = 7',
      'postgresql',
    ],
    [
      'insert into t (id) values (1) on conflict (y) do update set x = 1 on conflict (id) do update set x = 2 where t.id = 7',
      'sqlite',
    ],
    ['insert into t (id) values (7)', 'postgresql'],
    ['update t set x = 1 where y = 1 and offset', 'sqlite'],
  ])('are empty if that is uncertain: %s (%s)', (sql, dialect) => {
    expect(conditions(sql, dialect)?.filter((condition) => condition.startsWith('id')) ?? []).toEqual([])
  })
})

describe('conditions of a listing', () => {
  it.each<[string, Dialect, string[], boolean]>([
    ['select * from t where id = $1 and x = 2', 'postgresql', ['id = #0', 'x = 2'], true],
    [
      'select distinct "t"."x" as "y" from "t" where "id" in ($1, $2) order by lower(y) limit $3 offset $4',
      'postgresql',
      ['id = #0,#1'],
      true,
    ],
    ['select * from `t` as `a` where `a`.`id` = ? limit ?', 'mysql', ['id = #0'], true],
    [
      'select t.x from t inner join u on t.a = u.a or u.b where t.id = ? and u.id = ? and id = ?;',
      'sqlite',
      ['id = #0'],
      false,
    ],
    ['select a.x from s.t as a, u where a.id = 7', 'postgresql', ['id = 7'], false],
  ])('contain those of the first table: %s (%s)', (sql, dialect, expected, isPlain) => {
    expect(conditions(sql, dialect)).toEqual(expected)
    expect(readStatement(sql, dialect).listing?.isPlain).toBe(isPlain)
  })

  it.each<[string, Dialect]>([
    ['select count(*) from t where id = 7', 'postgresql'],
    ['select x, (select 1) from t where id = 7', 'postgresql'],
    ['select x from t where id = 7 group by x', 'postgresql'],
    ['select x from t where id = 7 having x > 1', 'mysql'],
    ['select x from t where id = 7 union select 1', 'postgresql'],
    ['select x from t where id = 7 and exists (select 1 from t as o where o.x = 1)', 'postgresql'],
    ['select x from t join t as o on true where t.id = 7', 'postgresql'],
    ['select x from t join u on true where id = 7', 'postgresql'],
    ['select x from t join u on true where u.id = 7', 'postgresql'],
    ['select x from (select * from t) as t where id = 7', 'postgresql'],
    ['select x from t as a (pk, id) where id = 7', 'postgresql'],
    ['select x from f(1) where id = 7', 'postgresql'],
    ['select x from only t where id = 7', 'postgresql'],
    ['with t as (select 1) select x from t where id = 7', 'postgresql'],
    ['(select x from t where id = 7)', 'postgresql'],
    ['select x is distinct from y from t where id = 7', 'postgresql'],
    ['select x from t where id = 7; select 1', 'sqlite'],
    ['select x from t', 'sqlite'],
  ])('are undefined if rows may come from other tables: %s (%s)', (sql, dialect) => {
    expect(readStatement(sql, dialect).listing).toBeUndefined()
  })
})

describe('placeholders of a statement', () => {
  it.each<[string, Dialect, number | undefined]>([
    ["update t set x = ?, y = '?' where id = ? -- ?", 'sqlite', 2],
    ['update t set x = ? where id = ?2', 'sqlite', undefined],
    ['update t set x = :x where id = ?', 'sqlite', undefined],
    ['update t set x = ? where id = ?', 'mysql', 2],
    ["update t set x = '?' where id = ?", 'mysql', undefined],
    ['update t set x = 1 /* ? */ where id = ?', 'mysql', undefined],
    ['update ?? set x = ? where id = ?', 'mysql', undefined],
    ['update t set x = @x where id = ?', 'mysql', 1],
    ['update t set x = $1 where id = $2', 'postgresql', undefined],
  ])('are counted if drivers count them in the same way: %s (%s)', (sql, dialect, expected) => {
    expect(readStatement(sql, dialect).placeholders).toBe(expected)
  })
})
