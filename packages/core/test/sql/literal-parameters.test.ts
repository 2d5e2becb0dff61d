import { describe, expect, it } from 'vitest'
import { literalParameters } from '../../src/sql/literal-parameters.ts'

describe('literalParameters', () => {
  it.each([
    ['SELECT * FROM "a" WHERE "a"."id" = 7;', 'SELECT * FROM "a" WHERE "a"."id" = $1', [7]],
    [
      `SELECT * FROM a WHERE (a.name = 'it''s' AND a.id = 7) ORDER BY id LIMIT 1`,
      'SELECT * FROM a WHERE (a.name = $1 AND a.id = $2) ORDER BY id LIMIT 1',
      ["it's", 7],
    ],
    [`select * from a where name = ''`, 'select * from a where name = $1', ['']],
    [`SELECT '= 7' FROM a WHERE id = 7 -- = 8`, `SELECT '= 7' FROM a WHERE id = $1 -- = 8`, [7]],
  ])('replaces what %s compares', (sql, text, params) => {
    expect(literalParameters(sql, 'postgresql', [])).toEqual({ sql: text, params })
  })

  it.each([
    ['has a parameter', 'SELECT * FROM a WHERE id = 7 AND b = $1'],
    ['is not a select', 'UPDATE a SET b = 1 WHERE id = 7'],
    ['has no comparison', 'SELECT 7 FROM a LIMIT 7'],
    ['compares with an expression', 'SELECT * FROM a WHERE id = 7 + 1'],
    ['casts the value', "SELECT * FROM a WHERE id = '7'::int"],
    ['has a typed literal', "SELECT * FROM a WHERE b = DATE '2026-01-01'"],
    ['has an escape string', "SELECT * FROM a WHERE b = E'x'"],
    ['has a backslash, which a setting gives a meaning', "SELECT * FROM a WHERE b = '\\x41'"],
    ['has a string of two parts', "SELECT * FROM a WHERE b = 'x'\n'y'"],
    ['compares by another operator', 'SELECT * FROM a WHERE id >= 7 AND b <> 8'],
    ['compares a negative number', 'SELECT * FROM a WHERE id = -7'],
    ['compares a decimal', 'SELECT * FROM a WHERE id = 7.5'],
    ['compares an integer of 64 bits', 'SELECT * FROM a WHERE id = 2147483648'],
    ['compares two values', 'SELECT * FROM a WHERE 7 = 7'],
    ['cannot be read', "SELECT * FROM a WHERE b = 'x"],
    ['is very long', `SELECT '${'x'.repeat(20_000)}' FROM a WHERE id = 7`],
  ])('leaves a statement that %s', (_, sql) => {
    expect(literalParameters(sql, 'postgresql', [])).toBeUndefined()
  })

  it.each([
    ['SELECT * FROM `a` WHERE `a`.`id` = 7;', 'SELECT * FROM `a` WHERE `a`.`id` = ?', [7]],
    ["SELECT * FROM a WHERE name = 'x$1'", 'SELECT * FROM a WHERE name = ?', ['x$1']],
  ])('replaces what %s compares in MySQL', (sql, text, params) => {
    expect(literalParameters(sql, 'mysql', [])).toEqual({ sql: text, params })
  })

  it.each([
    ['has a parameter', "SELECT * FROM a WHERE id = 7 AND b <> '?'"],
    ['has a quote, which a mode writes differently', "SELECT * FROM a WHERE b = 'it''s'"],
    ['has a double quote', `SELECT * FROM a WHERE b = '"'`],
    ['has a backslash', "SELECT * FROM a WHERE b = '\\x'"],
    ['has a line break', "SELECT * FROM a WHERE b = '\n'"],
    ['compares a string', 'SELECT * FROM a WHERE "b" = 7'],
  ])('leaves a statement of MySQL that %s', (_, sql) => {
    expect(literalParameters(sql, 'mysql', [])).toBeUndefined()
  })

  describe('beside parameters', () => {
    it.each([
      [
        'SELECT * FROM "a" "x" WHERE (("x"."id" = $1)) AND ( "x"."id" IN (7) )',
        'SELECT * FROM "a" "x" WHERE (("x"."id" = $1)) AND ( "x"."id" IN ($2) )',
        [5],
        [5, 7],
      ],
      [
        'SELECT * FROM "a" WHERE "id" IN (7) AND "id" = $2 AND b = $1 AND "c" IN (8) AND "c" = $2;',
        'SELECT * FROM "a" WHERE "id" IN ($3) AND "id" = $2 AND b = $1 AND "c" IN ($4) AND "c" = $2',
        ['x', 5],
        ['x', 5, 7, 8],
      ],
    ])('replaces the list of one integer in %s', (sql, text, given, params) => {
      expect(literalParameters(sql, 'postgresql', given)).toEqual({ sql: text, params })
      // Other literals keep their types.
      const more = `${sql.replace(';', '')} AND d = 9 AND "d" IN (9)`
      expect(literalParameters(more, 'postgresql', given)?.sql).toBe(`${text} AND d = 9 AND "d" IN (9)`)
    })

    it('inserts them among those of MySQL', () => {
      const sql = 'SELECT ? FROM `a` WHERE `x`.`id` = ? AND `x`.`id` IN (7) AND b = ? AND `x`.`id` IN (8)'
      expect(literalParameters(sql, 'mysql', ['a', 5, 'b'])).toEqual({
        sql: 'SELECT ? FROM `a` WHERE `x`.`id` = ? AND `x`.`id` IN (?) AND b = ? AND `x`.`id` IN (?)',
        params: ['a', 5, 7, 'b', 8],
      })
      expect(literalParameters(sql, 'mysql', ['a', 5])).toBeUndefined()
      // Variables of the session are not parameters.
      const own = 'SELECT @a FROM `a` WHERE `x`.`id` = ? AND `x`.`id` IN (7)'
      expect(literalParameters(own, 'mysql', [5])?.params).toEqual([5, 7])
      expect(literalParameters(own, 'mysql', [5, 6])).toBeUndefined()
    })

    it.each([
      ['has no such column', 'SELECT * FROM a WHERE "b" = $1 AND "id" IN (7)'],
      ['has a column of another table', 'SELECT * FROM a WHERE "id" = $1 AND "x"."id" IN (7)'],
      ['has a longer name', 'SELECT * FROM a WHERE "x"."id" = $1 AND "y"."x"."id" IN (7)'],
      ['has a list of two', 'SELECT * FROM a WHERE "id" = $1 AND "id" IN (7, 8)'],
      ['has it in a string', `SELECT '"id" IN (7)' FROM a WHERE "id" = $1`],
      ['has an integer of 64 bits', 'SELECT * FROM a WHERE "id" = $1 AND "id" IN (2147483648)'],
      ['has a call', 'SELECT * FROM a WHERE "id" = $1 AND lower("id") IN (7)'],
      ['is not a select', 'DELETE FROM a WHERE "id" = $1 AND "id" IN (7)'],
      ['has more parameters', 'SELECT * FROM a WHERE "id" = $1 AND "id" IN (7) AND b = $2'],
      ['cannot be read', `SELECT ' FROM a WHERE "id" = $1 AND "id" IN (7)`],
    ])('leaves a statement that %s', (_, sql) => {
      expect(literalParameters(sql, 'postgresql', [5])).toBeUndefined()
    })

    it('needs as many parameters as the statement', () => {
      const sql = 'SELECT * FROM a WHERE "id" = $1 AND "id" IN (7)'
      expect(literalParameters(sql, 'postgresql', [5])).toBeDefined()
      expect(literalParameters(sql, 'postgresql', [5, 6])).toBeUndefined()
      expect(literalParameters(sql.replace('$1', '?'), 'sqlite', [5])).toBeUndefined()
    })
  })

  it('reads no other dialect', () => {
    expect(literalParameters('SELECT * FROM a WHERE id = 7', 'sqlite', [])).toBeUndefined()
  })
})
