import { describe, expect, it } from 'vitest'
import { cpuNow } from '../../../../../test/support/own-clock.ts'
import { foldKey } from '../../../src/query/batch/key-folds.ts'

describe('foldKey', () => {
  it.each([
    ['Straße', 'strasse', 'STRASSE'],
    ['æther', 'aether', 'ÆTHER'],
    ['ø', 'o', 'Ö'],
    ['ΑΣ', 'ας', 'ασ'],
    ['a-b', 'ab', 'a b ', 'A_B\t'],
    ['jan', 'ian', 'yan'],
    ['uva', 'vua'],
    ['ﬁn', 'fin'],
    ['Łódź', 'lodz'],
    ['ı', 'I', 'i', 'İ'],
    ['', ' ', '\u0000'],
  ])('is equal for strings that some collation treats as equal: %s and %s', (...texts) => {
    expect(new Set(texts.map(foldKey)).size).toBe(1)
  })

  it('distinguishes letters and digits', () => {
    const texts = ['a1', 'a2', 'b1', 'ж', 'з', '愛', '恋', '10', '1', 'post-7', 'post-8']
    expect(new Set(texts.map(foldKey)).size).toBe(texts.length)
  })

  it('takes time proportional to the length of a string', () => {
    const started = cpuNow()
    for (const text of [`${' '.repeat(200_000)}x`, `${'\u3000'.repeat(200_000)}x`]) foldKey(text)
    expect(cpuNow() - started).toBeLessThan(1000)
  })
})
