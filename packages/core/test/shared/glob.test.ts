import { describe, expect, it } from 'vitest'
import { compileGlob, literalPrefix } from '../../src/shared/glob.ts'

describe('compileGlob', () => {
  it.each([
    ['a*c', ['ac', 'abc', 'abcbc', 'a*c'], ['ab', 'bac', 'acb', 'c']],
    ['*', ['', 'anything'], []],
    ['', [''], ['a']],
    ['a?c', ['abc', 'a?c'], ['ac', 'abbc']],
    ['a.c[x](y)|$', ['a.c[x](y)|$'], ['abc[x](y)|$', 'a.cx']],
    ['\\*\\?\\\\', ['*?\\'], ['ab\\', '*?']],
    ['end\\', ['end\\'], ['end']],
    ['*ab*ab', ['abab', 'xababab', 'abxab'], ['ab', 'aba']],
    ['**a**', ['a', 'bab'], ['b', '']],
  ])('matches the whole string or nothing with %s', (pattern, matching, others) => {
    const matches = compileGlob(pattern)
    expect(matching.filter((text) => !matches(text))).toEqual([])
    expect(others.filter((text) => matches(text))).toEqual([])
  })

  it('agrees with a regular expression on random patterns', () => {
    let seed = 7
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return Math.floor((seed / 2 ** 31) * below)
    }
    const word = (letters: string, length: number) =>
      Array.from({ length: random(length) }, () => letters[random(letters.length)]).join('')
    let found = 0
    for (let round = 0; round < 5_000; round++) {
      const pattern = word('aab*?', 8)
      const text = word('ab', 10)
      const expected = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(text)
      if (expected) found++
      expect(compileGlob(pattern)(text), `${pattern} on ${text}`).toBe(expected)
    }
    expect(found).toBeGreaterThan(300)
  })

  it('reads each character of a hostile string at most a few times', () => {
    const pattern = `${'a*'.repeat(50)}b`
    let reads = 0
    const charCodeAt = () => {
      reads++
      return 97
    }
    const text = { length: 100_000, charCodeAt } as unknown as string
    expect(compileGlob(pattern)(text)).toBe(false)
    expect(reads).toBeLessThan(3 * 100_000)
  })
})

describe('literalPrefix', () => {
  it.each([
    ['users:*', 'users:'],
    ['a\\*b?c', 'a*b'],
    ['whole', 'whole'],
    ['*', ''],
  ])('returns for %s the prefix %s', (pattern, prefix) => {
    expect(literalPrefix(pattern)).toBe(prefix)
  })
})
