import { impactOf } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import type { RankedFact } from '../../src/pages/ranked.ts'
import { mergeJobs, mergeNodes } from '../../src/processes/merge/merge-engine-pages.ts'
import {
  mergeBadges,
  mergeLines,
  mergeRanked,
  mergeRoutes,
  mergeVitals,
} from '../../src/processes/merge/merge-facts.ts'
import { mergeMetrics } from '../../src/processes/merge/merge-monitor.ts'
import { mergeFindings } from '../../src/processes/merge/merge-queries.ts'
import { quantileOf } from '../../src/processes/merge/sums.ts'
import type { ProcessFacts } from '../../src/processes/process-facts.ts'
import type { QueueRow } from '../../src/protocol/engine-pages.ts'
import type { FindingItem } from '../../src/protocol/finding.ts'
import type { MetricForecast, MetricsPage } from '../../src/protocol/monitor.ts'
import type { RankedItem, Vitals } from '../../src/protocol/now.ts'
import { type RouteFigures, rowOf } from '../../src/recorder/route-stats.ts'
import type { SecondFigures } from '../../src/recorder/second-log.ts'

const VITALS: Vitals = {
  requestsPerSecond: null,
  p50: null,
  p95: null,
  p99: null,
  errorRate: null,
  queriesPerSecond: 0,
  cacheShare: null,
  cpu: null,
  memory: null,
  eventLoopDelay: null,
}

function facts(
  given: Partial<Omit<ProcessFacts, 'vitals' | 'badges'>> & {
    vitals?: Partial<Vitals>
    badges?: Partial<ProcessFacts['badges']>
  },
): ProcessFacts {
  return {
    info: { id: 'p', pid: 1, hostname: 'here', name: 'app', startedAt: 0 },
    at: 100_000,
    engines: { detection: true, cache: true, database: true, balancer: true, jobs: true, monitor: true },
    ranked: [],
    totals: {
      requests: 0,
      operations: 0,
      queries: 0,
      spared: 0,
      databaseMs: 0,
      timedRequests: 0,
      overheadMs: 0,
      timedMs: 0,
      errors: 0,
    },
    ring: { requests: 0, bytes: 0, maxBytes: 0, dropped: 0, oldestAt: null },
    responseTimes: [],
    reads: 0,
    cached: 0,
    seconds: [],
    routes: [],
    requests: [],
    count: 0,
    last: 0,
    metrics: { requests: [], errorRate: [] },
    ...given,
    vitals: { ...VITALS, ...given.vitals },
    badges: { findings: [], alerts: 0, nodes: [], deadLetters: [], hasSharedJobs: false, ...given.badges },
  }
}

describe('merged quantiles', () => {
  it('are the quantiles of all values', () => {
    const left = Array.from({ length: 900 }, (_, at) => at + 1)
    const right = Array.from({ length: 100 }, (_, at) => 10_000 + at)
    const counted = [...left, ...right].map((value) => [value, 1] as const).sort(() => Math.random() - 0.5)
    expect(quantileOf(counted, 0.5)).toBe(500)
    expect(quantileOf(counted, 0.9)).toBe(900)
    expect(quantileOf(counted, 0.95)).toBe(10_049)
    expect(quantileOf(counted, 1)).toBe(10_099)
    expect(quantileOf([], 0.5)).toBeNull()
    expect(
      quantileOf(
        [
          [1, 1],
          [2, 1],
          [3, 1],
        ],
        0.5,
      ),
    ).toBe(2)
    // Counts are weights.
    expect(
      quantileOf(
        [
          [1, 99],
          [50, 1],
        ],
        0.99,
      ),
    ).toBe(1)
    expect(
      quantileOf(
        [
          [1, 98],
          [50, 2],
        ],
        0.99,
      ),
    ).toBe(50)
  })
})

