import { describe, expect, it } from 'vitest'
import { inlineValues } from '../../../src/database/explain/literals.ts'

describe('inlineValues', () => {
  it('ignores parameters in strings and comments', () => {
    const sql = `SELECT '?', "?", $1 /* $1 */ -- $2\n, $$ $1 $$, $2`
    expect(inlineValues(sql, 'postgresql', [1, 2])).toBe(
      `SELECT '?', "?", '1' /* $1 */ -- $2\n, $$ $1 $$, '2'`,
    )
    expect(inlineValues("SELECT '?', ? # ?\n, '\\'?', ?", 'mysql', [1, 2])).toBe(
      "SELECT '?', 1 # ?\n, '\\'?', 2",
    )
    expect(inlineValues("SELECT '?', [?], ? -- ?", 'sqlite', [1])).toBe("SELECT '?', [?], 1 -- ?")
  })

  it('uses numbered parameters by their number', () => {
    expect(inlineValues('SELECT $2, $1, $2', 'postgresql', ['a', 'b'])).toBe(`SELECT 'b', 'a', 'b'`)
    expect(inlineValues('SELECT ?2, ?, :a, ?1, :a, @b', 'sqlite', ['a', 'b', 'c', 'd', 'e'])).toBe(
      `SELECT 'b', 'c', 'd', 'a', 'd', 'e'`,
    )
  })

  it('ignores session variables', () => {
    expect(inlineValues('SELECT @x, @@sql_mode, ?', 'mysql', [1])).toBe('SELECT @x, @@sql_mode, 1')
  })

  it('keeps tokens separate', () => {
    expect(inlineValues('SELECT 1 LIMIT?', 'sqlite', [5])).toBe('SELECT 1 LIMIT 5')
    expect(inlineValues('SELECT ?AND 1', 'mysql', [5])).toBe('SELECT 5 AND 1')
    expect(inlineValues('SELECT 5-?', 'mysql', [-5])).toBe('SELECT 5-(-5)')
  })

  it.each([
    ['postgresql', `it's`, `'it''s'`],
    ['postgresql', `a\\'b`, `E'a\\\\''b'`],
    ['sqlite', `a\\'b`, `'a\\''b'`],
    ['sqlite', 'a\0b', `CAST(X'610062' AS TEXT)`],
    ['mysql', `it's`, `'it''s'`],
    ['mysql', `a\\'b`, `_utf8mb4 X'615c2762'`],
    ['mysql', 'a\0b', `_utf8mb4 X'610062'`],
  ] as const)('quotes a string for %s: %j', (dialect, value, literal) => {
    expect(inlineValues(dialect === 'postgresql' ? '$1' : '?', dialect, [value])).toBe(literal)
  })

  it.each([
    ['null', null, 'NULL', 'NULL', 'NULL'],
    ['an integer', 42, `'42'`, '42', '42'],
    ['a negative number', -1.5, `'-1.5'`, '(-1.5)', '(-1.5)'],
    ['a bigint', 9007199254740993n, `'9007199254740993'`, '9007199254740993', '9007199254740993'],
    ['a boolean', true, `'true'`, '1', 'TRUE'],
    [
      'a date',
      new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6)),
      `'2026-01-02 03:04:05.006+00:00'`,
      '1767323045006',
      `'2026-01-02 03:04:05.006'`,
    ],
    ['bytes', Buffer.from([0, 255]), `E'\\\\x00ff'`, `X'00ff'`, `X'00ff'`],
    ['an object', { a: `'` }, `'{"a":"''"}'`, `'{"a":"''"}'`, `'{"a":"''"}'`],
  ])('writes %s for each dialect', (_, value, postgresql, sqlite, mysql) => {
    expect(inlineValues('$1', 'postgresql', [value])).toBe(postgresql)
    expect(inlineValues('?', 'sqlite', [value])).toBe(sqlite)
    expect(inlineValues('?', 'mysql', [value])).toBe(mysql)
  })

  it('writes arrays for ANY on PostgreSQL, and for IN on MySQL', () => {
    expect(inlineValues('= ANY($1)', 'postgresql', [[1, null, `a"b\\c'`]])).toBe(
      `= ANY(E'{"1",NULL,"a\\\\"b\\\\\\\\c''"}')`,
    )
    expect(inlineValues('IN (?)', 'mysql', [[1, 'a']])).toBe(`IN (1, 'a')`)
    expect(() => inlineValues('IN (?)', 'sqlite', [[1]])).toThrow('SQLite')
  })

  it('throws for values that are missing or cannot be bound', () => {
    expect(() => inlineValues('$1 $2', 'postgresql', [1])).toThrow('a value for each parameter ($2)')
    expect(() => inlineValues('$1', 'postgresql', ['a\0'])).toThrow('a string without NUL')
    expect(() => inlineValues('?', 'mysql', [Number.NaN])).toThrow('a finite number')
    expect(() => inlineValues('?', 'sqlite', [() => 1])).toThrow('a value that can be bound')
  })
})
