import { InvalidArgumentError, type QueryInput } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { fixFor, mergeByKey } from '../../../src/sql/batch/batch-query.ts'

const merge = (queries: readonly QueryInput[], dialect: 'postgresql' | 'mysql' | 'sqlite' = 'postgresql') =>
  mergeByKey(queries, dialect, (table, column) => table.at(-1) === 'users' && column === 'id')

const bound = (sql: string, ...parameters: unknown[]) => ({ sql, parameters })

describe('mergeByKey', () => {
  it('replaces literals with parameters of the dialect', () => {
    const queries = ['SELECT * FROM posts WHERE author_id = 1', 'SELECT * FROM posts WHERE author_id = 2']
    expect(merge(queries)).toEqual({
      query: 'SELECT * FROM posts WHERE author_id IN ($1, $2)',
      parameters: [1, 2],
      originalQueries: queries,
      keyColumn: 'author_id',
    })
    expect(merge(queries, 'mysql').query).toBe('SELECT * FROM posts WHERE author_id IN (?, ?)')
  })

  it('keeps parameters in order before and after the key', () => {
    const sql =
      "select a from t join u on u.id = t.id and u.x = ? where t.k = ? and t.b > ? and t.c = 'open' order by a"
    expect(merge([bound(sql, 9, 'k1', 5), bound(sql, 9, 'k2', 5)], 'sqlite')).toMatchObject({
      query:
        'select a, t.k from t join u on u.id = t.id and u.x = ? where t.k IN (?, ?) and t.b > ? and t.c = ? order by a',
      parameters: [9, 'k1', 'k2', 5, 'open'],
      keyColumn: 'k',
    })
  })

  it('renumbers placeholders in order', () => {
    const sql = 'select * from t where b = $2 and k = $1'
    expect(merge([bound(sql, 1, 'b'), bound(sql, 2, 'b')])).toMatchObject({
      query: 'select * from t where b = $1 and k IN ($2, $3)',
      parameters: ['b', 1, 2],
    })
  })

  it("removes duplicate keys, and distinguishes 1, '1' and 1n", () => {
    const sql = 'select * from t where k = ?'
    expect(merge([1, 1, '1', 1n, 2].map((key) => bound(sql, key))).parameters).toEqual([1, '1', 1n, 2])
    expect(merge([bound(sql, 7), bound(sql, 7)]).parameters).toEqual([7])
  })

  it('reads large integers, decimals and doubled quotes', () => {
    const key = (text: string) => merge([`select * from t where k = ${text}`]).parameters
    expect([key('9007199254740993'), key('1.5'), key("'it''s'")]).toEqual([
      [9007199254740993n],
      [1.5],
      ["it's"],
    ])
  })

  it.each([
    ['select name from users where id = 1', 'select name, id from users where id IN ($1)', 'id'],
    ['select id, name from users where id = 1', 'select id, name from users where id IN ($1)', 'id'],
    ['select u.* from users u where u.id = 1', 'select u.* from users u where u.id IN ($1)', 'id'],
    [
      'select name as id from users where id = 1',
      'select name as id, id AS sluice_key from users where id IN ($1)',
      'sluice_key',
    ],
    [
      'select * from users join t on t.u = users.id where t.id = 1',
      'select *, t.id AS sluice_key from users join t on t.u = users.id where t.id IN ($1)',
      'sluice_key',
    ],
    [
      'select distinct lower(name) from users where 1 = id',
      'select distinct lower(name), id from users where id IN ($1)',
      'id',
    ],
    ['select name from users where id = 1 limit 1', 'select name, id from users where id IN ($1)', 'id'],
    [
      'select name /* who */ from users where id = 1;',
      'select name, id /* who */ from users where id IN ($1)',
      'id',
    ],
  ])('creates for %s a query whose rows can be assigned to keys', (sql, query, keyColumn) => {
    expect(merge([sql])).toMatchObject({ query, keyColumn })
  })

  it.each<[string, readonly QueryInput[]]>([
    ['other shapes', ['select * from t where k = 1', 'select * from u where k = 1']],
    ['another operator', ['select * from t where k > 1', 'select * from t where k > 2']],
    ['no key', ['select * from t', 'select * from t']],
    [
      'two differing values',
      ['select * from t where k = 1 and b = 1', 'select * from t where k = 2 and b = 2'],
    ],
    ['a differing value that is no key', ['select 1 from t where k = 1', 'select 2 from t where k = 1']],
    ['an alternative', ['select * from t where k = 1 or b = 1', 'select * from t where k = 2 or b = 1']],
    ['LIMIT', ['select * from t where k = 1 limit 1', 'select * from t where k = 2 limit 1']],
    ['LIMIT with OFFSET', ['select * from users where id = 1 limit 1 offset 1']],
    ['an aggregate', ['select count(*) from t where k = 1', 'select count(*) from t where k = 2']],
    ['a window', ['select row_number() over (order by a) from t where k = 1']],
    ['GROUP BY', ['select a from t where k = 1 group by a']],
    ['HAVING', ['select 1 from t where k = 1 having true']],
    ['DISTINCT ON', ['select distinct on (a) a, b from t where k = 1']],
    ['UNION', ['select a from t where k = 1 union select a from u where k = 1']],
    ['a common table expression', ['with t as (select 1 as k) select * from t where k = 1']],
    ['a write', ['delete from t where k = 1', 'delete from t where k = 2']],
    ['several statements', ['select * from t where k = 1; select * from t where k = 2']],
    ['a lock', ['select * from t where k = 1 for update']],
    ['a key that NULL equals', [bound('select * from t where k is not distinct from $1', 1)]],
    ['a row of keys', ['select * from t where (k, b) = (1, b)']],
    ['a negated condition', ['select * from t where not k <> 1']],
    ['text after the query', ['select * from t where k = 1 whatever']],
    [
      'the same query without one key',
      ['select * from t where k = 1 and b = 2', 'select * from t where k = 1 and b = 2'],
    ],
    ['named placeholders', [bound('select * from t where k = :k', 1)]],
    ['missing parameters', [bound('select * from t where k = $1')]],
    ['too many parameters', [bound('select * from t where k = $1', 1, 2)]],
    ['an unreadable text', ["select * from t where k = 'x"]],
    ['an empty text', [' ']],
    ['what is no query', [7 as unknown as string]],
    ['no queries', []],
  ])('throws for %s', (_, queries) => {
    expect(() => merge(queries)).toThrow(InvalidArgumentError)
    expect(() => merge(queries)).toThrow(/expected /)
  })

  it('throws for more keys than the database can bind', () => {
    const queries = Array.from({ length: 901 }, (_, key) => bound('select * from t where k = ?', key))
    expect(() => merge(queries, 'sqlite')).toThrow('at most 900')
    expect(merge(queries.slice(1), 'sqlite').parameters).toHaveLength(900)
  })
})

describe('fixFor', () => {
  it('finds the only key among other conditions', () => {
    expect(fixFor('SELECT id FROM t WHERE a > 1 AND id = ?', 'sqlite')).toBe(
      'SELECT id FROM t WHERE a > ? AND id IN (?)',
    )
    expect(fixFor('SELECT id FROM t WHERE a = ? AND id = ?', 'sqlite')).toBeUndefined()
  })
})