describe('merged figures', () => {
  it('add up, except shares and figures of the machine', () => {
    const merged = mergeVitals([
      facts({
        vitals: {
          requestsPerSecond: 30,
          errorRate: 10,
          queriesPerSecond: 60,
          cpu: 20,
          memory: 40,
          eventLoopDelay: 5,
        },
        reads: 100,
        cached: 80,
        responseTimes: [[10, 90]],
      }),
      facts({
        vitals: {
          requestsPerSecond: 10,
          errorRate: 50,
          queriesPerSecond: 5,
          cpu: 60,
          memory: null,
          eventLoopDelay: 90,
        },
        reads: 300,
        cached: 0,
        responseTimes: [[400, 10]],
      }),
      facts({}),
    ])
    expect(merged).toEqual({
      requestsPerSecond: 40,
      queriesPerSecond: 65,
      errorRate: 20,
      cacheShare: 0.2,
      cpu: 40,
      memory: 40,
      eventLoopDelay: 90,
      p50: 10,
      p95: 400,
      p99: 400,
    })
    expect(mergeVitals([facts({}), facts({})])).toEqual(VITALS)
  })

  it('list the same problem once, and alerts with the same name as one', () => {
    const item = (
      key: string,
      kind: RankedItem['kind'],
      severity: RankedItem['severity'],
      title = key,
    ): RankedItem => ({
      key,
      kind,
      severity,
      title,
      detail: 'high',
      section: 'now',
      target: null,
      mutes: null,
    })
    const merged = mergeRanked([
      facts({
        ranked: [item('finding a', 'finding', 'medium'), item('alert 1', 'alert', 'medium', 'Alert: CPU')],
      }),
      facts({
        ranked: [
          item('alert 2', 'alert', 'high', 'Alert: Memory'),
          item('alert 3', 'alert', 'medium', 'Alert: CPU'),
          item('finding a', 'finding', 'medium'),
        ],
      }),
    ])
    expect(merged.map(({ key, detail }) => [key, detail])).toEqual([
      ['alert 2', 'high'],
      ['finding a', 'high'],
      ['alert 1', 'high (and in 1 more of 2 processes)'],
    ])
  })

  it('rank findings by the savings in all processes', () => {
    const item = (key: string, savedMs: number): RankedFact => ({
      key,
      kind: 'finding',
      severity: 'medium',
      title: key,
      detail: '',
      section: 'findings',
      target: key,
      mutes: key,
      impact: impactOf({ occurrences: 1, savedMs, scopeMs: 0, seenMs: 0 }),
    })
    const alert = { ...item('alert', 0), kind: 'alert' } as const
    const merged = mergeRanked([
      facts({ ranked: [item('a', 300), alert, item('b', 200)] }),
      facts({ ranked: [item('c', 600), item('d', 500)] }),
      facts({ ranked: [item('c', 600)] }),
    ])
    expect(merged.map(({ key, severity }) => `${key} ${severity}`)).toEqual([
      'c high',
      'd medium',
      'alert medium',
      'a medium',
      'b medium',
    ])
    expect(merged.filter((one) => 'impact' in one)).toEqual([])
  })

  it('include all dead letters of a queue', () => {
    const dead = (count: number, hasSharedJobs: boolean) =>
      facts({
        ranked: [
          {
            key: 'dead mail',
            kind: 'dead-letters',
            severity: 'medium',
            title: 'Queue mail',
            detail: '',
            section: 'jobs',
            target: 'mail',
            mutes: null,
          },
        ],
        badges: {
          deadLetters: [
            ['mail', count],
            ['other', 99],
          ],
          hasSharedJobs,
        },
      })
    expect(mergeRanked([dead(6, false), dead(5, false)])).toMatchObject([
      { severity: 'high', detail: '11 dead letters' },
    ])
    expect(mergeRanked([dead(6, true), dead(5, true)])).toMatchObject([
      { severity: 'medium', detail: '6 dead letters' },
    ])
  })

  it('count shared dead letters once, and separate ones per process', () => {
    const shared = (count: number) =>
      facts({ badges: { deadLetters: [['mail', count]], hasSharedJobs: true } })
    const own = (count: number) => facts({ badges: { deadLetters: [['mail', count]] } })
    expect(mergeBadges([shared(7), shared(6)]).deadLetters).toBe(7)
    expect(mergeBadges([own(7), own(6)]).deadLetters).toBe(13)
    expect(mergeBadges([shared(7), shared(7), own(2)]).deadLetters).toBe(9)
    expect(
      mergeBadges([
        facts({ badges: { findings: ['a', 'b'], nodes: ['n'], alerts: 1 } }),
        facts({ badges: { findings: ['b'], nodes: ['n', 'm'], alerts: 2 } }),
      ]),
    ).toEqual({ findings: 2, nodes: 2, alerts: 3, deadLetters: 0 })
  })

  it('draw charts of seconds that all processes reported, weighted by requests', () => {
    const second = (at: number, requests: number, queries: number, ms: number): SecondFigures => ({
      at,
      requests,
      queries,
      databaseMs: (requests * ms) / 2,
      durationMs: requests * ms,
      durations: [[ms, requests]],
    })
    const { metrics, seconds } = mergeLines([
      facts({
        at: 13_200,
        metrics: {
          requests: [
            [10_000, 30],
            [11_000, 30],
            [12_000, 30],
          ],
          errorRate: [
            [10_000, 10],
            [11_000, 10],
          ],
        },
        seconds: [second(11_000, 1, 3, 1), second(12_000, 1, 1, 1)],
      }),
      facts({
        at: 12_400,
        metrics: {
          requests: [
            [10_000, 10],
            [11_000, 10],
          ],
          errorRate: [[10_000, 50]],
        },
        seconds: [second(10_000, 30, 60, 5), second(11_000, 10, 100, 80)],
      }),
    ])
    expect(metrics.requests).toEqual([
      [10_000, 40],
      [11_000, 40],
    ])
    expect(metrics.errorRate).toEqual([
      [10_000, 20],
      [11_000, 10],
    ])
    expect(seconds).toEqual([
      second(10_000, 30, 60, 5),
      {
        at: 11_000,
        requests: 11,
        queries: 103,
        databaseMs: 400.5,
        durationMs: 801,
        durations: [
          [1, 1],
          [80, 10],
        ],
      },
    ])
  })
})

