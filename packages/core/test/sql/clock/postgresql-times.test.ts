import { describe, expect, it } from 'vitest'
import { readStatement } from '../../../src/sql/statement.ts'

/** `clock`: the result may depend on it; otherwise the columns that must not contain strings. */
function timed(expression: string, from = 'from orders o'): string | readonly string[] {
  const { volatile, timed: columns, opaque } = readStatement(`select ${expression} ${from}`, 'postgresql')
  if (opaque !== undefined) return opaque
  return volatile ? 'clock' : columns
}

describe('conversions to a time on PostgreSQL', () => {
  it.each([
    `('no' || 'w')::timestamp`,
    `concat('to', 'day')::date`,
    `cast(lower('NO' || 'W') as timestamptz)`,
    `cast('no' || 'w' as timestamp with time zone)`,
    `date('no' || 'w')`,
    `timestamptz('no' || 'w')`,
    `(a || b)::"timestamp"`,
    `(a || b)::pg_catalog.date`,
    `array['no' || 'w']::date[]`,
    `string_to_array(a, ',')::date[]`,
    `(a->>'at')::timestamptz`,
    `(a || b)::text::date`,
    `replace(a, 'x', '')::date`,
    `case when a then b else c end::date`,
    `('[' || a || ',)')::tsrange`,
    `(a || b)::my_domain`,
    `json_value(a, '$.at' returning date)`,
    `coalesce(o.shipped_at, 'no' || 'w')::date`,
    `created_at::date as d, lower(a) as created_at`,
    `(o.item).at::date`,
  ])('may read the clock: %s', (expression) => {
    expect(timed(expression)).toBe('clock')
  })

  it.each([
    ['created_at::date', ['created_at']],
    ['o.created_at::date', ['created_at']],
    ['date(created_at)', ['created_at']],
    ['cast(o.created_at as date)', ['created_at']],
    ['created_at::text::date', ['created_at']],
    ['coalesce(shipped_at, created_at)::date', ['shipped_at', 'created_at']],
    ['max(created_at)::date', ['created_at']],
    ['count(*)::int', []],
    ['name::text', []],
    [`data::jsonb`, []],
    [`'2020-01-01'::date`, []],
    [`date '2020-01-01'`, []],
    ['$1::date', []],
    ['cast($1 as "Mood")', []],
    [`date_trunc('day', created_at)::date`, []],
    [`to_char(created_at, 'YYYY-MM-01')::date`, []],
    [`(created_at at time zone 'UTC')::date`, []],
    [`(created_at + interval '1 day')::date`, []],
    ['extract(year from created_at)', []],
    ['sum(total)::numeric(10, 2)::float', []],
  ])('depends on the columns that it converts: %s', (expression, columns) => {
    expect(timed(expression)).toEqual(columns)
  })

  it('may read the clock if another value has the name of a column', () => {
    const derived = (select: string) => timed('created_at::date', `from (${select}) t, orders`)
    expect(derived(`select 'no' || 'w' as created_at`)).toBe('clock')
    expect(derived(`select 'no' || 'w' created_at`)).toBe('clock')
    expect(timed('created_at::date', `from (select 'no' || 'w') t(created_at), orders`)).toBe('clock')
    expect(timed('created_at::date', `from json_to_record($1) t(created_at text), orders`)).toBe('clock')
    expect(derived('select o.created_at from orders o where o.created_at > $1')).toEqual(['created_at'])
  })

  it('is not examined in a long expression', () => {
    const values = Array.from({ length: 300 }, () => 'created_at').join(', ')
    expect(timed(`coalesce(${values})::date`)).toBe('clock')
  })
})
