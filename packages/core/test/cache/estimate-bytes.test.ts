import { describe, expect, it } from 'vitest'
import { estimateBytes } from '../../src/cache/estimate-bytes.ts'

describe('estimateBytes', () => {
  it('counts nothing for values that fit into a slot', () => {
    expect([null, undefined, true, 7, -1, 'a', ''].map(estimateBytes)).toEqual([0, 0, 0, 0, 0, 0, 0])
  })

  it('counts a box for a fraction, a large number and a negative zero', () => {
    expect([0.5, 2 ** 31, -0, Number.NaN].map(estimateBytes)).toEqual([16, 16, 16, 16])
  })

  it('counts two bytes per character if any character needs them', () => {
    expect(estimateBytes('x'.repeat(80))).toBe(96)
    expect(estimateBytes(`${'x'.repeat(79)}東`)).toBe(176)
  })

  it('finds a two-byte character at the end of a long string', () => {
    expect(estimateBytes(`${'x'.repeat(9_999)}東`)).toBe(20_016)
  })

  it('counts bytes outside the heap', () => {
    expect(estimateBytes(new Uint8Array(10_000)) - estimateBytes(new Uint8Array(0))).toBe(10_000)
  })

  it('counts a shared object once', () => {
    const country = { name: 'x'.repeat(1_000) }
    const twice = estimateBytes([country, country])
    expect(twice).toBeLessThan(1.2 * estimateBytes([country]))
    expect(estimateBytes([country, { ...country }])).toBeGreaterThan(1.8 * estimateBytes([country]))
  })

  it('stops at cycles', () => {
    const node: { self?: unknown; name: string } = { name: 'a cycle' }
    node.self = node
    expect(estimateBytes(node)).toBe(80)
  })

  it('supports nesting of any depth', () => {
    let list: object = {}
    for (let depth = 0; depth < 50_000; depth++) list = { next: list }
    expect(estimateBytes(list)).toBeGreaterThan(200_000)
  })

  it('reads a limited part of a large value and extrapolates', () => {
    let reads = 0
    const row = {
      get id() {
        reads++
        return 0.5
      },
    }
    const rows = Array.from({ length: 100_000 }, () =>
      Object.defineProperties({}, Object.getOwnPropertyDescriptors(row)),
    )
    const estimated = estimateBytes(rows)
    expect(reads).toBeLessThan(1_000)
    expect(estimated / (100_000 * estimateBytes(rows[0]))).toBeCloseTo(1.11, 1)
  })

  it('divides its sample among nested collections', () => {
    const rows = (count: number) => Array.from({ length: count }, (_, id) => ({ id, tags: [{ id }, { id }] }))
    const wide = Array.from({ length: 200 }, () => rows(200))
    expect(estimateBytes(wide) / (200 * estimateBytes(rows(200)))).toBeCloseTo(1, 1)
  })
})
