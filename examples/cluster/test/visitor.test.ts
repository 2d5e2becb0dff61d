import { describe, expect, it } from 'vitest'
import { CookieJar } from '../src/cookie-jar.ts'
import { shows } from '../src/visitor.ts'

describe('CookieJar', () => {
  it('sends the cookie that was set, until it expires', () => {
    let now = 0
    const jar = new CookieJar(() => now)
    expect(jar.header).toBeUndefined()
    jar.keep(['a=1; Path=/; HttpOnly', 'b=2; Max-Age=3; SameSite=Lax'])
    expect(jar.header).toBe('a=1; b=2')
    jar.keep(['b=3=4; max-age=5'])
    now = 4_999
    expect(jar.header).toBe('a=1; b=3=4')
    now = 5_000
    expect(jar.header).toBe('a=1')
    jar.keep(['a=; Max-Age=0'])
    expect(jar.header).toBeUndefined()
  })
})

describe('shows', () => {
  const review = (id: number, second: number) => ({ id, createdAt: new Date(second * 1_000).toISOString() })
  const later = Array.from({ length: 10 }, (_, at) => review(100 + at, 50 + at))

  it('finds the review among others', () => {
    expect(shows([review(8, 9), review(7, 8)], review(7, 8))).toBe(true)
  })

  it('does not look for it behind ten later ones', () => {
    expect(shows(later, review(7, 8))).toBe(true)
    expect(shows(later, review(7, 50))).toBe(true)
  })

  it.each([
    ['there are fewer', later.slice(1), review(7, 8)],
    ['one of them is earlier', later, review(7, 55)],
    ['one of them is of the same time, and was there before', later, review(150, 50)],
    ['there are none', [], review(7, 8)],
  ])('misses it where %s', (_, page, own) => {
    expect(shows(page, own)).toBe(false)
  })
})