describe('merged routes', () => {
  it('have the quantiles of all requests, and weighted means', () => {
    const route = (given: Partial<RouteFigures>): RouteFigures => ({
      name: 'GET /',
      requests: 0,
      errors: 0,
      perSecond: 0,
      sample: 0,
      queries: 0,
      databaseMs: 0,
      repeats: 0,
      reads: 0,
      spared: 0,
      cached: 0,
      overBudget: 0,
      durations: [],
      flags: [],
      budget: null,
      lastAt: 0,
      newest: null,
      newestFlagged: null,
      ...given,
    })
    const [merged, other] = mergeRoutes([
      route({
        requests: 500,
        perSecond: 2,
        sample: 3,
        queries: 30,
        reads: 10,
        spared: 10,
        durations: [1, 2, 3],
        lastAt: 5,
        newest: 'old',
        newestFlagged: 'flagged',
        flags: ['N_PLUS_ONE'],
      }),
      route({
        requests: 1,
        perSecond: 1,
        sample: 1,
        queries: 2,
        reads: 30,
        durations: [100],
        lastAt: 9,
        newest: 'new',
        budget: 4,
        overBudget: 1,
        flags: ['QUERY_BUDGET'],
      }),
      route({ name: 'GET /other', lastAt: 1 }),
    ])
    expect(rowOf(merged as RouteFigures)).toMatchObject({
      requests: 501,
      perSecond: 3,
      sample: 4,
      queries: 8,
      sparedShare: 0.25,
      p50: 3,
      p95: 100,
      budget: 4,
      overBudget: 1,
      flags: ['N_PLUS_ONE', 'QUERY_BUDGET'],
      lastAt: 9,
      newest: 'new',
      newestFlagged: 'flagged',
    })
    expect(other?.name).toBe('GET /other')
  })
})

