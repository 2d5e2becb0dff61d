import { describe, expect, it } from 'vitest'
import { shortSql } from '../../src/report/short-sql.ts'

describe('shortSql', () => {
  it('does not change a statement that fits', () => {
    expect(shortSql('SELECT main.city.id FROM main.city', 34)).toBe('SELECT main.city.id FROM main.city')
  })

  it('removes default schemas first, quoted or not', () => {
    expect(shortSql('SELECT main.city.id FROM main.city', 33)).toBe('SELECT city.id FROM city')
    expect(shortSql('SELECT "public"."city"."id" FROM "public"."city"', 40)).toBe(
      'SELECT "city"."id" FROM "city"',
    )
    expect(shortSql('SELECT domain.id, x.main.y FROM domain, main_road', 45)).toContain(
      'main_road'.slice(0, 3),
    )
  })

  it('removes the select list, up to the FROM of the outermost statement', () => {
    const sql = 'SELECT city.id, (SELECT max(a) FROM other) AS m, "from" FROM city WHERE id = ?'
    expect(shortSql(sql, 40)).toBe('SELECT … FROM city WHERE id = ?')
  })

  it('truncates the end when the statement is still too long', () => {
    expect(shortSql('UPDATE city SET name = ? WHERE id = ?', 20)).toBe('UPDATE city SET nam…')
    expect(shortSql('SELECT id FROM city WHERE name = ? AND region_id = ?', 30)).toBe(
      'SELECT … FROM city WHERE name…',
    )
  })
})
