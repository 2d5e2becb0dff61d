import { describe, expect, it } from 'vitest'
import { BoundedMap } from '../../src/response-cache/bounded-map.ts'

/** The expected entries, oldest first, computed naively. */
class Model {
  entries: (readonly [string, number])[] = []

  set(key: string, value: number, max: number): void {
    this.entries = [...this.entries.filter(([known]) => known !== key), [key, value] as const].slice(-max)
  }

  delete(key: string): void {
    this.entries = this.entries.filter(([known]) => known !== key)
  }
}

describe('BoundedMap', () => {
  it('evicts the entry that was set longest ago, after any overwrites and deletions', () => {
    let state = 3
    const random = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    for (const max of [1, 2, 7]) {
      const map = new BoundedMap<number>(max)
      const model = new Model()
      for (let step = 0; step < 5_000; step += 1) {
        const key = `k${random(12)}`
        if (random(4) === 0) {
          map.delete(key)
          model.delete(key)
        } else {
          map.set(key, step)
          model.set(key, step, max)
        }
        const known = new Map(model.entries)
        for (let at = 0; at < 12; at += 1) expect(map.get(`k${at}`)).toBe(known.get(`k${at}`))
        expect(map.size).toBe(known.size)
      }
    }
  })
})
