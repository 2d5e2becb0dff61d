import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../../src/sql/dialect.ts'
import { readStatement } from '../../../src/sql/statement.ts'
import { factsOf } from '../statement-facts.ts'

const all: readonly Dialect[] = ['postgresql', 'sqlite', 'mysql']

describe.each(all)('a FROM list of %s', (dialect) => {
  it.each([
    ['select * from a, b as x, c y where 1 = 1', 'R[a,b,c] W[]'],
    ['select * from a join b on a.id = b.id left outer join c using (id, x), d', 'R[a,b,c,d] W[]'],
    ['select * from a join b on case when a.x = 1 then 2 else 3 end = b.id, c', 'R[a,b,c] W[]'],
    ['select * from (a join b on a.id = b.id) join (c cross join d) on 1 = 1', 'R[a,b,c,d] W[]'],
    ['select * from ((select 1 from a) union (select 2 from b)) x', 'R[a,b] W[]'],
    ['select * from ((select 1 as n from a) x join b on b.n = x.n)', 'R[a,b] W[]'],
    ['select 1 from s.a join s.b on s.a.id = s.b.id', 'R[s.a,s.b] W[]'],
    [
      'select max(x), y from a group by x, y having count(x) > (select 1 from b) order by x, y limit 3',
      'R[a,b] W[]',
    ],
    ['select 1 from a union all select 2 from b except select 3 from c', 'R[a,b,c] W[]'],
    ['select (select 1 from a), x from b where y in (select z from c)', 'R[a,b,c] W[]'],
    ['select 1 from a, a as b', 'R[a] W[]'],
    ['values (1, (select 2 from a)), (3, 4)', 'R[a] W[]'],
    ['select t.from, t.join from a t', 'R[a] W[]'],
    ['select sum(x) over (partition by y, z order by x) from a', 'R[a] W[]'],
  ])('reads %s', (sql, facts) => {
    expect(factsOf(sql, dialect)).toBe(facts)
  })
})

describe('FROM without a table', () => {
  it.each([
    "select extract(year from x), trim(both ' ' from y), substring(z from 2 for 3) from a",
    'select x is distinct from y, x is not distinct from y from a',
    'select 1 from a where x is distinct from y',
  ])('%s', (sql) => {
    expect(factsOf(sql)).toBe('R[a] W[]')
  })

  it('is distinguished from DISTINCT and from labels', () => {
    expect(factsOf('select distinct from a')).toBe('R[a] W[]')
    expect(factsOf('select x as from from a')).toBe('R[a] W[]')
    expect(factsOf('select x as "is" , y distinct from a')).toBe('R[a] W[]')
  })
})

describe('clauses of postgresql', () => {
  it.each([
    ['select * from only a, only (b), c * join d on true', 'R[a,b,c,d] W[]'],
    ['select * from a left join lateral (select * from b where b.i = a.i) q on true', 'R[a,b] W[]'],
    ['select * from a, lateral f(a.x) as t(y int, z text), b', 'R[a,b] W[] calls f'],
    [
      'select * from rows from (generate_series(1, 2), g(3)) with ordinality as t(x, y), b',
      'R[b] W[] calls g',
    ],
    ['select * from unnest($1) with ordinality as t(x, n), b', 'R[b] W[]'],
    ['select * from a where x && array[y, z]', 'R[a] W[]'],
    [
      'select * from a join b on a.x = any(array[a.y, a.z]) and a.x[1:2] = array[a.y, b.z], c',
      'R[a,b,c] W[]',
    ],
    ['table a union all table s.b', 'R[a,s.b] W[]'],
    ['table only a union table only (b)', 'R[a,b] W[]'],
    ['select * from a join b on case when matched then 1 end = 1, c', 'R[a,b,c] W[]'],
    ['select * from a, b offset x, y', 'R[a,b] W[]'],
    ['select * from (table a) x where exists (table b)', 'R[a,b] W[]'],
    ['select array(select x from a), json_agg(y) filter (where y > 1) from b', 'R[a,b] W[]'],
    ['select x::numeric(10, 2), y::s.kind, cast(z as varchar(3)) from a', 'R[a] W[]'],
    ['select * from a tablesample system (1), b', 'R[a,b] W[] volatile'],
    ['select distinct on (x) f(y) from a', 'R[a] W[] calls f'],
    ['select @f(x) from a', 'R[a] W[] calls f'],
    ['(select 1 from a) union (select 2 from b) order by 1', 'R[a,b] W[]'],
    ['select * from a join b on set = 1, c', 'R[a,b,c] W[]'],
  ])('reads %s', (sql, facts) => {
    expect(factsOf(sql)).toBe(facts)
  })
})

