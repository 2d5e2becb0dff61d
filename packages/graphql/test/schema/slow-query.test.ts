import { DatabaseOptimizationEngine } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { slowQuery } from '../../src/schema/query-resolvers.ts'

describe('a slow query', () => {
  const engine = new DatabaseOptimizationEngine()
  const shown = (sql: string) => slowQuery(engine.analyzeQuery(sql, 2_000, 10_000, 1)).query

  it('is shown without the values that the app wrote into its text', () => {
    const text = shown("SELECT * FROM users WHERE email = 'ann@example.org' AND age > 42")
    expect(text).toContain('FROM users WHERE email = ')
    expect(text).not.toMatch(/ann|42/)
  })

  it('is shown as far as its dialect is read', () => {
    expect(shown('SELECT `name` FROM `users` WHERE `token` = "secret"')).not.toContain('secret')
    expect(shown('SELECT name FROM users WHERE token = $$secret$$')).not.toContain('secret')
  })

  it('is named alone where its text is another than its fingerprint says', () => {
    const analysis = engine.analyzeQuery("SELECT 'secret'", 2_000, 1, 1)
    expect(slowQuery({ ...analysis, fingerprint: '0000000000000000' }).query).toBe('statement 0000000000000000')
  })
})
