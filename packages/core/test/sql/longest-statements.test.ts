import { describe, expect, it } from 'vitest'
import { longStatements } from '../../../../test/support/long-statements.ts'
import { EVERYTHING } from '../../src/schema/catalog.ts'
import { CatalogRegistry } from '../../src/schema/catalog-registry.ts'
import { effectOfStatement, readsOfStatement } from '../../src/schema/statement-effect.ts'
import { analyzeSql } from '../../src/sql/analyze.ts'
import type { Dialect } from '../../src/sql/dialect.ts'
import { MAX_SQL_LENGTH } from '../../src/sql/tokenize.ts'

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
