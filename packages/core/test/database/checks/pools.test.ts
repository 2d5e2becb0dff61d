import { describe, expect, it } from 'vitest'
import { type ObservedPool, type PoolFacts, poolRecommendations } from '../../../src/database/checks/pools.ts'
import type { PoolState } from '../../../src/schema/connection.ts'

const connections = { max: 100, used: 20, active: 5, idle: 15, idleInTransaction: 0, blocked: 0 }
const slowest = [
  { label: 'select * from a', totalMs: 12_345, calls: 1_000, place: 'src/a.ts:3' },
  { label: 'select * from b', totalMs: 5, calls: 1 },
]

describe('poolRecommendations', () => {
  const of = (
    pool: Partial<PoolState & Pick<ObservedPool, 'mostUsed' | 'mostWaiting' | 'recent'>>,
    facts: Partial<PoolFacts> = {},
  ) => {
    const { max = 10, min = 0, mostUsed = 1, mostWaiting = 0, recent } = pool
    const now = { min, max, used: 1, idle: 2, waiting: 0 }
    return poolRecommendations({
      pools: [{ name: 'db', now, mostUsed, mostWaiting, recent }],
      connections,
      instances: 1,
      cpu: 0,
      slowest,
      ...facts,
    })
  }

  it('describes the state of the pool', () => {
    expect(of({})).toEqual([
      'Pool db: min 0, max 10, 1 in use, 2 idle, 0 waiting; at most 1 were in use, and 0 waiting.',
    ])
    expect(
      poolRecommendations({ pools: [], connections: undefined, instances: 1, cpu: 0, slowest: [] }),
    ).toEqual([])
  })

  it('warns above 90% use, and does not recommend a higher limit while no caller waits', () => {
    expect(of({ mostUsed: 9 })).toHaveLength(1)
    const [, warning, calm] = of({ mostUsed: 10 })
    expect(warning).toContain('warning: 10 of 10 connections were in use at one time (100%)')
    expect(calm).toContain('no caller waited')
  })

  it('recommends a higher limit when callers waited and the server has free connections', () => {
    expect(of({ mostUsed: 10, mostWaiting: 5 }).at(-1)).toBe(
      'Pool db: raise max from 10 to 13: up to 5 callers waited at one time, and the server has free connections.',
    )
    expect(of({ mostUsed: 10, mostWaiting: 500 }).at(-1)).toContain('from 10 to 20')
    expect(
      of({ mostUsed: 10, mostWaiting: 5 }, { connections: { ...connections, used: 88 } }).at(-1),
    ).toContain('from 10 to 12')
  })

  it('lists the slow queries when the server has no free connections or their number is unknown', () => {
    const full = of({ mostUsed: 10, mostWaiting: 5 }, { connections: { ...connections, used: 90 } }).join(
      '\n',
    )
    expect(full).not.toContain('raise')
    expect(full).toContain('the server has no free connections')
    expect(full).toContain(
      'select * from a (12,345 ms in 1,000 calls, src/a.ts:3); select * from b (5 ms in 1 calls)',
    )
    const unknown = of({ mostUsed: 10, mostWaiting: 5 }, { connections: undefined }).join('\n')
    expect(unknown).not.toContain('raise')
    expect(unknown).toContain(
      'it is unknown whether the server has free connections: if it has, 13 would be enough. Shorten the',
    )
  })

  it('uses the measured waits if there are any', () => {
    const recent = { periodMs: 60_000, requests: 6_000, meanMs: 80, p95Ms: 50 }
    expect(of({ mostUsed: 10, mostWaiting: 90, recent }).at(-1)).toContain('raise max from 10 to 13')
    expect(of({ mostUsed: 10, mostWaiting: 90, recent: { ...recent, p95Ms: 0 } }).at(-1)).toContain(
      'fewer than 5% of the recent requests waited 50 ms or longer: the pool is large enough',
    )
  })

  it('recommends workers instead of connections if the CPU is busy', () => {
    expect(of({ mostUsed: 10, mostWaiting: 5 }, { cpu: 80 }).at(-1)).toContain(
      'CPU usage is 80%: add workers first',
    )
  })

  it('limits the recommendation to the share of connections of each instance', () => {
    expect(of({ mostUsed: 10, mostWaiting: 9 }, { instances: 7 }).at(-1)).toContain('raise max from 10 to 12')
    const many = of({ mostUsed: 10, mostWaiting: 5 }, { instances: 12 }).join('\n')
    expect(many).toContain(
      "lower max from 10 to 7: 12 × 10 connections are more than the server's limit of 100 allows",
    )
    expect(many).not.toContain('raise')
  })

  it('reports connections of the server that are idle in transactions or blocked', () => {
    const lines = of(
      {},
      { connections: { ...connections, used: 95, idleInTransaction: 3, blocked: 2 } },
    ).join('\n')
    expect(lines).toContain('95 of at most 100 connections')
    expect(lines).toContain('3 connections of the server are idle in a transaction')
    expect(lines).toContain('2 connections of the server wait for a lock')
  })

  it('finds a pool with more minimum connections than it uses', () => {
    expect(of({ min: 5, max: 10, mostUsed: 2 }).at(-1)).toContain('min 5 keeps unused connections open')
    expect(of({ min: 2, max: 10, mostUsed: 2 })).toHaveLength(1)
  })
})
