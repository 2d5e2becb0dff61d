import { describe, expect, it } from 'vitest'
import { firstDifference, summarize } from '../src/compare.ts'
import type { Answer } from '../src/drive.ts'
import type { PlannedRequest } from '../src/requests.ts'

const request = (path: string): PlannedRequest => ({ route: `GET ${path}`, method: 'GET', path })
const answer = (body: string, rest: Partial<Answer> = {}): Answer => ({
  status: 200,
  contentType: 'application/json',
  body: Buffer.from(body),
  ms: 2,
  queries: 3,
  hits: 0,
  misses: 0,
  ...rest,
})

describe('summarize', () => {
  it('sums up each route of both runs', () => {
    const requests = [request('/a'), request('/b'), request('/a')]
    const bare = [answer('1'), answer('2'), answer('3')]
    const sluice = [
      answer('1', { queries: 1, misses: 1 }),
      answer('2'),
      answer('3', { queries: 0, hits: 1, ms: 1 }),
    ]
    expect(summarize(requests, bare, sluice)).toEqual([
      {
        route: 'GET /a',
        requests: 2,
        identical: 2,
        bare: { queries: 6, ms: 4 },
        sluice: { queries: 1, ms: 3 },
        cache: { hits: 1, misses: 1 },
      },
      {
        route: 'GET /b',
        requests: 1,
        identical: 1,
        bare: { queries: 3, ms: 2 },
        sluice: { queries: 3, ms: 2 },
        cache: { hits: 0, misses: 0 },
      },
    ])
  })

  it.each([
    ['body', answer('1 ')],
    ['status', answer('1', { status: 201 })],
    ['content type', answer('1', { contentType: 'text/html' })],
  ])('counts a response with another %s as different', (_, other) => {
    expect(summarize([request('/a')], [answer('1')], [other])).toMatchObject([{ identical: 0 }])
  })

  it('rejects runs of different lengths', () => {
    expect(() => summarize([request('/a')], [answer('1')], [])).toThrow(RangeError)
  })
})

describe('firstDifference', () => {
  it('is undefined for equal runs', () => {
    expect(firstDifference([request('/a')], [answer('1')], [answer('1')])).toBeUndefined()
  })

  it('shows both responses around the first byte that differs', () => {
    const long = 'x'.repeat(500)
    const difference = firstDifference(
      [request('/a'), request('/b')],
      [answer('1'), answer(`${long}7${long}`)],
      [answer('1'), answer(`${long}8${long}`)],
    )
    expect(difference?.request.path).toBe('/b')
    expect(difference?.bare).toBe(`…${'x'.repeat(40)}7${'x'.repeat(39)}…`)
    expect(difference?.sluice).toBe(`…${'x'.repeat(40)}8${'x'.repeat(39)}…`)
  })
})
