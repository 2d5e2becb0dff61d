import { describe, expect, it } from 'vitest'
import { explainable } from '../../../src/database/explain/explainable.ts'

describe('explainable', () => {
  it.each([
    ['SELECT 1; SELECT 2', 'several'],
    ['SELECT 1; DELETE FROM city', 'several'],
    ['SELECT 1;; -- x\nUPDATE city SET a = 1', 'several'],
    ['', 'no statement'],
    [' -- nothing\n;', 'no statement'],
    ['EXPLAIN DELETE FROM city', 'EXPLAIN'],
    ['ANALYZE DELETE FROM city', 'ANALYZE'],
    ['SELECT * INTO x FROM city', 'cannot be determined'],
    ["SELECT 'unterminated", 'cannot be determined'],
    ['BEGIN', 'BEGIN'],
    ['CREATE TABLE x (a integer)', 'cannot be determined'],
  ])('refuses to explain %j', (sql, reason) => {
    expect(() => explainable(sql, 'postgresql')).toThrow(reason)
  })

  it('removes comments and semicolons around the statement', () => {
    expect(explainable('/* a */ SELECT 1 /* b */ ; -- c', 'postgresql').sql).toBe('SELECT 1')
  })

  it.each([
    ['SELECT name FROM city', undefined],
    ['(SELECT 1) UNION (SELECT 2)', undefined],
    ['WITH x AS (SELECT 1) SELECT * FROM x', undefined],
    ['WITH x AS (DELETE FROM city RETURNING *) SELECT * FROM x', 'it writes'],
    ['INSERT INTO city DEFAULT VALUES', 'it writes'],
    ['SELECT * FROM city FOR SHARE', 'it locks rows'],
    ['SELECT my_function(1)', 'it calls functions with unknown effects (my_function)'],
    ['SELECT pg_advisory_lock(1)', 'it depends on more than tables'],
  ])('determines whether %j may be executed', (sql, reason) => {
    expect(explainable(sql, 'postgresql').notToBeRun).toBe(reason)
  })
})
