import { describe, expect, it } from 'vitest'
import { quickUuid } from '../src/request-ids.ts'

describe('quickUuid', () => {
  // More than one filling of the pool.
  const ids = Array.from({ length: 5_000 }, quickUuid)

  it('has the format of version 4', () => {
    const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    expect(ids.filter((id) => !form.test(id))).toEqual([])
  })

  it('never returns an id twice', () => {
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('uses every value of each random digit', () => {
    const fixed = new Set([8, 13, 14, 18, 19, 23])
    for (let at = 0; at < 36; at += 1) {
      const digits = new Set(ids.map((id) => id[at]))
      if (!fixed.has(at)) expect(digits.size, `at ${at}`).toBe(16)
    }
    expect(new Set(ids.map((id) => id[19])).size).toBe(4)
  })
})
