import { beforeEach, describe, expect, it, vi } from 'vitest'
import { SchemaGenerations } from '../../src/schema/schema-generations.ts'

describe('SchemaGenerations', () => {
  let generations: SchemaGenerations
  const changed = vi.fn()
  beforeEach(() => {
    changed.mockClear()
    generations = new SchemaGenerations(changed)
  })

  it('starts a generation when a definition begins and when it ends', () => {
    const before = generations.current
    const end = generations.beginDefinition()
    expect(generations.isChanging).toBe(true)
    expect(generations.current).toBeGreaterThan(before)
    const during = generations.current
    end(true)
    end(true)
    expect(generations.isChanging).toBe(false)
    expect(generations.current).toBeGreaterThan(during)
    expect(changed).toHaveBeenCalledTimes(2)
  })

  it('is changing until each of several definitions has ended', () => {
    const [first, second] = [generations.beginDefinition(), generations.beginDefinition()]
    first(true)
    expect(generations.isChanging).toBe(true)
    second(true)
    expect(generations.isChanging).toBe(false)
  })

  it('is changing until the writes have ended that were in flight when the definition ended', () => {
    const before = generations.beginWrite()
    const end = generations.beginDefinition()
    end(true)
    expect(generations.isChanging).toBe(true)
    const after = generations.beginWrite()
    generations.endWrite(before)
    expect(generations.isChanging).toBe(false)
    generations.endWrite(after)
    expect(generations.isChanging).toBe(false)
  })

  it('is changing until the last of several writes has ended, in any order', () => {
    const [first, second] = [generations.beginWrite(), generations.beginWrite()]
    generations.beginDefinition()(true)
    const third = generations.beginWrite()
    generations.beginDefinition()(true)
    generations.endWrite(second)
    generations.endWrite(third)
    expect(generations.isChanging).toBe(true)
    generations.endWrite(first)
    expect(generations.isChanging).toBe(false)
  })

  it('is changing for the duration of a lease if the outcome is unknown', () => {
    vi.useFakeTimers()
    try {
      generations.beginDefinition()(false)
      vi.advanceTimersByTime(29_999)
      expect(generations.isChanging).toBe(true)
      vi.advanceTimersByTime(1)
      expect(generations.isChanging).toBe(false)
      generations.beginDefinition()(false)
      generations.clear()
      expect(vi.getTimerCount()).toBe(0)
      expect(generations.isChanging).toBe(false)
    } finally {
      vi.useRealTimers()
    }
  })
})
