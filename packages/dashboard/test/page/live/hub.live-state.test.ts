import { describe, expect, it } from 'vitest'
import {
  applyDelta,
  type LiveState,
  MAX_POINTS,
  MAX_REQUESTS,
  MAX_ROUTES,
  stateOf,
} from '../../../page/src/live/hub.ts'
import type { RequestSummary, RouteRow, Snapshot } from '../../../src/protocol/index.ts'

const request = (id: string): RequestSummary => ({ id, name: `GET /${id}` }) as RequestSummary
const route = (name: string, lastAt = 0): RouteRow => ({ name, lastAt, requests: 1 }) as RouteRow

function state(more: Partial<Snapshot> = {}): LiveState {
  const sparklines: Snapshot['sparklines'] = [
    { id: 'requests', label: 'Requests', unit: 'req/s', points: [], latest: null },
  ]
  return stateOf({
    at: 0,
    mode: 'observe',
    ranked: [],
    sparklines,
    routes: [],
    requests: [],
    ...more,
  } as unknown as Snapshot)
}

describe('applyDelta', () => {
  it('keeps the objects of unchanged parts', () => {
    const before = state({ routes: [route('a')] })
    const after = applyDelta(before, { at: 5 })
    expect(after.at).toBe(5)
    for (const part of ['routes', 'requests', 'sparklines', 'ranked'] as const)
      expect(after[part]).toBe(before[part])
  })

  it('inserts new requests at the front, each once', () => {
    const before = state({ requests: [request('b'), request('a')] })
    const after = applyDelta(before, { at: 1, requests: [request('c'), request('b')] })
    expect(after.requests.map(({ id }) => id)).toEqual(['c', 'b', 'a'])
  })

  it('limits requests, routes and points like the server', () => {
    let live = state()
    for (let at = 1; at <= 1_000; at += 1) {
      const requests = [request(`r${at}`)]
      live = applyDelta(live, {
        at: at * 1_000,
        requests,
        routes: [route(`/${at}`, at)],
        points: { requests: [at * 1_000, at] },
      })
    }
    expect(live.requests).toHaveLength(MAX_REQUESTS)
    expect(live.requests[0]?.id).toBe('r1000')
    expect(live.routes).toHaveLength(MAX_ROUTES)
    expect(live.routes.some(({ name }) => name === '/1000')).toBe(true)
    expect(live.routes.some(({ name }) => name === '/1')).toBe(false)
    expect(live.sparklines[0]?.points.length).toBeLessThanOrEqual(MAX_POINTS)
  })

  it('replaces routes by name and removes deleted ones', () => {
    const before = state({ routes: [route('a'), route('b')] })
    const after = applyDelta(before, { at: 1, routes: [{ ...route('b'), requests: 9 }], goneRoutes: ['a'] })
    expect(after.routes.map(({ name, requests }) => [name, requests])).toEqual([['b', 9]])
  })

  it('replaces the point of the same second and removes points older than 2 minutes', () => {
    let live = applyDelta(state(), { at: 1, points: { requests: [1_000, 4] } })
    live = applyDelta(live, { at: 2, points: { requests: [1_000, 5] } })
    expect(live.sparklines[0]).toMatchObject({ points: [[1_000, 5]], latest: 5 })
    live = applyDelta(live, { at: 3, points: { requests: [200_000, 1] } })
    expect(live.sparklines[0]?.points).toEqual([[200_000, 1]])
  })

  it('adds up skipped requests', () => {
    expect(applyDelta(applyDelta(state(), { at: 1, skipped: 3 }), { at: 2, skipped: 4 }).skipped).toBe(7)
  })
})