const saving = (savedMs: number) => impactOf({ occurrences: 1, savedMs, scopeMs: 0, seenMs: 0 })

describe('merged pages', () => {
  it('rank findings by the savings in all processes', () => {
    const item = (key: string, savedMs: number) =>
      ({ key, severity: 'medium', count: 1, savedMs, impact: saving(savedMs), lastAt: null }) as FindingItem
    const page = (...findings: FindingItem[]) => ({ findings, requests: 1, anomalies: [] })
    const merged = mergeFindings([page(item('a', 900), item('b', 600)), page(item('b', 600))])
    expect(merged.findings.map(({ key, severity, savedMs }) => [key, severity, savedMs])).toEqual([
      ['b', 'high', 1_200],
      ['a', 'medium', 900],
    ])
  })

  it('add up the routes of a finding', () => {
    const item = (...routes: readonly (readonly [scope: string, count: number, savedMs: number])[]) =>
      ({
        key: 'k',
        severity: 'low',
        count: 1,
        savedMs: 1,
        impact: saving(1),
        lastAt: null,
        routes: routes.map(([scope, count, savedMs]) => ({
          scope,
          count,
          queries: count + 1,
          queriesPossible: 2,
          occurrences: 1,
          impact: saving(savedMs),
        })),
      }) as unknown as FindingItem
    const page = (...findings: FindingItem[]) => ({ findings, requests: 1, anomalies: [] })
    const [merged] = mergeFindings([
      page(item(['a', 5, 30], ['b', 6, 20])),
      page(item(['b', 9, 20])),
    ]).findings
    expect(
      merged?.routes.map(({ scope, count, occurrences, impact }) => [
        scope,
        count,
        occurrences,
        impact.savedMs,
      ]),
    ).toEqual([
      ['b', 9, 2, 40],
      ['a', 5, 1, 30],
    ])
  })

  it('mute a finding only if all processes have muted it', () => {
    const item = (given: Partial<FindingItem>) =>
      ({
        key: 'k',
        count: 1,
        occurrences: 1,
        savedMs: 1,
        severity: 'low',
        impact: saving(1),
        isMuted: false,
        request: null,
        lastAt: null,
        ...given,
      }) as FindingItem
    const page = (...findings: FindingItem[]) => ({ findings, requests: 10, anomalies: [] })
    const merged = mergeFindings([
      page(
        item({ isMuted: true, occurrences: 3, savedMs: 4, count: 101, lastAt: 5, request: 'a' }),
        item({ key: 'muted', isMuted: true, savedMs: 99 }),
      ),
      page(
        item({ occurrences: 4, savedMs: 6, count: 7, lastAt: 8, request: null }),
        item({ key: 'muted', isMuted: true, savedMs: 99 }),
      ),
    ])
    expect(merged.findings.map(({ key, isMuted }) => [key, isMuted])).toEqual([
      ['k', false],
      ['muted', true],
    ])
    expect(merged.findings[0]).toMatchObject({
      occurrences: 7,
      savedMs: 10,
      count: 101,
      lastAt: 8,
      request: 'a',
    })
    expect(merged.requests).toBe(20)
  })

  it('show the worst status of a node', () => {
    const node = (status: string, requests: number, p95: number) => ({
      id: 'n',
      status,
      requests,
      picks: requests,
      failures: 1,
      p50: 1,
      p95,
      p99: 1,
      activeConnections: 2,
      responseTime: 4,
      errorRate: 0,
      ejections: 1,
      ejectedForMs: 0,
      isDraining: false,
    })
    const page = (one: ReturnType<typeof node>) =>
      ({
        balancer: {
          strategy: 'p2c',
          isPanic: false,
          totalRequests: one.requests,
          failedRequests: 1,
          activeConnections: 2,
          totalCapacity: 100,
          sessions: 3,
          nodes: [one],
        },
        imbalanceRatio: 1,
        replicas: [],
      }) as never
    expect(
      mergeNodes([page(node('healthy', 90, 10)), page(node('unhealthy', 10, 110))]).balancer,
    ).toMatchObject({
      totalNodes: 1,
      healthyNodes: 0,
      unhealthyNodes: 1,
      totalRequests: 100,
      activeConnections: 4,
      totalCapacity: 100,
      averageLoad: 0.04,
      sessions: 6,
      nodes: [{ status: 'unhealthy', requests: 100, share: 1, p95: 20, ejections: 2 }],
    })
  })

  it('add up the requests and limits of a region', () => {
    const tier = (name: string, given: object) => ({
      name,
      isLocal: false,
      rttMs: 30,
      requests: 10,
      activeConnections: 2,
      limit: 16,
      responseTime: 40,
      healthShare: 1,
      ...given,
    })
    const page = (regions: readonly object[] | undefined) =>
      ({ balancer: { nodes: [], regions }, imbalanceRatio: 1, replicas: [] }) as never
    const zone = tier('x', { isLocal: true, rttMs: 0 })
    const merged = mergeNodes([
      page([tier('b', { zones: [] })]),
      page([
        tier('a', { isLocal: true, rttMs: 0, zones: [zone] }),
        tier('b', { rttMs: 20, responseTime: 20, healthShare: 0.7, zones: [] }),
      ]),
      // A process of an earlier version.
      page(undefined),
    ]).balancer?.regions
    expect(merged).toEqual([
      tier('a', { isLocal: true, rttMs: 0, zones: [zone] }),
      tier('b', {
        rttMs: 20,
        requests: 20,
        activeConnections: 4,
        limit: 32,
        responseTime: 30,
        healthShare: 0.7,
        zones: [],
      }),
    ])
  })

  it('count shared tasks once, and add up the work of each process', () => {
    const row = (given: Partial<QueueRow>) =>
      ({
        queue: 'mail',
        pending: 0,
        queued: 5,
        processing: 1,
        retry: 0,
        deadLetters: 2,
        isPaused: false,
        completed: 10,
        retried: 0,
        failed: 0,
        cancelled: 0,
        lost: 0,
        throughputPerSecond: 3,
        waitMs: { p50: 0, p95: 0, p99: 0 },
        runMs: { p50: 10, p95: 10, p99: 10 },
        retryRate: 0,
        oldestTaskMs: 4,
        isStalled: false,
        health: 'healthy',
        reasons: [],
        maxConcurrency: 2,
        depth: [],
        ...given,
      }) as QueueRow
    const page = (isShared: boolean, ...queues: QueueRow[]) => ({
      isOpen: true,
      isShared,
      queues,
      deadLetters: { total: 2, grouped: 2, groups: [] },
    })
    const stalled = row({
      isStalled: true,
      health: 'degraded',
      reasons: ['Nothing moves.'],
      completed: 0,
      throughputPerSecond: 0,
    })
    const shared = mergeJobs([page(true, row({})), page(true, stalled)])
    expect(shared.queues[0]).toMatchObject({
      queued: 5,
      deadLetters: 2,
      completed: 10,
      throughputPerSecond: 3,
      maxConcurrency: 4,
      isStalled: false,
      health: 'healthy',
      reasons: [],
    })
    expect(shared.deadLetters.total).toBe(2)
    const own = mergeJobs([
      page(
        false,
        row({
          depth: [
            [5_100, 3],
            [10_100, 4],
          ],
        }),
      ),
      page(false, { ...stalled, depth: [[4_900, 7]] }),
    ])
    expect(own.queues[0]).toMatchObject({
      queued: 10,
      deadLetters: 4,
      isStalled: true,
      health: 'degraded',
      reasons: ['Nothing moves.'],
    })
    expect(own.queues[0]?.depth.map(([, depth]) => depth)).toEqual([10, 4])
    expect(own.deadLetters.total).toBe(4)
  })
})

