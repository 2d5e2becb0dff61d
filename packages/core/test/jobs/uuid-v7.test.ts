import { describe, expect, it } from 'vitest'
import { uuidV7 } from '../../src/jobs/uuid-v7.ts'

describe('uuidV7', () => {
  it('ascends within a millisecond and when the clock goes back', () => {
    const ids = [5_000, 5_000, 5_000, 4_000, 5_001].map((ms) => uuidV7(Date.UTC(2100, 0) + ms))
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(5)
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(parseInt(String(ids[0]).replace('-', '').slice(0, 12), 16)).toBe(Date.UTC(2100, 0) + 5_000)
  })
})
