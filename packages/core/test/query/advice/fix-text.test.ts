import { describe, expect, it } from 'vitest'
import { fixFor } from '../../../src/query/advice/fix-text.ts'

describe('fixFor', () => {
  it('finds the only key among other conditions', () => {
    expect(fixFor('SELECT id FROM t WHERE a > 1 AND id = ?', 'sqlite')).toBe(
      'SELECT id FROM t WHERE a > ? AND id IN (?)',
    )
    expect(fixFor('SELECT id FROM t WHERE a = ? AND id = ?', 'sqlite')).toBeUndefined()
  })
})
