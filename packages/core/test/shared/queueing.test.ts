import { describe, expect, it } from 'vitest'
import { loadOf, queueLength } from '../../src/shared/queueing.ts'

describe('queueLength', () => {
  it.each([
    // One server: load² / (1 - load).
    [1, 0.5, 0.5],
    [1, 0.9, 8.1],
    // Two servers: load³ / (4 - load²).
    [2, 1, 1 / 3],
    [2, 1.8, 5.832 / 0.76],
    // Published tables of Erlang C: the probability of waiting is 0.4092 for 10 servers with a load of 8.
    [10, 8, 0.4092 * 4],
  ])('is known for %s servers with a load of %s', (servers, load, expected) => {
    expect(queueLength(servers, load)).toBeCloseTo(expected, 3)
  })

  it('is 0 without load', () => {
    expect(queueLength(10, 0)).toBe(0)
  })
})

describe('loadOf', () => {
  it('is the inverse of queueLength', () => {
    for (const servers of [1, 2, 10, 50])
      for (const share of [0.3, 0.8, 0.99, 0.9999]) {
        const load = share * servers
        expect(loadOf(servers, queueLength(servers, load))).toBeCloseTo(load, 6)
      }
  })
})
