import { describe, expect, it } from 'vitest'
import { GhostList, ghostHash } from '../../../src/cache/policies/ghost-list.ts'

/** A list of sizes by name. */
function listOf(maxBytes: number) {
  const ghosts = new GhostList<number>(maxBytes, (size) => size)
  return {
    add: (namespace: string, key: string, size: number) => ghosts.add(ghostHash(namespace, key), size),
    take: (namespace: string, key: string) => ghosts.take(ghostHash(namespace, key)) !== undefined,
    resize: (bytes: number) => ghosts.resize(bytes),
    clear: () => ghosts.clear(),
  }
}

describe('GhostList', () => {
  it('returns each name once', () => {
    const ghosts = listOf(100)
    ghosts.add('n', 'a', 10)
    expect([
      ghosts.take('m', 'a'),
      ghosts.take('n', 'b'),
      ghosts.take('n', 'a'),
      ghosts.take('n', 'a'),
    ]).toEqual([false, false, true, false])
  })

  it('distinguishes namespaces from keys', () => {
    const ghosts = listOf(100)
    ghosts.add('ab', 'c', 10)
    expect(ghosts.take('a', 'bc')).toBe(false)
  })

  it('retains the latest names that fit into its bytes', () => {
    const ghosts = listOf(100)
    for (let id = 0; id < 1_000; id++) {
      ghosts.add('n', String(id), 10)
      // Names that are taken leave gaps.
      if (id % 7 === 0) ghosts.take('n', String(id))
    }
    const known = Array.from({ length: 1_000 }, (_, id) => id).filter((id) => ghosts.take('n', String(id)))
    expect(known).toEqual([988, 989, 990, 991, 992, 993, 995, 996, 997, 998, 999].slice(-10))
  })

  it('treats a name that is added again as the latest', () => {
    const ghosts = listOf(30)
    for (const key of ['a', 'b', 'a', 'c', 'd']) ghosts.add('n', key, 10)
    expect(['a', 'b', 'c', 'd'].map((key) => ghosts.take('n', key))).toEqual([true, false, true, true])
  })

  it('is empty after clear, and can be filled again', () => {
    const ghosts = listOf(20)
    for (const round of [1, 2]) {
      for (const key of ['a', 'b', 'c']) ghosts.add('n', key + round, 10)
      expect(ghosts.take('n', `c${round}`)).toBe(true)
      ghosts.clear()
      expect(ghosts.take('n', `b${round}`)).toBe(false)
    }
  })

  it('forgets the oldest names when it shrinks', () => {
    const ghosts = listOf(40)
    for (const key of ['a', 'b', 'c', 'd']) ghosts.add('n', key, 10)
    ghosts.resize(20)
    expect(['a', 'b', 'c', 'd'].map((key) => ghosts.take('n', key))).toEqual([false, false, true, true])
  })
})
