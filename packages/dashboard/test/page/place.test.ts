import { describe, expect, it } from 'vitest'
import { pageRules } from '../../page/src/route/pages.ts'
import { formatPlace, parsePlace } from '../../page/src/route/place.ts'
import { textsOf } from './random.ts'

const parse = (fragment: string) => parsePlace(fragment, pageRules)

describe('parsePlace', () => {
  it('reads the page, what is opened and the filters', () => {
    expect(parse('#/requests/8f2c?row=3')).toEqual({ page: 'requests', id: '8f2c', params: { row: '3' } })
    expect(parse('#/queries?sort=avgMs&order=up&q=city')).toEqual({
      page: 'queries',
      id: undefined,
      params: { q: 'city', sort: 'avgMs', order: 'up' },
    })
  })

  it('is the first page where there is no such page, and keeps nothing of it', () => {
    expect(parse('')).toEqual({ page: 'now', id: undefined, params: {} })
    expect(parse('#/constructor?q=x')).toEqual({ page: 'now', id: undefined, params: {} })
  })

  it('drops what no rule allows: other names, other choices, numbers out of bounds', () => {
    expect(parse('#/queries?sort=evil&order=up&evil=1&kind=__proto__').params).toEqual({ order: 'up' })
    expect(parse('#/metrics?minutes=99999&ahead=-1').params).toEqual({})
    expect(parse('#/metrics?minutes=1e2&ahead=15.5').params).toEqual({})
  })

  it('leaves defaults out, so that equal views have equal addresses', () => {
    expect(parse('#/queries?sort=totalMs&order=down').params).toEqual({})
    expect(formatPlace(parse('#/queries?order=up&q=a'))).toBe(formatPlace(parse('#/queries?q=a&order=up')))
  })

  it('takes an id of letters, digits, - and _ alone', () => {
    expect(parse('#/requests/a%2F..%2Fb').id).toBeUndefined()
    expect(parse('#/requests/%E0%A4%A').id).toBeUndefined()
    expect(parse('#/requests/a_b-9').id).toBe('a_b-9')
  })

  it('cuts long text and takes control characters out of it', () => {
    expect(parse(`#/queries?q=${'a'.repeat(500)}`).params.q).toHaveLength(100)
    expect(parse('#/queries?q=a%00b%0Ac').params.q).toBe('abc')
  })

  it('comes back the same from its own address, whatever it was given', () => {
    const texts = textsOf([...'a9é %&#?=/\\\'"<>+\u0000\n'])
    for (const page of Object.keys(pageRules)) {
      for (const text of texts) {
        const first = parse(`#/${page}?q=${encodeURIComponent(text)}&open=${encodeURIComponent(text)}&minutes=${text}`)
        expect(parse(formatPlace(first))).toEqual(first)
      }
    }
  })
})
