import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../../src/sql/dialect.ts'
import { readStatement } from '../../../src/sql/statement.ts'
import { factsOf } from '../statement-facts.ts'

function columnsOf(sql: string, dialect: Dialect = 'postgresql'): (readonly string[] | undefined)[] {
  return readStatement(sql, dialect).writes.map(({ columns }) => columns)
}

describe('inserts', () => {
  it.each([
    [
      'insert into s.A as t (x, y) overriding system value values (1, (select 2 from b)) returning f(x)',
      'postgresql',
      'R[b] W[s.a:insert] calls f',
    ],
    ['insert into a default values', 'postgresql', 'R[] W[a:insert]'],
    ['insert into a (x) (select 1 from b)', 'postgresql', 'R[b] W[a:insert]'],
    ['insert into a table b', 'postgresql', 'R[b] W[a:insert]'],
    [
      'insert into a select * from b on conflict (x, y) where z > 1 do update set x = 1, y = 2 returning x, y',
      'postgresql',
      'R[b] W[a:upsert]',
    ],
    ['insert into a values (1) on conflict on constraint k do nothing', 'postgresql', 'R[] W[a:insert]'],
    [
      'insert into a values (1) on conflict do update set x = (select 1 from b) where a.y in (select 2 from c)',
      'sqlite',
      'R[b,c] W[a:upsert]',
    ],
    ['insert or replace into a values (1)', 'sqlite', 'R[] W[a:replace]'],
    ['insert or ignore into a values (1)', 'sqlite', 'R[] W[a:insert]'],
    ['replace into a (x) select y from b', 'sqlite', 'R[b] W[a:replace]'],
    ['replace low_priority a set x = 1, y = (select 2 from b)', 'mysql', 'R[b] W[a:replace]'],
    ['insert ignore a (x, y) value (1, 2)', 'mysql', 'R[] W[a:insert]'],
    [
      'insert into a partition (p0) (x) values (1) as n on duplicate key update x = n.x, y = values(y)',
      'mysql',
      'R[] W[a:upsert]',
    ],
    [
      'insert into a select * from b join c on duplicate = 1 on duplicate key update x = 1, y = 2',
      'mysql',
      'R[b,c] W[a:upsert]',
    ],
    ['insert into a set x = 1, y = 2', 'mysql', 'R[] W[a:insert]'],
  ] as const)('%s (%s)', (sql, dialect, facts) => {
    expect(factsOf(sql, dialect)).toBe(facts)
  })

  it('list the columns that an upsert sets', () => {
    expect(
      columnsOf('insert into a (x, y) values (1, 2) on conflict (x) do update set y = excluded.y, "Z" = 3'),
    ).toEqual([['y', 'Z']])
    expect(columnsOf('insert into a set x = 1, y = 2 on duplicate key update z = 3', 'mysql')).toEqual([
      ['z'],
    ])
  })

  it('list no columns otherwise', () => {
    expect(columnsOf('insert into a (x) values (1)')).toEqual([undefined])
  })
})

describe('updates', () => {
  it.each([
    [
      'update only a * as t set x = (select 1 from b), y = 2 from c join d on true, e where t.x = 1',
      'postgresql',
      'R[a,b,c,d,e] W[a:update]',
    ],
    ['update a set x = 1 from b returning x, y', 'postgresql', 'R[a,b] W[a:update]'],
    ['update a set x = 1 where current of c', 'postgresql', 'R[a] W[a:update]'],
    ['update a set x = b is distinct from c, y = 2 from d', 'postgresql', 'R[a,d] W[a:update]'],
    ['update a indexed by i set x = 1 from b returning x, y', 'sqlite', 'R[a,b] W[a:update]'],
    ['update or replace a set x = 1', 'sqlite', 'R[a] W[a:replace,a:update]'],
    ['update low_priority ignore a set x = 1 order by y limit 3', 'mysql', 'R[a] W[a:update]'],
    [
      'update a, b as t join (select 1 from c) u on 1 = 1 set a.x = 1, t.y = 2',
      'mysql',
      'R[a,b,c] W[a:update,b:update]',
    ],
    ['with w as (select 1) update a join w set a.x = 1', 'mysql', 'R[a] W[a:update]'],
  ] as const)('%s (%s)', (sql, dialect, facts) => {
    expect(factsOf(sql, dialect)).toBe(facts)
  })

  it.each([
    [
      'update a set X = 1, "Y" = f(2, 3), z[1] = 4, w.field = 5 where q = 1',
      'postgresql',
      ['x', 'Y', 'z', 'w'],
    ],
    ['update a set (x, y) = (select 1, 2 from b), z = 3', 'postgresql', ['x', 'y', 'z']],
    ['update a set x = 1, `y` = 2 where z = 3', 'sqlite', ['x', 'y']],
    ['update a as t set t.x = 1, y = 2', 'mysql', ['x', 'y']],
  ] as const)('list the columns of %s (%s)', (sql, dialect, columns) => {
    expect(columnsOf(sql, dialect)).toEqual([columns])
  })

  it('list no columns if the table of a joined column is unknown', () => {
    expect(columnsOf('update a join b on 1 = 1 set x = 1', 'mysql')).toEqual([undefined, undefined])
  })
})

