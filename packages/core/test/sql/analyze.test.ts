import { describe, expect, it } from 'vitest'
import { analyzeSql } from '../../src/sql/analyze.ts'

describe('analyzeSql', () => {
  it('joins the statement with its shape', () => {
    const { statement, shape, fingerprint } = analyzeSql('select * from a where id = 7', 'sqlite')
    expect(statement.reads).toEqual([['a']])
    expect(shape).toBe('select * from a where id = ?')
    expect(fingerprint).toMatch(/^[0-9a-f]{16}$/)
  })

  it('remembers a text, for each dialect apart', () => {
    const sql = 'select * from Remembered'
    const first = analyzeSql(sql, 'sqlite')
    expect(analyzeSql(sql, 'sqlite')).toBe(first)
    expect(analyzeSql(sql, 'postgresql').statement.reads).toEqual([['remembered']])
    expect(first.statement.reads).toEqual([['Remembered']])
  })

  it('does not keep long texts', () => {
    const sql = `select * from a where id in (${'1, '.repeat(10_000)}1)`
    expect(analyzeSql(sql, 'sqlite')).not.toBe(analyzeSql(sql, 'sqlite'))
    expect(analyzeSql(sql, 'sqlite').shape).toBe('select * from a where id in (?)')
  })

  it('makes a text that cannot be split opaque, and shows none of its values', () => {
    const { statement, shape, fingerprint } = analyzeSql("  SELECT 'secret", 'sqlite')
    expect(statement.opaque).toBe('unterminated string')
    expect(shape).toBe('SELECT …')
    expect(fingerprint).toMatch(/^[0-9a-f]{16}$/)
  })

  it.each(['', ';', ')', '(', 'select', 'from from', 'with', 'insert', 'update', '('.repeat(20_000), '[[[', 'select * from', '42'])(
    'never throws: %s',
    (sql) => {
      for (const dialect of ['postgresql', 'sqlite', 'mysql'] as const) expect(analyzeSql(sql, dialect).fingerprint).toHaveLength(16)
    },
  )

  it('gives up on a text nested too deeply', () => {
    const sql = `select ${'('.repeat(5_000)}1${')'.repeat(5_000)}`
    expect(analyzeSql(sql, 'postgresql').statement.opaque).toBe('nested too deeply')
  })
})
