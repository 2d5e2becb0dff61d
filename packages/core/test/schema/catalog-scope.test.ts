import { describe, expect, it } from 'vitest'
import { databasesNamed, inDatabases } from '../../src/schema/catalog-scope.ts'
import { readStatement } from '../../src/sql/statement.ts'

describe('catalog-scope', () => {
  it('selects the database of the connection, and others by names that need no quotes', () => {
    expect(inDatabases('TABLE_SCHEMA', [])).toBe('TABLE_SCHEMA IN (DATABASE())')
    expect(inDatabases('c', [`it's`])).toBe(`c IN (DATABASE(), _utf8mb4 X'69742773')`)
  })

  it('finds the databases that a statement names', () => {
    const named = (sql: string, dialect: 'mysql' | 'postgresql' = 'mysql') =>
      databasesNamed(readStatement(sql, dialect), dialect)
    expect(
      named('select * from city join crm.customer c on c.id = city.id join CRM.note using (id)'),
    ).toEqual(['crm', 'CRM'])
    expect(named('update wiki.page set title = (select name from geo.city limit 1)')).toEqual(['wiki', 'geo'])
    expect(named('select * from information_schema.tables, `mysql`.user')).toEqual([])
    expect(named('select * from city')).toEqual([])
    expect(named('select * from crm.customer', 'postgresql')).toEqual([])
  })
})