describe('deletes', () => {
  it.each([
    [
      'delete from only a as t using b, c join d on true where t.x = 1 returning x, y',
      'postgresql',
      'R[a,b,c,d] W[a:delete]',
    ],
    ['delete from a where x in (select y from b)', 'sqlite', 'R[a,b] W[a:delete]'],
    ['delete from a where x in b', 'sqlite', 'R[a,b] W[a:delete]'],
    ['delete quick from a as t where x = 1 order by y limit 2', 'mysql', 'R[a] W[a:delete]'],
  ] as const)('%s (%s)', (sql, dialect, facts) => {
    expect(factsOf(sql, dialect)).toBe(facts)
  })

  it.each([
    'delete a from a join b on a.i = b.i',
    'delete a.*, b from a join b on 1 = 1',
    'delete from a, b using a join b on 1 = 1',
    'delete from a.* using a join b on 1 = 1',
    'delete from a for portion of p from 1 to 2',
  ])('are opaque on mysql: %s', (sql) => {
    expect(factsOf(sql, 'mysql')).toContain('opaque')
  })
})

describe('MERGE', () => {
  it('reads its source and its expressions, and writes its target', () => {
    const sql = `merge into a as t using b join c on case when matched then true end join d on true on t.i = b.i
      when matched and b.z in (select 1 from e) then update set x = b.x, y = 2
      when not matched then insert (x, y) values (b.x, (select 1 from g)) returning t.x, t.y`
    expect(factsOf(sql)).toBe('R[a,b,c,d,e,g] W[a:merge]')
  })

  it('is opaque on databases without it', () => {
    expect(factsOf('merge into a using b on 1 = 1 when matched then delete', 'mysql')).toContain('opaque')
  })
})

describe('TRUNCATE and REFRESH', () => {
  it.each([
    ['truncate a', 'R[] W[a:truncate]'],
    ['truncate table only a, s.b * restart identity', 'R[] W[a:truncate,s.b:truncate]'],
    ['truncate a, b restart identity cascade', 'R[] W[a:truncate-cascade,b:truncate-cascade]'],
    ['refresh materialized view concurrently v with data', 'R[] W[v:refresh]'],
    ['truncate a whatever', 'R[] W[a:truncate] opaque'],
  ])('%s', (sql, facts) => {
    expect(factsOf(sql)).toBe(facts)
  })
})

describe('EXPLAIN', () => {
  it.each([
    ['explain update a set x = 1 from b', 'postgresql', 'R[a,b] W[] volatile'],
    ['explain analyze verbose update a set x = 1', 'postgresql', 'R[a] W[a:update] volatile'],
    ['explain (verbose, analyze, format json) delete from a', 'postgresql', 'R[a] W[a:delete] volatile'],
    ['explain query plan select * from a', 'sqlite', 'R[a] W[] volatile'],
    ['explain format = tree select * from a', 'mysql', 'R[a] W[] volatile'],
    ['explain a', 'mysql', 'R[] W[] volatile'],
    ['explain execute p', 'postgresql', 'R[] W[] volatile opaque'],
  ] as const)('%s (%s)', (sql, dialect, facts) => {
    expect(factsOf(sql, dialect)).toBe(facts)
  })
})

describe('several statements', () => {
  it('are all read', () => {
    const sql = "insert into a values (';'); update b set x = 1 ; ; select * from c;"
    expect(factsOf(sql)).toBe('R[b,c] W[a:insert,b:update]')
    expect(readStatement(sql, 'postgresql').kinds).toEqual(['INSERT', 'UPDATE', 'SELECT'])
  })
})