describe('merged metrics', () => {
  const NOW = 1_700_000_000_000
  const page = (
    across: 'sum' | 'mean' | 'max',
    points: MetricsPage['points'],
    forecast: MetricForecast | null = null,
  ): MetricsPage => ({
    metrics: [
      {
        name: 'm',
        unit: '',
        description: '',
        warning: null,
        critical: null,
        across,
        current: points.at(-1)?.[1] ?? null,
        sources: 1,
      },
    ],
    metric: 'm',
    from: NOW - 3_600_000,
    to: NOW,
    points,
    forecast,
    anomalies: [],
    needsSeconds: 0,
    trend: { trend: 'stable', changePerMinute: 0, changeRate: 0, significance: 0, points: 0 },
  })
  /** One value per second of the last minute, `offset` milliseconds after the full second. */
  const seconds = (value: number, offset: number, jitter = 0) =>
    Array.from(
      { length: 60 },
      (_, at) => [NOW - (60 - at) * 1_000 + offset + (at % 2) * jitter, value] as const,
    )

  it('combine processes like sources', () => {
    const values = (across: 'sum' | 'mean' | 'max') =>
      new Set(
        mergeMetrics([page(across, seconds(10, 100)), page(across, seconds(30, 700))]).points.map(
          ([, value]) => value,
        ),
      )
    expect(values('sum')).toEqual(new Set([40]))
    expect(values('mean')).toEqual(new Set([20]))
    expect(values('max')).toEqual(new Set([30]))
  })

  it('have no dips if two values of a process fall into one second and none into the next', () => {
    const merged = mergeMetrics([page('sum', seconds(10, 500)), page('sum', seconds(30, 600, 450))])
    expect(merged.points.slice(2, -2).filter(([, value]) => value !== 40)).toEqual([])
    expect(merged.trend.trend).toBe('stable')
  })

  it('have gaps only where all processes have gaps', () => {
    const gone = seconds(10, 0).filter((_, at) => at < 10 || at >= 40)
    const both = mergeMetrics([page('sum', gone), page('sum', gone)])
    expect(both.points.filter(([, value]) => value === null)).toHaveLength(1)
    const one = mergeMetrics([page('sum', seconds(10, 0)), page('sum', gone)])
    expect(one.points.filter(([, value]) => value === 10)).toHaveLength(30)
    expect(one.points.filter(([, value]) => value === null)).toHaveLength(0)
  })

  it('have a forecast if all processes have one', () => {
    const forecast = (value: number, recentAccuracy: number | null): MetricForecast => ({
      from: NOW,
      points: [{ at: NOW + 60_000, lower: value - 1, value, upper: value + 2 }],
      model: 'mixture',
      recentAccuracy,
      caption: '',
    })
    const merged = mergeMetrics([
      page('sum', seconds(10, 0), forecast(10, 0.8)),
      page('sum', seconds(30, 0), forecast(30, 0.6)),
      page('sum', []),
    ])
    expect(merged.forecast).toMatchObject({
      points: [{ lower: 38, value: 40, upper: 44 }],
      recentAccuracy: 0.7,
      caption:
        'In the last day, 70% of the forecasts for the next 1 minute were within 15% of the value. Accuracy applies to each process separately.',
    })
    expect(
      mergeMetrics([page('sum', seconds(10, 0), forecast(10, 1)), page('sum', seconds(30, 0))]).forecast,
    ).toBeNull()
    expect(mergeMetrics([page('sum', []), page('sum', [])])).toMatchObject({
      forecast: null,
      points: [],
      needsSeconds: 120,
    })
  })
})
