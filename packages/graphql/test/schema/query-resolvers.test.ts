import { DatabaseOptimizationEngine } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { slowQuery, toInt } from '../../src/schema/query-resolvers.ts'

describe('slow query', () => {
  const engine = new DatabaseOptimizationEngine()
  const shown = (sql: string) => slowQuery(engine.analyzeQuery(sql, 2_000, 10_000, 1)).query

  it('is returned without the values that the app wrote into it', () => {
    const text = shown("SELECT * FROM users WHERE email = 'ann@example.org' AND age > 42")
    expect(text).toContain('FROM users WHERE email = ')
    expect(text).not.toMatch(/ann|42/)
  })

  it('is parsed according to its dialect', () => {
    expect(shown('SELECT `name` FROM `users` WHERE `token` = "secret"')).not.toContain('secret')
    expect(shown('SELECT name FROM users WHERE token = $$secret$$')).not.toContain('secret')
  })

  it('shows only the fingerprint if its SQL has a different one', () => {
    const analysis = engine.analyzeQuery("SELECT 'secret'", 2_000, 1, 1)
    expect(slowQuery({ ...analysis, fingerprint: '0000000000000000' }).query).toBe(
      'statement 0000000000000000',
    )
  })
})

describe('toInt', () => {
  it.each([
    [0, 0],
    [20.4, 20],
    [2_147_483_647, 2_147_483_647],
    [2_147_483_648, -1],
    [Number.NaN, -1],
    [Number.POSITIVE_INFINITY, -1],
  ])('converts %d to %d', (value, int) => {
    expect(toInt(value)).toBe(int)
  })
})
