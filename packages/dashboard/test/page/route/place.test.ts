import { describe, expect, it } from 'vitest'
import { formatPlace, pageRules, parsePlace } from '../../../page/src/route/place.ts'
import { textsOf } from '../random.ts'

const parse = (fragment: string) => parsePlace(fragment, pageRules)

describe('parsePlace', () => {
  it('parses the page, the opened item and the filters', () => {
    expect(parse('#/requests/8f2c?row=3')).toEqual({ page: 'requests', id: '8f2c', params: { row: '3' } })
    expect(parse('#/queries?sort=avgMs&order=up&q=city')).toEqual({
      page: 'queries',
      id: undefined,
      params: { q: 'city', sort: 'avgMs', order: 'up' },
    })
  })

  it('returns the first page without parameters for an unknown page', () => {
    expect(parse('')).toEqual({ page: 'now', id: undefined, params: {} })
    expect(parse('#/constructor?q=x')).toEqual({ page: 'now', id: undefined, params: {} })
  })

  it('drops unknown names and choices, and numbers out of bounds', () => {
    expect(parse('#/queries?sort=evil&order=up&evil=1&kind=__proto__').params).toEqual({ order: 'up' })
    expect(parse('#/metrics?minutes=99999&ahead=-1').params).toEqual({})
    expect(parse('#/metrics?minutes=1e2&ahead=15.5').params).toEqual({})
  })

  it('omits defaults, so that equal views have equal URLs', () => {
    expect(parse('#/queries?sort=totalMs&order=down').params).toEqual({})
    expect(formatPlace(parse('#/queries?order=up&q=a'))).toBe(formatPlace(parse('#/queries?q=a&order=up')))
  })

  it('accepts only IDs of letters, digits, - and _', () => {
    expect(parse('#/requests/a%2F..%2Fb').id).toBeUndefined()
    expect(parse('#/requests/%E0%A4%A').id).toBeUndefined()
    expect(parse('#/requests/a_b-9').id).toBe('a_b-9')
  })

  it('truncates long text and removes control characters', () => {
    expect(parse(`#/queries?q=${'a'.repeat(500)}`).params.q).toHaveLength(100)
    expect(parse('#/queries?q=a%00b%0Ac').params.q).toBe('abc')
  })

  it('round-trips any input through its URL', () => {
    const texts = textsOf([...'a9é %&#?=/\\\'"<>+\u0000\n'])
    for (const page of Object.keys(pageRules)) {
      for (const text of texts) {
        const first = parse(
          `#/${page}?q=${encodeURIComponent(text)}&open=${encodeURIComponent(text)}&minutes=${text}`,
        )
        expect(parse(formatPlace(first))).toEqual(first)
      }
    }
  })
})
