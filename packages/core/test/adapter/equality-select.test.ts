import { type EqualitySelect, readEqualitySelect } from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'

const empty = { conditions: [], columns: [], aggregates: [], order: [], isLimited: false }

describe('readEqualitySelect', () => {
  it.each<[string, EqualitySelect]>([
    [
      'select * from t where id = $1',
      { ...empty, table: { path: ['t'] }, keys: [['id']], columns: [{ path: ['*'] }] },
    ],
    [
      'SELECT p.Id, "Title" AS heading FROM app.Posts p WHERE p.author_id = $1 AND "Kind" = \'a\' ORDER BY p.id DESC LIMIT 3',
      {
        table: { path: ['app', 'posts'], alias: 'p' },
        keys: [['p', 'author_id'], ['Kind']],
        conditions: [],
        columns: [{ path: ['p', 'id'] }, { path: ['Title'], alias: 'heading' }],
        aggregates: [],
        order: [{ path: ['p', 'id'], descending: true }],
        isLimited: true,
      },
    ],
    [
      'select count(*), sum(distinct t.x) as total from t where (id = $1)',
      {
        ...empty,
        table: { path: ['t'] },
        keys: [['id']],
        aggregates: [
          { name: 'count', isDistinct: false, path: ['*'] },
          { name: 'sum', isDistinct: true, path: ['t', 'x'], alias: 'total' },
        ],
      },
    ],
    [
      'select * from t where id = $1 and t.x is null and y not in (1, $2) and z >= $3 and w between 1 and 2',
      {
        ...empty,
        table: { path: ['t'] },
        keys: [['id']],
        columns: [{ path: ['*'] }],
        conditions: [
          { path: ['t', 'x'], operator: 'is null', negated: false },
          { path: ['y'], operator: 'in', negated: true },
          { path: ['z'], operator: '>=', negated: false },
          { path: ['w'], operator: 'between', negated: false },
        ],
      },
    ],
  ])('reads %s', (sql, expected) => {
    expect(readEqualitySelect(sql, 'postgresql')).toEqual(expected)
  })

  it.each([
    'select * from t',
    'select * from t where id = $1 or id = 2',
    'select * from t where id = any ($1)',
    'select * from t where id::text = $1',
    'select * from t where lower(id) = $1',
    'select * from t where id = other',
    'select * from t where not id = $1',
    'select * from t where id > $1',
    "select * from t where id = $1 and x like 'a%'",
    'select * from t where id = $1 and x > y',
    'select * from t where id = $1 and x > (select 1)',
    'select * from t where id = $1 and x > now()',
    'select * from t where id = $1 and lower(x) is null',
    'select * from t where id = $1 order by lower(x)',
    'select * from t where id = $1 order by x nulls last',
    'select * from t where id = $1 offset 3',
    'select * from t where id = $1 for update',
    'select * from t, u where t.id = $1',
    'select * from (select 1 as id) t where id = $1',
    'select x, (select 1) from t where id = $1',
    'select sum(x + 1) from t where id = $1',
    'select coalesce(sum(x), 0) from t where id = $1',
    'select x + 1 from t where id = $1',
    'select x, count(*) from t where id = $1 group by x',
    'select count(*) over () from t where id = $1',
    'with t as (select 1 as id) select * from t where id = $1',
    'select * from t where id = $1 union select * from u',
    'delete from t where id = $1',
    'select * from where',
  ])('reads nothing from %s', (sql) => {
    expect(readEqualitySelect(sql, 'postgresql')).toBeUndefined()
  })
})