describe('clauses of sqlite', () => {
  it.each([
    ['select 1 from a where x in b and y not in main.c', 'R[a,b,main.c] W[]'],
    ['select 1 from a where x in "b" order by y', 'R[a,b] W[]'],
    ['select 1 from a where x in (1, 2) and y in (select z from b)', 'R[a,b] W[]'],
    [
      'select 1 from a where x in json_each(?) and y in pragma_table_info(1)',
      'R[a] W[] calls pragma_table_info',
    ],
    ['select 1 from a indexed by i join b not indexed on 1 = 1, c', 'R[a,b,c] W[]'],
    ['select 1 from a join b on a.offset = 1 and offset = 2, c limit 1 offset 2', 'R[a,b,c] W[]'],
    ['select 1 from a join b on a.x = returning collate nocase, c', 'R[a,b,c] W[]'],
    ['select 1 from a where x regexp ?', 'R[a] W[] calls regexp'],
  ])('reads %s', (sql, facts) => {
    expect(factsOf(sql, 'sqlite')).toBe(facts)
  })

  it('is opaque if a string is used as a table', () => {
    expect(factsOf("select * from 'a'", 'sqlite')).toContain('opaque')
    expect(factsOf("select 1 from a where x in 'b'", 'sqlite')).toContain('opaque')
  })
})

describe('clauses of mysql', () => {
  it.each([
    ['select * from a use index for join (i, j) ignore key (k), b', 'R[a,b] W[]'],
    ['select * from a partition (p0, p1) as x straight_join b, c', 'R[a,b,c] W[]'],
    ['select straight_join x from dual', 'R[] W[]'],
    ['table a limit 3', 'R[a] W[]'],
    ['select * from json_table(?, "$[*]" columns (x int path "$.x", n for ordinality)) t, b', 'R[b] W[]'],
    ['select * from json_table(?, "$[*]" columns (value for ordinality)) t, b', 'R[b] W[]'],
    ['select @x, y from a', 'R[a] W[] volatile'],
    ["select group_concat(x order by y separator ', ') from a", 'R[a] W[]'],
  ])('reads %s', (sql, facts) => {
    expect(factsOf(sql, 'mysql')).toBe(facts)
  })

  it.each([
    'select * from { oj a left join b on 1 = 1 }',
    'select x into @y from a',
    'select * from a for system_time all, b',
    'select next value for s from a',
    'select (next value for s) from a',
    'select coalesce(previous value for s, 1)',
  ])('is opaque for %s', (sql) => {
    expect(factsOf(sql, 'mysql')).toContain('opaque')
  })
})

describe('names', () => {
  it('are folded like PostgreSQL does', () => {
    expect(readStatement('select * from Sch."Tab" join ÉCOLE on true', 'postgresql').reads).toEqual([
      ['sch', 'Tab'],
      ['École'],
    ])
  })

  it.each(['sqlite', 'mysql'] as const)('keep their case on %s', (dialect) => {
    expect(readStatement('select * from Sch.Tab', dialect).reads).toEqual([['Sch', 'Tab']])
  })

  it('are opaque if PostgreSQL would truncate them', () => {
    expect(factsOf(`select * from ${'a'.repeat(63)}`)).not.toContain('opaque')
    expect(factsOf(`select * from ${'a'.repeat(64)}`)).toContain('opaque')
    expect(factsOf(`select * from ${'é'.repeat(32)}`)).toContain('opaque')
  })
})

