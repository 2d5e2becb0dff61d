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
  ])('takes a broken statement for opaque: %s', (sql) => {
    expect(readStatement(sql, dialect).opaque).toBeDefined()
  })

  it('reads the statements after one that it cannot read', () => {
    const { opaque, ddl, kinds } = readStatement('select a from t group a; drop table t', dialect)
    expect(opaque).toBe('BY expected')
    expect(ddl).toBe(true)
    expect(kinds).toEqual(['SELECT', 'DROP'])
  })

  it('finds the calls that a broken statement makes before it breaks', () => {
    expect([...readStatement('select f(a) from t group a', dialect).functions]).toEqual(['f'])
  })

  it('finds calls in grammar that it skips', () => {
    const sql =
      dialect === 'postgresql' ? 'select 1 from t tablesample system (f(1))' : 'select row_number() over (rows f(1) preceding) from t'
    expect([...readStatement(sql, dialect).functions]).toEqual(['f'])
  })

  it('takes no table, alias, type or column list before a parenthesis for a call', () => {
    const sql = 'with w(x) as (select cast(1 as varchar(3))) insert into t (a, b) select w.x, u.y from w join u using (z)'
    expect(readStatement(sql, dialect).functions.size).toBe(0)
  })
})

const TIMES = 16

/** CPU time of reading a statement of 16 times the size, in times of that of reading the smaller one 16 times: 1 to 3 if linear, 7 to 16 if quadratic. */
function growth(size: number, sqlOf: (size: number) => string, dialect: Dialect): number {
  const spent = (sql: string, times: number) => {
    const before = process.cpuUsage()
    for (let time = 0; time < times; time++) readStatement(sql, dialect)
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  const [small, large] = [sqlOf(size), sqlOf(size * TIMES)]
  // The first runs compile the code. Other threads, such as the garbage collector's, take CPU time as well.
  const best = (sql: string, times: number) => Math.min(...Array.from({ length: 3 }, () => spent(sql, times)))
  return best(large, 1) / best(small, TIMES)
}

describe('the time that a long statement takes grows with its length:', () => {
  const list = (size: number, item: (at: number) => string) => Array.from({ length: size }, (_, at) => item(at))

  it.each<[string, Dialect, number, (size: number) => string]>([
    ['placeholders', 'sqlite', 2_000, (size) => `select * from t where id in (${list(size, () => '?')})`],
    [
      'common table expressions',
      'mysql',
      500,
      (size) => `with ${list(size, (at) => `c${at} as (select a from ${at === 0 ? 't' : `c${at - 1}`})`)} select a from c${size - 1}`,
    ],
    [
      'columns to order by',
      'postgresql',
      1_000,
      (size) => `select ${list(size, (at) => `a${at}`)} from t order by ${list(size, (at) => `a${at}`)}`,
    ],
    ['queries', 'sqlite', 500, (size) => list(size, (at) => `select a from t where b = ${at}`).join(' union all ')],
  ])('%s (%s)', { timeout: 60_000 }, (_, dialect, size, sqlOf) => {
    expect(readStatement(sqlOf(size), dialect).opaque).toBeUndefined()
    expect(growth(size, sqlOf, dialect)).toBeLessThan(5)
  })

  it('exhausts no stack, however many items a list has', { timeout: 60_000 }, () => {
    const items = (item: string) => `${`${item}, `.repeat(150_000)}${item}`
    expect(readStatement(`truncate ${items('a')}`, 'postgresql').writes).toHaveLength(150_001)
    expect(readStatement(`select rank() over (partition by ${items('a')}) from t`, 'sqlite').opaque).toBeUndefined()
    const conditions = 'a = 1 and '.repeat(150_000)
    expect(readStatement(`delete from t where (${conditions} b = 1)`, 'sqlite').writes[0]?.conditions).toHaveLength(150_001)
  })

  it('tells the place of the last of many placeholders', () => {
    const { listing } = readStatement(`select * from t where id in (${list(30_000, () => '?')})`, 'sqlite')
    expect(listing?.conditions[0]?.values.at(-1)).toBe(29_999)
  })
})

describe('names that only some dialects reserve', () => {
  it('are tables of SQLite', () => {
    expect(readStatement('select x from lateral t', 'sqlite').reads).toEqual([['lateral']])
    expect(readStatement('select returning from a', 'sqlite').opaque).toBeUndefined()
  })

  it('are not tables or columns elsewhere', () => {
    expect(readStatement('select for from t', 'postgresql').opaque).toBeDefined()
    expect(readStatement('select * from only', 'postgresql').opaque).toBeDefined()
  })
})

describe('the target of a write', () => {
  it.each(['postgresql', 'sqlite'] as const)('is a table of %s, even where a common table expression has its name', (dialect) => {
    expect(readStatement('with t as (select 1) delete from t', dialect)).toMatchObject({
      reads: [['t']],
      writes: [{ name: ['t'], how: 'delete' }],
    })
  })
})
