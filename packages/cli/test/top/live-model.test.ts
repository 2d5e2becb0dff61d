import { describe, expect, it } from 'vitest'
import { readDelta, readSnapshot } from '../../src/dashboard/protocol.ts'
import { LiveModel } from '../../src/top/live-model.ts'
import { wireRoute, wireSnapshot } from '../support/live.ts'

const model = (...routes: readonly unknown[]) => new LiveModel(readSnapshot(wireSnapshot(routes)))
const names = (one: LiveModel) => one.view().routes.map(({ name }) => name)

describe('LiveModel', () => {
  it('replaces changed routes, adds new ones, and removes deleted ones', () => {
    const one = model(wireRoute('a'), wireRoute('b'))
    one.apply(
      readDelta({ at: 1_000_250, routes: [wireRoute('b', { p99: 99 }), wireRoute('c')], goneRoutes: ['a'] }),
    )
    expect(names(one)).toEqual(['b', 'c'])
    expect(one.view().routes[0]?.p99).toBe(99)
  })

  it('retains values that a delta omits', () => {
    const one = model(wireRoute('a'))
    one.apply(readDelta({ at: 1_000_250, mode: 'optimize' }))
    expect(one.view()).toMatchObject({ mode: 'optimize', processes: 4, vitals: { requestsPerSecond: 412 } })
    one.apply(readDelta({ at: 1_000_500, vitals: { requestsPerSecond: null, p99: 5 } }))
    expect(one.view().vitals).toMatchObject({ requestsPerSecond: undefined, p99: 5 })
  })

  it('calculates the share of the load of a route', () => {
    const { routes } = model(
      wireRoute('a', { perSecond: 1, databaseMs: 30 }),
      wireRoute('b', { perSecond: 10, databaseMs: 1 }),
    ).view()
    expect(routes.map(({ load, loadShare }) => [load, loadShare])).toEqual([
      [30, 0.75],
      [10, 0.25],
    ])
  })

  it('counts only the errors of the last minute', () => {
    const one = model(wireRoute('a', { requests: 100, errors: 50 }))
    const share = () => one.view().routes[0]?.errorShare
    expect(share()).toBeUndefined()
    one.apply(readDelta({ at: 1_010_000, routes: [wireRoute('a', { requests: 110, errors: 55 })] }))
    expect(share()).toBe(0.5)
    one.apply(readDelta({ at: 1_065_000, routes: [wireRoute('a', { requests: 150, errors: 55 })] }))
    one.apply(readDelta({ at: 1_080_000, routes: [wireRoute('a', { requests: 200, errors: 55 })] }))
    expect(share()).toBe(0)
    one.apply(readDelta({ at: 1_090_000, routes: [wireRoute('a', { requests: 210, errors: 60 })] }))
    expect(share()).toBeGreaterThan(0)
    // No requests in the last minute.
    one.apply(readDelta({ at: 1_155_000 }))
    expect(share()).toBeUndefined()
  })

  it('resets the counters when another process responds', () => {
    const one = model(wireRoute('a', { requests: 100, errors: 0 }))
    const process = { id: 'other', pid: 8, name: 'atlas', hostname: 'here', startedAt: 9 }
    one.replace(
      readSnapshot(wireSnapshot([wireRoute('a', { requests: 103, errors: 3 })], { process, at: 1_001_000 })),
    )
    expect(one.view().routes[0]?.errorShare).toBeUndefined()
  })
})
