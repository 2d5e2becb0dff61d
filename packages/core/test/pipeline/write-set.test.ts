import { describe, expect, it } from 'vitest'
import { WriteSet } from '../../src/pipeline/write-set.ts'
import type { WriteEffect } from '../../src/schema/catalog.ts'

/** Tables with their rows; `undefined` for unknown rows. */
function effect(tables: Readonly<Record<string, readonly number[] | undefined>>): WriteEffect {
  const rows = new Map<string, ReadonlySet<number>>()
  for (const [table, buckets] of Object.entries(tables))
    if (buckets !== undefined) rows.set(table, new Set(buckets))
  return { tables: new Set(Object.keys(tables)), rows, everything: false }
}

function joined(...effects: readonly WriteEffect[]): Record<string, number[]> {
  const written = new WriteSet()
  for (const one of effects) written.add(one)
  return Object.fromEntries([...written.rows].map(([table, buckets]) => [table, [...buckets]]))
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)

describe('WriteSet', () => {
  it('combines the rows of each table', () => {
    expect(joined(effect({ a: [1], b: [] }), effect({ a: [2, 1] }), effect({ b: [3] }))).toEqual({
      a: [1, 2],
      b: [3],
    })
  })

  it('covers all rows of a table as soon as one write may modify any', () => {
    expect(joined(effect({ a: [1] }), effect({ a: undefined }), effect({ a: [2] }))).toEqual({})
    expect(joined(effect({ a: undefined }), effect({ a: [2] }))).toEqual({})
    expect(joined({ tables: new Set(['a']), everything: false }, effect({ a: [2] }))).toEqual({})
  })

  it('covers all rows of a table with more than 64 rows', () => {
    expect(joined(effect({ a: numbers(0, 40) }), effect({ a: numbers(24, 64) })).a).toHaveLength(64)
    expect(joined(effect({ a: numbers(0, 40) }), effect({ a: numbers(24, 65) }), effect({ a: [1] }))).toEqual(
      {},
    )
    expect(joined(effect({ a: numbers(0, 65) }))).toEqual({})
  })

  it('does not change its input effects', () => {
    const first = effect({ a: [1] })
    joined(first, effect({ a: [2] }))
    expect(first.rows?.get('a')).toEqual(new Set([1]))
  })

  it('is empty until something is written', () => {
    const written = new WriteSet()
    expect(written.isEmpty).toBe(true)
    written.add(effect({ a: [] }))
    expect(written.isEmpty).toBe(false)
  })
})
