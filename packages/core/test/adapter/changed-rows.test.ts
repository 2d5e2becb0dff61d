import { describe, expect, it } from 'vitest'
import { countsChanges, hasChanged } from '../../src/adapter/changed-rows.ts'
import { SchemaCatalog } from '../../src/schema/catalog.ts'
import { CatalogRegistry } from '../../src/schema/catalog-registry.ts'
import type { Dialect } from '../../src/sql/dialect.ts'
import { readStatement } from '../../src/sql/statement.ts'

function catalogsOf(dialect: Dialect): CatalogRegistry {
  const catalogs = new CatalogRegistry()
  const table = (name: string, kind: 'table' | 'view') => ({
    name,
    kind,
    columns: [{ name: 'id', type: 'integer', nullable: false } as const],
    primaryKey: ['id'],
    uniqueKeys: [],
  })
  const ruled = { ...table('ruled', 'table'), hasTriggers: true }
  const tables = [table('t', 'table'), table('u', 'table'), table('v', 'view'), ruled]
  catalogs.set('one', new SchemaCatalog({ dialect, defaultSchema: 'main', tables, foreignKeys: [] }))
  return catalogs
}

const counts = (sql: string, dialect: Dialect = 'postgresql', catalogs = catalogsOf(dialect)) =>
  countsChanges(readStatement(sql, dialect), 'one', catalogs)

describe('countsChanges', () => {
  it('accepts one plain statement on a base table', () => {
    expect(counts('INSERT INTO t VALUES (1)')).toBe(true)
    expect(counts('UPDATE t SET id = 2 WHERE id = 1 RETURNING id')).toBe(true)
    expect(counts('DELETE FROM t WHERE id = 1')).toBe(true)
    expect(counts('UPDATE `t` SET id = 2', 'mysql')).toBe(true)
  })

  it.each([
    ['a view, which can be stored elsewhere', 'UPDATE v SET id = 2'],
    ['a table with rules, which can write elsewhere', 'UPDATE ruled SET id = 2'],
    ['an unknown table', 'UPDATE w SET id = 2'],
    ['a query whose rows are those of a SELECT', 'WITH c AS (DELETE FROM t RETURNING id) SELECT * FROM c'],
    ['several writes', 'WITH c AS (DELETE FROM t RETURNING id) INSERT INTO u SELECT * FROM c'],
    ['several statements', 'UPDATE t SET id = 2; UPDATE t SET id = 3'],
    ['a statement that inserts or updates', 'INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2'],
    ['TRUNCATE', 'TRUNCATE t'],
    ['a plan', 'EXPLAIN UPDATE t SET id = 2'],
    ['a read', 'SELECT * FROM t'],
  ])('refuses %s', (_, sql) => {
    expect(counts(sql)).toBe(false)
  })

  it('refuses statements of MySQL that change a row in several ways', () => {
    expect(counts('INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE id = 2', 'mysql')).toBe(false)
    expect(counts('REPLACE INTO t VALUES (1)', 'mysql')).toBe(false)
    expect(counts('UPDATE t, u SET t.id = 2, u.id = 3', 'mysql')).toBe(false)
  })

  it('refuses a table that a temporary one can hide, and everything without a catalog', () => {
    const catalogs = catalogsOf('mysql')
    catalogs.shadow('t')
    expect(counts('DELETE FROM t', 'mysql', catalogs)).toBe(false)
    catalogs.set('one', undefined)
    expect(counts('DELETE FROM u', 'mysql', catalogs)).toBe(false)
  })
})

describe('hasChanged', () => {
  const changed = (kind: string, dialect: Dialect, answer: unknown, isOpen = false) =>
    hasChanged({ kinds: [kind] }, dialect, answer, isOpen)

  it('counts the rows of PostgreSQL', () => {
    expect(changed('UPDATE', 'postgresql', { rowCount: 1, rows: [] })).toBe(true)
    expect(changed('UPDATE', 'postgresql', { rowCount: 0, rows: [] })).toBe(false)
    expect(changed('UPDATE', 'postgresql', { rowCount: null, rows: [] })).toBe(false)
    expect(changed('DELETE', 'postgresql', { numAffectedRows: 2n, rows: [] })).toBe(true)
    expect(changed('INSERT', 'postgresql', 1)).toBe(true)
    expect(changed('INSERT', 'postgresql', { columnNames: ['id'], rows: [[1]] })).toBe(true)
    expect(changed('INSERT', 'postgresql', { columnNames: ['id'], rows: [] })).toBe(false)
    expect(changed('INSERT', 'postgresql', undefined)).toBe(false)
  })

  it('counts the rows that an UPDATE of MySQL changed, not those that it found', () => {
    const header = { affectedRows: 1, changedRows: 0, serverStatus: 2 }
    expect(changed('UPDATE', 'mysql', [header, undefined])).toBe(false)
    expect(changed('UPDATE', 'mysql', [{ ...header, changedRows: 1 }, undefined])).toBe(true)
    expect(changed('UPDATE', 'mysql', 1)).toBe(false)
    expect(changed('UPDATE', 'mysql', { numAffectedRows: 1n, numChangedRows: 0n, rows: [] })).toBe(false)
    expect(changed('UPDATE', 'mysql', { numAffectedRows: 1n, numChangedRows: 1n, rows: [] })).toBe(true)
    expect(changed('DELETE', 'mysql', [{ ...header, changedRows: 0 }, undefined])).toBe(true)
    expect(changed('DELETE', 'mysql', 1)).toBe(true)
  })

  it('believes the server about the transaction of the connection', () => {
    const header = (serverStatus: number) => [{ affectedRows: 1, changedRows: 0, serverStatus }, undefined]
    expect(changed('INSERT', 'mysql', header(2))).toBe(true)
    // A transaction is open, or autocommit is off.
    expect(changed('INSERT', 'mysql', header(3))).toBe(false)
    expect(changed('INSERT', 'mysql', header(0))).toBe(false)
    expect(changed('INSERT', 'mysql', header(3), true)).toBe(true)
    expect(changed('INSERT', 'mysql', header(2), true)).toBe(false)
  })
})
