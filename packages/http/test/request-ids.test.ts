import { describe, expect, it } from 'vitest'
import { quickUuid } from '../src/request-ids.ts'

describe('quickUuid', () => {
  const ids = Array.from({ length: 5_000 }, quickUuid)

  it('has the format of version 4', () => {
    const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    expect(ids.filter((id) => !form.test(id))).toEqual([])
  })

  it('never returns an id twice', () => {
    expect(new Set(ids).size).toBe(ids.length)
  })
})
