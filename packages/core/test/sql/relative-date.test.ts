import { describe, expect, it } from 'vitest'
import { isRelativeDate } from '../../src/sql/relative-date.ts'

describe('isRelativeDate', () => {
  it.each(["'now'", "'Tomorrow 10:00'", "E'n\\x6fw'", `'${' '.repeat(60)}now'`])(
    'is true for %s',
    (literal) => {
      expect(isRelativeDate(literal)).toBe(true)
    },
  )

  it.each([
    "'2026-01-01'",
    "'nowhere'",
    "'now that the text is longer than any date could ever be, it is prose'",
  ])('is false for %s', (literal) => {
    expect(isRelativeDate(literal)).toBe(false)
  })
})
