import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../src/sql/dialect.ts'
import { readStatement } from '../../src/sql/statement.ts'

/**
 * A kind of builder, the statement that Knex 3.3 compiles it to, the tables it reads, and those it writes.
 */
type Compiled = readonly [builder: string, sql: string, reads: string, writes: string]

const compiled: Readonly<Record<Dialect, readonly Compiled[]>> = {
  postgresql: [
    ['a select', 'select * from "a" where "id" = $1', 'a', ''],
    ['aliases', 'select "x"."id" from "a" as "x", "b" as "y"', 'a b', ''],
    ['raw from and join', 'select * from a as q inner join b on b.x = q.y', 'a b', ''],
    ['a from subquery', 'select * from (select * from "a") as "t"', 'a', ''],
    [
      'a union in whereIn',
      'select * from "a" where "id" in (select "id" from "b" union select "id" from "c")',
      'a b c',
      '',
    ],
    [
      'whereExists',
      'select * from "a" where exists (select * from "b" where b.a = a.id) and not exists (select * from "c")',
      'a b c',
      '',
    ],
    [
      'joins',
      'select * from "a" inner join "b" as "bb" on "bb"."x" = "a"."y" left join (select * from "c") as "cc" on "cc"."x" = "a"."y" cross join "d" inner join e on e.x = (select 1 from f)',
      'a b c d e f',
      '',
    ],
    [
      'a column subquery',
      'select "x", (select count(*) from "b" where b.q = a.q) as "n" from "a"',
      'a b',
      '',
    ],
    [
      'orderBy and having subqueries',
      'select * from "a" having "x" > (select max("y") from "c") order by (select "x" from "b" limit $1) asc',
      'a b c',
      '',
    ],
    [
      'with',
      'with "w" as (select * from "a"), "v" as (select * from "w" inner join "b" on "w"."i" = "b"."i") select * from "v" inner join "c" on "c"."i" = "v"."i"',
      'a b c',
      '',
    ],
    [
      'withRecursive',
      'with recursive "t" as (select * from "a" where "id" = $1 union select * from "a" inner join "t" on "t"."p" = "a"."id") select * from "t"',
      'a',
      '',
    ],
    [
      'a with of a schema',
      'with "a" as (select * from "b") select * from "a" inner join "s"."a" on "s"."a"."i" = "a"."i"',
      'b s.a',
      '',
    ],
    ['insert', 'insert into "a" ("x") values ($1)', '', 'a:insert'],
    ['insert of rows', 'insert into "a" ("x", "y") values ($1, $2), ($3, $4)', '', 'a:insert'],
    ['insert of a select', 'insert into "a" ("x", "y") select "x", "y" from "b"', 'b', 'a:insert'],
    [
      'onConflict merge',
      'insert into "a" ("x") values ($1) on conflict ("x") do update set "x" = excluded."x"',
      '',
      'a:upsert',
    ],
    ['onConflict ignore', 'insert into "a" ("x") values ($1) on conflict ("x") do nothing', '', 'a:insert'],
    [
      'update by subquery',
      'update "a" set "x" = (select max("z") from "b") where "id" = $1',
      'a b',
      'a:update',
    ],
    ['delete by subquery', 'delete from "a" where "id" in (select "i" from "b")', 'a b', 'a:delete'],
    ['truncate', 'truncate "a" restart identity', '', 'a:truncate'],
    ['withSchema', 'select * from "s"."a" inner join "s"."b" on "a"."i" = "b"."i"', 's.a s.b', ''],
    [
      'names that are keywords',
      'select "order"."from" as """from""" from "order" inner join "Select Me" on "order"."from" = "Select Me"."where"',
      'Select_Me order',
      '',
    ],
    ['forUpdate', 'select * from "a" where "id" = $1 for update', 'a', ''],
    [
      'unionAll',
      '(select * from "a") union all (select * from "b") union all (select * from "c")',
      'a b c',
      '',
    ],
    ['countDistinct', 'select count(distinct "x") from "a" limit $1', 'a', ''],
    ['a json operator', `select * from "a" where x->>'from' = 'b' and y ? 'z'`, 'a', ''],
    ['a comment', '/* from b */ select * from "a"', 'a', ''],
    ['a hint', 'select /*+ NO_ICP(b) */ * from "a"', 'a', ''],
    ['rowNumber', 'select row_number() over (partition by "y" order by "x") as "rn" from "a"', 'a', ''],
    ['updateFrom', 'update "a" set "x" = $1 from "b" where "a"."i" = "b"."i"', 'a b', 'a:update'],
    ['delete using', 'delete from "a" using "b","c" where a.i=b.i', 'a b c', 'a:delete'],
    ['distinctOn', 'select distinct on ("x") * from "a"', 'a', ''],
    [
      'an insert in with',
      'with "w" as (insert into "a" ("x") values ($1) returning *) select * from "w" inner join "b" on "b"."i" = "w"."i"',
      'b',
      'a:insert',
    ],
    [
      'a delete in with',
      'with "w" as (delete from "a" where "q" = $1 returning *) insert into "b" select * from "w"',
      'a',
      'a:delete b:insert',
    ],
    [
      'a lateral join',
      'select * from "a" left join lateral (select * from b where b.i=a.i limit 1) q on true',
      'a b',
      '',
    ],
    ['only', 'select * from only "a"', 'a', ''],
    ['returning', 'update "a" set "x" = $1 where "id" = $2 returning "id"', 'a', 'a:update'],
  ],
  sqlite: [
    ['a select', 'select * from `a` where `id` = ?', 'a', ''],
    ['aliases', 'select `x`.`id` from `a` as `x`, `b` as `y`', 'a b', ''],
    ['raw from and join', 'select * from a as q inner join b on b.x = q.y', 'a b', ''],
    ['a from subquery', 'select * from (select * from `a`) as `t`', 'a', ''],
    [
      'a union in whereIn',
      'select * from `a` where `id` in (select `id` from `b` union select `id` from `c`)',
      'a b c',
      '',
    ],
    [
      'whereExists',
      'select * from `a` where exists (select * from `b` where b.a = a.id) and not exists (select * from `c`)',
      'a b c',
      '',
    ],
    [
      'joins',
      'select * from `a` inner join `b` as `bb` on `bb`.`x` = `a`.`y` left join (select * from `c`) as `cc` on `cc`.`x` = `a`.`y` cross join `d` inner join e on e.x = (select 1 from f)',
      'a b c d e f',
      '',
    ],
    [
      'a column subquery',
      'select `x`, (select count(*) from `b` where b.q = a.q) as `n` from `a`',
      'a b',
      '',
    ],
    [
      'orderBy and having subqueries',
      'select * from `a` having `x` > (select max(`y`) from `c`) order by (select `x` from `b` limit ?) asc',
      'a b c',
      '',
    ],
    [
      'with',
      'with `w` as (select * from `a`), `v` as (select * from `w` inner join `b` on `w`.`i` = `b`.`i`) select * from `v` inner join `c` on `c`.`i` = `v`.`i`',
      'a b c',
      '',
    ],
    [
      'withRecursive',
      'with recursive `t` as (select * from `a` where `id` = ? union select * from `a` inner join `t` on `t`.`p` = `a`.`id`) select * from `t`',
      'a',
      '',
    ],
    [
      'a with of a schema',
      'with `a` as (select * from `b`) select * from `a` inner join `s`.`a` on `s`.`a`.`i` = `a`.`i`',
      'b s.a',
      '',
    ],
    ['insert', 'insert into `a` (`x`) values (?)', '', 'a:insert'],
    [
      'insert of rows',
      'insert into `a` (`x`, `y`) select ? as `x`, ? as `y` union all select ? as `x`, ? as `y`',
      '',
      'a:insert',
    ],
    ['insert of a select', 'insert into `a` (`x`, `y`) select `x`, `y` from `b`', 'b', 'a:insert'],
    [
      'onConflict merge',
      'insert into `a` (`x`) values (?) on conflict (`x`) do update set `x` = excluded.`x`',
      '',
      'a:upsert',
    ],
    ['onConflict ignore', 'insert into `a` (`x`) values (?) on conflict (`x`) do nothing', '', 'a:insert'],
    [
      'update by subquery',
      'update `a` set `x` = (select max(`z`) from `b`) where `id` = ?',
      'a b',
      'a:update',
    ],
    ['delete by subquery', 'delete from `a` where `id` in (select `i` from `b`)', 'a b', 'a:delete'],
    ['truncate', 'delete from `a`', 'a', 'a:delete'],
    ['withSchema', 'select * from `s`.`a` inner join `s`.`b` on `a`.`i` = `b`.`i`', 's.a s.b', ''],
    [
      'names that are keywords',
      'select `order`.`from` as `"from"` from `order` inner join `Select Me` on `order`.`from` = `Select Me`.`where`',
      'Select_Me order',
      '',
    ],
    ['forUpdate', 'select * from `a` where `id` = ?', 'a', ''],
    [
      'unionAll',
      '(select * from `a`) union all (select * from `b`) union all (select * from `c`)',
      'a b c',
      '',
    ],
    ['countDistinct', 'select count(distinct `x`) from `a` limit ?', 'a', ''],
    ['a json operator', "select * from `a` where x->>'from' = 'b'", 'a', ''],
    ['a comment', '/* from b */ select * from `a`', 'a', ''],
    ['a hint', 'select /*+ NO_ICP(b) */ * from `a`', 'a', ''],
    ['rowNumber', 'select row_number() over (partition by `y` order by `x`) as `rn` from `a`', 'a', ''],
  ],
  mysql: [
    ['a select', 'select * from `a` where `id` = ?', 'a', ''],
    ['aliases', 'select `x`.`id` from `a` as `x`, `b` as `y`', 'a b', ''],
    ['raw from and join', 'select * from a as q inner join b on b.x = q.y', 'a b', ''],
    ['a from subquery', 'select * from (select * from `a`) as `t`', 'a', ''],
    [
      'a union in whereIn',
      'select * from `a` where `id` in (select `id` from `b` union select `id` from `c`)',
      'a b c',
      '',
    ],
    [
      'whereExists',
      'select * from `a` where exists (select * from `b` where b.a = a.id) and not exists (select * from `c`)',
      'a b c',
      '',
    ],
    [
      'joins',
      'select * from `a` inner join `b` as `bb` on `bb`.`x` = `a`.`y` left join (select * from `c`) as `cc` on `cc`.`x` = `a`.`y` cross join `d` inner join e on e.x = (select 1 from f)',
      'a b c d e f',
      '',
    ],
    [
      'a column subquery',
      'select `x`, (select count(*) from `b` where b.q = a.q) as `n` from `a`',
      'a b',
      '',
    ],
    [
      'orderBy and having subqueries',
      'select * from `a` having `x` > (select max(`y`) from `c`) order by (select `x` from `b` limit ?) asc',
      'a b c',
      '',
    ],
    [
      'with',
      'with `w` as (select * from `a`), `v` as (select * from `w` inner join `b` on `w`.`i` = `b`.`i`) select * from `v` inner join `c` on `c`.`i` = `v`.`i`',
      'a b c',
      '',
    ],
    [
      'withRecursive',
      'with recursive `t` as (select * from `a` where `id` = ? union select * from `a` inner join `t` on `t`.`p` = `a`.`id`) select * from `t`',
      'a',
      '',
    ],
    [
      'a with of a schema',
      'with `a` as (select * from `b`) select * from `a` inner join `s`.`a` on `s`.`a`.`i` = `a`.`i`',
      'b s.a',
      '',
    ],
    ['insert', 'insert into `a` (`x`) values (?)', '', 'a:insert'],
    ['insert of rows', 'insert into `a` (`x`, `y`) values (?, ?), (?, ?)', '', 'a:insert'],
    ['insert of a select', 'insert into `a` (`x`, `y`) select `x`, `y` from `b`', 'b', 'a:insert'],
    [
      'onConflict merge',
      'insert into `a` (`x`) values (?) on duplicate key update `x` = values(`x`)',
      '',
      'a:upsert',
    ],
    ['onConflict ignore', 'insert ignore into `a` (`x`) values (?)', '', 'a:insert'],
    [
      'update by subquery',
      'update `a` set `x` = (select max(`z`) from `b`) where `id` = ?',
      'a b',
      'a:update',
    ],
    ['delete by subquery', 'delete from `a` where `id` in (select `i` from `b`)', 'a b', 'a:delete'],
    ['truncate', 'truncate `a`', '', 'a:truncate'],
    ['withSchema', 'select * from `s`.`a` inner join `s`.`b` on `a`.`i` = `b`.`i`', 's.a s.b', ''],
    [
      'names that are keywords',
      'select `order`.`from` as `"from"` from `order` inner join `Select Me` on `order`.`from` = `Select Me`.`where`',
      'Select_Me order',
      '',
    ],
    ['forUpdate', 'select * from `a` where `id` = ? for update', 'a', ''],
    [
      'unionAll',
      '(select * from `a`) union all (select * from `b`) union all (select * from `c`)',
      'a b c',
      '',
    ],
    ['countDistinct', 'select count(distinct `x`) from `a` limit ?', 'a', ''],
    ['a json operator', "select * from `a` where x->>'from' = 'b'", 'a', ''],
    ['a comment', '/* from b */ select * from `a`', 'a', ''],
    ['a hint', 'select /*+ NO_ICP(b) */ * from `a`', 'a', ''],
    ['rowNumber', 'select row_number() over (partition by `y` order by `x`) as `rn` from `a`', 'a', ''],
    [
      'an update of a join',
      'update `a` inner join `b` on `a`.`i` = `b`.`i` set `a`.`x` = ?',
      'a b',
      'a:update b:update',
    ],
  ],
}

describe.each(Object.keys(compiled) as Dialect[])('readStatement for statements of Knex on %s', (dialect) => {
  it.each(compiled[dialect])('reads %s', (_builder, sql, reads, writes) => {
    const statement = readStatement(sql, dialect)
    expect(statement.opaque).toBeUndefined()
    expect([...statement.functions]).toEqual([])
    expect(
      statement.reads
        .map((name) => name.join('.').replace(' ', '_'))
        .sort()
        .join(' '),
    ).toBe(reads)
    expect(
      statement.writes
        .map(({ name, how }) => `${name.join('.')}:${how}`)
        .sort()
        .join(' '),
    ).toBe(writes)
  })
})

describe('readStatement for a joined delete of Knex on mysql', () => {
  it('is opaque for a joined delete', () => {
    expect(
      readStatement('delete `a` from `a` inner join `b` on `a`.`i` = `b`.`i` where `b`.`z` = ?', 'mysql')
        .opaque,
    ).toMatch(/multi-table/)
  })
})
