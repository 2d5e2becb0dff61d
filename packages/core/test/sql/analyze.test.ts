import { describe, expect, it } from 'vitest'
import { analyzeSql } from '../../src/sql/analyze.ts'

describe('analyzeSql', () => {
  it('returns the statement with its normalized query', () => {
    const { statement, shape, fingerprint } = analyzeSql('select * from a where id = 7', 'sqlite')
    expect(statement.reads).toEqual([['a']])
    expect(shape).toBe('select * from a where id = ?')
    expect(fingerprint).toMatch(/^[0-9a-f]{16}$/)
  })

  it('caches a string separately for each dialect', () => {
    const sql = 'select * from Remembered'
    const first = analyzeSql(sql, 'sqlite')
    expect(analyzeSql(sql, 'sqlite')).toBe(first)
    expect(analyzeSql(sql, 'postgresql').statement.reads).toEqual([['remembered']])
    expect(first.statement.reads).toEqual([['Remembered']])
  })

  it('caches the latest long strings, without evicting short ones', () => {
    const long = (n: number) => `select * from a where id in (${'1, '.repeat(30_000)}${n})`
    const short = analyzeSql('select "Kept"', 'mysql')
    const first = analyzeSql(long(0), 'mysql')
    expect(first.shape).toBe('select * from a where id in (?)')
    expect(analyzeSql(long(0), 'mysql')).toBe(first)
    for (let n = 1; n < 7; n += 1) analyzeSql(long(n), 'mysql')
    expect(analyzeSql(long(0), 'mysql')).not.toBe(first)
    expect(analyzeSql('select "Kept"', 'mysql')).toBe(short)
  })

  it('evicts short strings when their total size is too large', () => {
    const text = (n: number) => `select ${n} as ${'a'.repeat(15_000)}`
    const first = analyzeSql(text(0), 'mysql')
    expect(analyzeSql(text(0), 'mysql')).toBe(first)
    for (let n = 1; n < 200; n += 1) analyzeSql(text(n), 'mysql')
    expect(analyzeSql(text(0), 'mysql')).not.toBe(first)
  })

  it('truncates a long normalized query, and distinguishes it from others by the whole', () => {
    const text = (last: string) =>
      `select ${Array.from({ length: 3000 }, (_, i) => `c${i}`).join(', ')}, ${last} from a`
    const { shape, fingerprint } = analyzeSql(text('x'), 'sqlite')
    expect(shape).toHaveLength(5002)
    expect(shape.endsWith(' …')).toBe(true)
    expect(analyzeSql(text('y'), 'sqlite').shape).toBe(shape)
    expect(analyzeSql(text('y'), 'sqlite').fingerprint).not.toBe(fingerprint)
  })

  it('treats a string that cannot be tokenized as opaque, and shows none of its values', () => {
    const { statement, shape, fingerprint } = analyzeSql("  SELECT 'secret", 'sqlite')
    expect(statement.opaque).toBe('unterminated string')
    expect(shape).toBe('SELECT …')
    expect(fingerprint).toMatch(/^[0-9a-f]{16}$/)
  })

  it.each([
    '',
    ';',
    ')',
    '(',
    'select',
    'from from',
    'with',
    'insert',
    'update',
    '('.repeat(20_000),
    '[[[',
    'select * from',
    '42',
  ])('never throws: %s', (sql) => {
    for (const dialect of ['postgresql', 'sqlite', 'mysql'] as const)
      expect(analyzeSql(sql, dialect).fingerprint).toHaveLength(16)
  })

  it('stops at a string with too much nesting', () => {
    const sql = `select ${'('.repeat(5_000)}1${')'.repeat(5_000)}`
    expect(analyzeSql(sql, 'postgresql').statement.opaque).toBe('nested too deeply')
  })
})
