import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../../src/sql/dialect.ts'
import { readStatement } from '../../../src/sql/statement.ts'

const dialects: readonly Dialect[] = ['postgresql', 'sqlite', 'mysql']

describe.each(dialects)('parseSql for %s', (dialect) => {
  it.each([
    'select a from t where',
    'select a from t where a = 1 and',
    'select a from t group a',
    'select a from t order by',
    'select a, from t',
    'select a from t limit',
    'insert into t values (1) whatever',
    'delete from t where a = 1 whatever b',
  ])('treats a broken statement as opaque: %s', (sql) => {
    expect(readStatement(sql, dialect).opaque).toBeDefined()
  })

  it('reads the statements after one that it cannot read', () => {
    const { opaque, ddl, kinds } = readStatement('select a from t group a; drop table t', dialect)
    expect(opaque).toBe('BY expected')
    expect(ddl).toBe(true)
    expect(kinds).toEqual(['SELECT', 'DROP'])
  })

  it('finds the calls before the error in a broken statement', () => {
    expect([...readStatement('select f(a) from t group a', dialect).functions]).toEqual(['f'])
  })

  it('finds calls in grammar that it skips', () => {
    const sql =
      dialect === 'postgresql'
        ? 'select 1 from t tablesample system (f(1))'
        : 'select row_number() over (rows f(1) preceding) from t'
    expect([...readStatement(sql, dialect).functions]).toEqual(['f'])
  })

  it('does not treat a table, alias, type or column list before a parenthesis as a call', () => {
    const sql =
      'with w(x) as (select cast(1 as varchar(3))) insert into t (a, b) select w.x, u.y from w join u using (z)'
    expect(readStatement(sql, dialect).functions.size).toBe(0)
  })
})

describe('a long statement', () => {
  it('does not overflow the stack, regardless of the length of a list', () => {
    const items = (item: string) => `${`${item},`.repeat(120_000)}${item}`
    expect(readStatement(`truncate ${items('a')}`, 'postgresql').writes).toHaveLength(120_001)
    expect(
      readStatement(`select rank() over (partition by ${items('a')}) from t`, 'sqlite').opaque,
    ).toBeUndefined()
    const conditions = 'a=1 and '.repeat(30_000)
    expect(
      readStatement(`delete from t where (${conditions} b = 1)`, 'sqlite').writes[0]?.conditions,
    ).toHaveLength(30_001)
  })

  it('returns the position of the last of many placeholders', () => {
    const { listing } = readStatement(
      `select * from t where id in (${Array.from({ length: 30_000 }, () => '?')})`,
      'sqlite',
    )
    expect(listing?.conditions[0]?.values.at(-1)).toBe(29_999)
  })
})

describe('names that only some dialects reserve', () => {
  it('are tables on SQLite', () => {
    expect(readStatement('select x from lateral t', 'sqlite').reads).toEqual([['lateral']])
    expect(readStatement('select returning from a', 'sqlite').opaque).toBeUndefined()
  })

  it('are not tables or columns on other databases', () => {
    expect(readStatement('select for from t', 'postgresql').opaque).toBeDefined()
    expect(readStatement('select * from only', 'postgresql').opaque).toBeDefined()
  })
})

describe('the target of a write', () => {
  it.each(['postgresql', 'sqlite'] as const)(
    'is a table on %s, even if a common table expression has its name',
    (dialect) => {
      expect(readStatement('with t as (select 1) delete from t', dialect)).toMatchObject({
        reads: [['t']],
        writes: [{ name: ['t'], how: 'delete' }],
      })
    },
  )
})
