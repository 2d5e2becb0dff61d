import { describe, expect, it } from 'vitest'
import { readSqliteTrigger } from '../../../src/sql/triggers/sqlite-trigger.ts'

const read = (sql: string, keys: readonly string[][] = [['id'], ['rowid']]) =>
  readSqliteTrigger(sql, { name: 'city', keys, calling: new Set(['v']) })

const trigger = (body: string, event = 'AFTER UPDATE') =>
  read(`CREATE TRIGGER t ${event} ON city BEGIN ${body} END`)

describe('a trigger of SQLite', () => {
  it.each([
    'UPDATE city SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;',
    'update "City" set updated_at = datetime() where new.rowid = city.rowid;',
    'UPDATE city AS c SET updated_at = 1 WHERE c.id = OLD.id AND c.a <> 1;',
  ])('changes the row that fired it: %s', (body) => {
    expect(trigger(body)?.change).toEqual({ columns: ['updated_at'], isOfRow: true })
  })

  it.each([
    'UPDATE city SET a = 1;',
    'UPDATE city SET a = 1 WHERE id = NEW.parent_id;',
    'UPDATE city SET a = 1 WHERE id = 1 OR id = NEW.id;',
    'UPDATE city SET a = 1 WHERE id >= NEW.id;',
    'UPDATE city AS new SET a = 1 WHERE id = new.id;',
    'UPDATE city SET a = 1 WHERE id = NEW.id COLLATE NOCASE;',
    'UPDATE city SET a = 1 WHERE NOT id = NEW.id;',
    'UPDATE city SET a = 1 WHERE id = NEW.id; UPDATE city SET a = 2;',
    'UPDATE city SET a = b.a FROM b WHERE id = NEW.id;',
  ])('changes rows of its table: %s', (body) => {
    expect(trigger(body)?.change).toEqual({ columns: ['a'], isOfRow: false })
  })

  it('is of the row only by the whole key', () => {
    const body = 'UPDATE city SET a = 1 WHERE x = NEW.x;'
    const isOfRow = (...keys: readonly string[][]) =>
      read(`CREATE TRIGGER t AFTER INSERT ON city BEGIN ${body} END`, [...keys])?.change?.isOfRow
    expect([isOfRow(['x']), isOfRow(['x', 'y']), isOfRow([])]).toEqual([true, false, false])
  })

  it.each([
    ["SELECT RAISE(ABORT, 'no') WHERE NEW.a < 1;", undefined],
    ["SELECT CASE WHEN NEW.a < 1 THEN RAISE(ROLLBACK, 'no') END;", undefined],
    ['SELECT 1 FROM other;', undefined],
  ])('changes nothing: %s', (body, change) => {
    expect(trigger(body)).toEqual({ event: 'update', change })
  })

  it.each([
    ['BEFORE DELETE', 'delete'],
    ['AFTER INSERT', 'insert'],
    ['UPDATE OF a, "delete"', 'update'],
    ['AFTER UPDATE OF updated_at', 'update'],
  ])('is fired by %s', (event, expected) => {
    expect(trigger('SELECT 1;', event)?.event).toBe(expected)
  })

  it('may have a condition', () => {
    const when = (condition: string) =>
      read(`CREATE TRIGGER t AFTER UPDATE ON city FOR EACH ROW WHEN ${condition} BEGIN SELECT 1; END`)
    expect(when('NEW.begin <> OLD.begin')).toEqual({ event: 'update', change: undefined })
    expect(when('f(NEW.a)')).toBeUndefined()
  })

  it.each([
    'INSERT INTO log VALUES (NEW.id);',
    'UPDATE log SET a = 1 WHERE id = NEW.id;',
    'UPDATE main.city SET a = 1 WHERE id = NEW.id;',
    'UPDATE OR REPLACE city SET a = 1 WHERE id = NEW.id;',
    'DELETE FROM city WHERE id = OLD.id;',
    'SELECT f();',
    'SELECT * FROM v;',
    'UPDATE city SET a = f() WHERE id = NEW.id;',
    'SELECT 1; DELETE FROM log;',
    'SELECT 1; WITH x AS (SELECT 1) INSERT INTO log SELECT * FROM x;',
    'SELECT 1',
    "SELECT 'open;",
  ])('may change anything: %s', (body) => {
    expect(trigger(body)).toBeUndefined()
  })
})