describe('common table expressions', () => {
  it.each([
    ['with w as (select * from a) select * from w join b on true', 'R[a,b] W[]'],
    [
      'with w(x, y) as not materialized (select 1 from a), v as materialized (select * from w) select * from v',
      'R[a] W[]',
    ],
    ['with a as (select * from a) select * from a', 'R[a] W[]'],
    ['with a as (select * from b) select * from a, s.a', 'R[b,s.a] W[]'],
    ['with w as (select * from v), v as (select 1) select * from w', 'R[v] W[]'],
    [
      'with recursive w as (select * from v), v as (select 1 union select * from v) select * from w',
      'R[] W[]',
    ],
    ['with recursive t as (select 1 from a union all select 2 from t) select * from t', 'R[a] W[]'],
    ['with t as (select 1) select * from (with u as (select * from t) select * from u) x, u', 'R[u] W[]'],
    ['with "T" as (select 1) select * from t', 'R[t] W[]'],
    ['with T as (select 1) select * from "t"', 'R[] W[]'],
    [
      'with recursive t as (select 1 from a) search depth first by x, y set o cycle x set c using p select * from t, b',
      'R[a,b] W[]',
    ],
    [
      'with w as (insert into a values (1) returning *), v as (delete from b returning x) select * from w, v',
      'R[b] W[a:insert,b:delete]',
    ],
    ['with a as (select 1) insert into a select * from a', 'R[] W[a:insert]'],
    ['with w as (select 1 from b) update a set x = 1 from w', 'R[a,b] W[a:update]'],
    ['insert into a with w as (select 1 from b) select * from w', 'R[b] W[a:insert]'],
    ['insert into a with w as (select 1 from b) table c', 'R[b,c] W[a:insert]'],
  ])('reads %s', (sql, facts) => {
    expect(factsOf(sql)).toBe(facts)
  })

  it('see each other in sqlite, with or without RECURSIVE', () => {
    expect(factsOf('with w as (select * from v), V as (select 1) select * from w', 'sqlite')).toBe('R[] W[]')
    expect(factsOf('with t as (select 1 from a union select 2 from t) select * from t', 'sqlite')).toBe(
      'R[a] W[]',
    )
  })

  it('see only earlier ones in mysql', () => {
    expect(
      factsOf('with recursive w as (select * from v), v as (select 1 from V) select * from w', 'mysql'),
    ).toBe('R[v] W[]')
  })

  it('add the kinds of their bodies', () => {
    expect(
      readStatement('with w as (delete from a returning *) insert into b select * from w', 'postgresql')
        .kinds,
    ).toEqual(['DELETE', 'INSERT'])
  })
})

describe('functions', () => {
  it('are not listed if they are pure', () => {
    expect(factsOf('select coalesce(max(x), 0), lower(y) from a')).toBe('R[a] W[]')
  })

  it.each([
    ['select f(x), S.g(y), "H"(z) from a', 'R[a] W[] calls H,f,s.g'],
    ['select year(x), total(y) from a', 'R[a] W[] calls total,year'],
    ['select "lower"(x) from a', 'R[a] W[] calls lower'],
    ['select pg_catalog.now() from a', 'R[a] W[] calls pg_catalog.now'],
    ['select first(x), match(y) from a', 'R[a] W[] calls first,match'],
    ["select set_config('search_path', $1, false)", 'R[] W[] calls set_config opaque'],
  ])('reads %s', (sql, facts) => {
    expect(factsOf(sql)).toBe(facts)
  })
})

describe('volatile', () => {
  it.each([
    ['select now()', 'postgresql'],
    ['select current_timestamp, x from a', 'postgresql'],
    ['select current_user from a', 'postgresql'],
    ["select * from a where d >= 'today'", 'postgresql'],
    ["select nextval('s')", 'postgresql'],
    ['select random(), last_insert_rowid()', 'sqlite'],
    ["select date('now')", 'sqlite'],
    ['select datetime()', 'sqlite'],
    ['select date(?)', 'sqlite'],
    ["select strftime('%Y')", 'sqlite'],
    ["select unixepoch('SUBSEC')", 'sqlite'],
    ["select strftime('%Y', x) from a", 'sqlite'],
    ['select uuid()', 'mysql'],
    ['select utc_date from a', 'mysql'],
    ['select @@sql_mode', 'mysql'],
    ['select current_role', 'mysql'],
    ['select sql_calc_found_rows x from a', 'mysql'],
    ['select s.nextval', 'mysql'],
    ['select `b`.`s`.currval from a', 'mysql'],
    ['show tables', 'mysql'],
    ['explain select * from a', 'sqlite'],
  ] as const)('is true of %s on %s', (sql, dialect) => {
    expect(readStatement(sql, dialect)).toMatchObject({ volatile: true })
    expect(readStatement(sql, dialect).opaque).toBeUndefined()
  })

  it.each([
    ["select date(x, 'unixepoch'), strftime('%Y', '2020-01-01') from a", 'sqlite'],
    ["select * from a where x = 'today'", 'sqlite'],
    ['select t.current_user, user from t', 'sqlite'],
    ['select date(x) from a', 'mysql'],
    ['select nextval from a', 'mysql'],
  ] as const)('is false of %s on %s', (sql, dialect) => {
    expect(readStatement(sql, dialect)).toMatchObject({ volatile: false })
  })
})

describe('locks', () => {
  it.each(['for update', 'for no key update of a nowait', 'for share skip locked', 'for key share'])(
    'are taken by %s',
    (clause) => {
      expect(factsOf(`select * from a where x = 1 ${clause}`)).toBe('R[a] W[] locks')
    },
  )

  it('are taken by LOCK IN SHARE MODE', () => {
    expect(factsOf('select * from a lock in share mode', 'mysql')).toBe('R[a] W[] locks')
  })
})
