import { describe, expect, it } from 'vitest'
import { rulesWithout, usesRule } from '../../src/shared/yield-rules.ts'

describe('rulesWithout', () => {
  it('uses every rule by default', () => {
    expect(rulesWithout()('relation-keys')).toBe(true)
    expect(usesRule('query-listeners')).toBe(true)
  })

  it('does not use the rules that are listed', () => {
    const uses = rulesWithout('query-listeners,relation-keys')
    expect(uses('relation-keys')).toBe(false)
    expect(uses('query-listeners')).toBe(false)
  })

  it('rejects an unknown rule', () => {
    expect(() => rulesWithout('relation-key')).toThrow(/SLUICE_WITHOUT_RULES/)
  })
})
