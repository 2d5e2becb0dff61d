import { describe, expect, it } from 'vitest'
import { shortSql } from '../../src/report/short-sql.ts'

describe('shortSql', () => {
  it('leaves what has room', () => {
    expect(shortSql('SELECT main.city.id FROM main.city', 34)).toBe('SELECT main.city.id FROM main.city')
  })

  it('leaves out schemas that need no word first, quoted or not', () => {
    expect(shortSql('SELECT main.city.id FROM main.city', 33)).toBe('SELECT city.id FROM city')
    expect(shortSql('SELECT "public"."city"."id" FROM "public"."city"', 40)).toBe('SELECT "city"."id" FROM "city"')
    expect(shortSql('SELECT domain.id, x.main.y FROM domain, main_road', 45)).toContain('main_road'.slice(0, 3))
  })

  it('leaves out what is selected, up to the FROM of the statement itself', () => {
    const sql = 'SELECT city.id, (SELECT max(a) FROM other) AS m, "from" FROM city WHERE id = ?'
    expect(shortSql(sql, 40)).toBe('SELECT … FROM city WHERE id = ?')
  })

  it('cuts the end of what is too long even so', () => {
    expect(shortSql('UPDATE city SET name = ? WHERE id = ?', 20)).toBe('UPDATE city SET nam…')
    expect(shortSql('SELECT id FROM city WHERE name = ? AND region_id = ?', 30)).toBe('SELECT … FROM city WHERE name…')
  })
})
