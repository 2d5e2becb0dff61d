import { describe, expect, it } from 'vitest'
import { longStatements } from '../../../../test/support/long-statements.ts'
import { EVERYTHING } from '../../src/schema/catalog.ts'
import { CatalogRegistry } from '../../src/schema/catalog-registry.ts'
import { effectOfStatement, readsOfStatement } from '../../src/schema/statement-effect.ts'
import { analyzeSql } from '../../src/sql/analyze.ts'
import type { Dialect } from '../../src/sql/dialect.ts'
import { MAX_SQL_LENGTH } from '../../src/sql/tokenize.ts'

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

const DIALECTS: readonly Dialect[] = ['postgresql', 'sqlite', 'mysql']

describe('the longest statement', () => {
  it.each(longStatements)(
    'is read or rejected without an error for $name',
    ({ write, dialects = DIALECTS }) => {
      const perPart = write(1_000).length - write(500).length
      const sql = write(Math.floor((MAX_SQL_LENGTH * 450) / perPart))
      for (const dialect of dialects) expect(analyzeSql(sql, dialect).fingerprint).toHaveLength(16)
    },
  )

  it('may contain as many parameters as PostgreSQL can bind', () => {
    const sql = `SELECT * FROM t WHERE id IN (${Array.from({ length: 30_000 }, (_, nth) => `$${nth + 1}`).join(', ')})`
    const { statement } = analyzeSql(sql, 'postgresql')
    expect(statement).toMatchObject({ reads: [['t']], writes: [] })
    expect(statement.opaque).toBeUndefined()
  })

  it('treats a long list of arguments as reading the clock, instead of searching nested calls repeatedly', () => {
    const volatile = (args: number) =>
      analyzeSql(`SELECT date(${'a + '.repeat(args)}a) FROM t`, 'sqlite').statement.volatile
    expect([volatile(10), volatile(150)]).toEqual([false, true])
  })

  it.each(DIALECTS)('is passed through above the limit, and may write any table (%s)', (dialect) => {
    const sql = `SELECT '${'x'.repeat(MAX_SQL_LENGTH)}'`
    const { statement, shape } = analyzeSql(sql, dialect)
    expect(statement).toMatchObject({ kinds: [], opaque: 'statement too long', mayCommit: true })
    expect(shape).toBe('SELECT …')
    const catalogs = new CatalogRegistry()
    expect(effectOfStatement(statement, 'source', catalogs)).toBe(EVERYTHING)
    expect(readsOfStatement(statement, 'source', catalogs)).toEqual({ refused: 'STATEMENT_TOO_LONG' })
  })
})
