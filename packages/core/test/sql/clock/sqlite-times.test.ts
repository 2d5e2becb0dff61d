import { describe, expect, it } from 'vitest'
import { readStatement } from '../../../src/sql/statement.ts'

const mayReadClock = (expression: string) =>
  readStatement(`select ${expression} from orders`, 'sqlite').volatile

describe('times of SQLite', () => {
  it.each([
    'date()',
    `date('now')`,
    `datetime('Subsec')`,
    'unixepoch()',
    `strftime('%Y')`,
    'date(?)',
    'date(created_at)',
    `strftime('%Y', o.created_at)`,
    `date('n' || 'ow')`,
    `date(lower('NOW'))`,
    `date(coalesce(?, '2020-01-01'))`,
    `date(coalesce(shipped_at, 'now'))`,
    `date(created_at, 'auto')`,
    'date("now")',
    `julianday(substr(created_at, 1, 10))`,
    `date(data->>'at')`,
    `date(-created_at, '+1 day') || date(name)`,
    `date(strftime('now', 0))`,
    `date(cast(name as text))`,
  ])('may be read from the clock: %s', (expression) => {
    expect(mayReadClock(expression)).toBe(true)
  })

  it.each([
    `date('2020-01-01', '+1 day')`,
    `date('2020-01-01', ?)`,
    'date(2459000.5)',
    `datetime(created_at, 'unixepoch')`,
    `strftime('%Y', created_at, 'unixepoch', 'localtime')`,
    `datetime(?, 'unixepoch')`,
    `date(created_at / 1000, 'unixepoch', 'start of month')`,
    'date(created_at * 1.0)',
    'date(cast(created_at as integer))',
    `strftime('%m', year || '-' || month || '-01')`,
    'date(max(1, 2))',
    `strftime('%Y', date(2459000.5))`,
    'round(julianday(2459000.5))',
  ])('are known: %s', (expression) => {
    expect(mayReadClock(expression)).toBe(false)
  })
})
