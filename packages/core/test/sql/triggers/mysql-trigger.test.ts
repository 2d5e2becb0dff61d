import { describe, expect, it } from 'vitest'
import { columnsSetByMysqlTrigger } from '../../../src/sql/triggers/mysql-trigger.ts'

const set = (body: string, mode = 'STRICT_TRANS_TABLES', ...calling: readonly string[]) => {
  const columns = columnsSetByMysqlTrigger(body, mode, new Set(calling))
  return columns && [...columns].sort()
}

describe('the columns that a trigger of MySQL sets', () => {
  it.each([
    ['SET NEW.updated_at = NOW(6), NEW.`Slug` = LOWER(REPLACE(NEW.title, "a", "b"))', ['slug', 'updated_at']],
    [
      'BEGIN IF NEW.a < 0 THEN SIGNAL SQLSTATE "45000" SET MESSAGE_TEXT = "no", MYSQL_ERRNO = 1001; END IF; END',
      [],
    ],
    [
      'BEGIN DECLARE n, m INT DEFAULT 0; SELECT COUNT(*), 2 INTO n, m FROM t WHERE id = NEW.id; SET n := n + 1, NEW.n = (n + m); END',
      ['n'],
    ],
    [
      'BEGIN DECLARE c VARCHAR(9) CHARACTER SET utf8mb4; SET @last = NEW.id; SET NEW.delete = CONCAT(c, IF(NEW.id IN (1, 2), 1, 0)); END',
      ['delete'],
    ],
    ['BEGIN SELECT a, b INTO @x, NEW.c FROM t; END', ['c']],
  ])('%s', (body, columns) => {
    expect(set(body)).toEqual(columns)
  })

  it.each([
    'INSERT INTO log VALUES (NEW.id)',
    'BEGIN REPLACE INTO log VALUES (1); END',
    'BEGIN IF a THEN DELETE FROM log; END IF; END',
    'CALL p()',
    'BEGIN SET NEW.a = f(); END',
    'SET NEW.a = other.lower(1)',
    'SET NEW.a = `lower`(1)',
    'SET NEW.a = "f"(1)',
    "SET sql_mode = ''",
    "SET SESSION sql_mode = ''",
    "BEGIN DECLARE session INT; SET session sql_mode = ''; END",
    'SET @@sql_mode = 1',
    'BEGIN SELECT a INTO sql_mode FROM t; END',
    'CREATE TEMPORARY TABLE t (id INT)',
    'SET NEW.a = (SELECT MAX(x) FROM other.v)',
    'BEGIN SELECT a INTO @x FROM t, other.v; END',
    'BEGIN SELECT t.a INTO @x FROM t LEFT JOIN other.v ON t.a = v.a; END',
    'BEGIN SELECT t.a INTO @x FROM (other.v, t); END',
    'SET NEW.a = /*! f() */ 1',
    "SET NEW.a = 'open",
  ])('are unknown: %s', (body) => {
    expect(set(body)).toBeUndefined()
  })

  it('are unknown in a mode with other strings', () => {
    const body = "SET NEW.a = 'x'"
    expect(
      ['STRICT_ALL_TABLES', 'ANSI_QUOTES', 'NO_BACKSLASH_ESCAPES', 'ORACLE'].map((mode) => set(body, mode)),
    ).toEqual([['a'], undefined, undefined, undefined])
  })

  it('are unknown if the trigger reads a view with functions', () => {
    const body = 'BEGIN SELECT MAX(x) INTO @a FROM `V`; END'
    expect([set(body, '', 'v'), set(body, '', 'w')]).toEqual([undefined, []])
  })
})
