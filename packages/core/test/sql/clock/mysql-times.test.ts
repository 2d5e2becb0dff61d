import { describe, expect, it } from 'vitest'
import { readStatement } from '../../../src/sql/statement.ts'

const read = (sql: string) => readStatement(sql, 'mysql')

describe('a TIME of MySQL', () => {
  it.each([
    'select cast(opens as datetime) from shops',
    'select s.opens > s.created_at from shops s',
    `select date_format(opens, '%Y') from shops`,
    'select id from shops where opens > created_at',
    'select if(a, opens, b) from shops',
    'select timestamp(t.opens) from (select opens from shops) t',
  ])('may be completed with the current date: %s', (sql) => {
    expect(read(sql).timed).toContain('opens')
  })

  it.each([
    'select id, opens from shops',
    'select opens as o, s.opens from shops s order by opens desc',
    'select id from shops where opens = ? and id > 3',
    `select id from shops where (opens >= '10:00')`,
    'select hour(opens), count(opens) from shops',
  ])('is not completed: %s', (sql) => {
    expect(read(sql).timed).not.toContain('opens')
  })

  it('may be completed if it comes from a conversion', () => {
    expect(read('select cast(cast(a as time) as datetime) from shops').volatile).toBe(true)
    expect(read('select cast(cast(a as time(3)) as datetime) from shops').volatile).toBe(true)
    expect(read('select time(a) > b from shops').volatile).toBe(true)
    expect(read(`select timestamp(time '10:00') from shops`).volatile).toBe(true)
    expect(read(`select time(a), time '10:00' from shops`).volatile).toBe(false)
  })
})
