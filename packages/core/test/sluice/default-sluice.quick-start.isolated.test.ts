import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

type Core = typeof import('../../src/index.ts')

const DEFAULTS = Symbol.for('sluice.defaults')
let core: Core

beforeEach(async () => {
  delete (globalThis as { [DEFAULTS]?: unknown })[DEFAULTS]
  vi.resetModules()
  core = await import('../../src/index.ts')
}, 120_000)
afterEach(async () => {
  await core.getDefaultSluice().close()
  delete (globalThis as { [DEFAULTS]?: unknown })[DEFAULTS]
})

/** The steps of the quick start of the specification. */
const STEPS = {
  'optimizes the database': async () => {
    const engine = core.getDatabaseOptimizationEngine()
    expect(engine.getRecommendedIndexes('tiles').length).toBeGreaterThan(0)
    expect(
      engine.analyzeQuery('SELECT * FROM tiles WHERE domain = $1', 1_250, 100_000, 20).recommendations.length,
    ).toBeGreaterThan(0)
    expect(engine.getSlowQueries(1_000)).toHaveLength(1)
  },
  'caches values': async () => {
    const cache = core.getCachingStrategyEngine(100 * 1024 * 1024)
    cache.set('tiles', 'tile-1', { id: 1 }, 3_600)
    expect(cache.get('tiles', 'tile-1')).toEqual({ id: 1 })
    expect(cache.getStats()).toMatchObject({ hits: 1, itemCount: 1, totalMemory: 100 * 1024 * 1024 })
  },
  'balances load': async () => {
    const lb = core.getLoadBalancingEngine('least-connections')
    lb.registerNode('server1.com', 8_080, 1, 1_000)
    lb.registerNode('server2.com', 8_080, 1, 1_000)
    const selectedNode = lb.selectNode('203.0.113.7')
    expect(selectedNode?.host).toMatch(/^server[12]\.com$/)
    lb.recordRequest(selectedNode?.id ?? '', 12, 200)
    expect(
      lb
        .getClusterStats()
        .nodes.map(({ requests }) => requests)
        .sort(),
    ).toEqual([0, 1])
  },
  'processes a batch': async () => {
    const engine = core.getAsyncBatchProcessingEngine()
    const tiles = Array.from({ length: 250 }, (_, id) => ({ id }))
    const job = await engine.createBatchJob('export-tiles', tiles, 100)
    expect(job.totalItems).toBe(250)
    const { id } = await engine.enqueueTask({ tile: 1 })
    engine.registerProcessingCallback(id, async (data: { tile: number }) => data.tile + 1)
    expect(await engine.processNextTask()).toMatchObject({ id, status: 'completed' })
  },
  'monitors and scales': async () => {
    const monitor = core.getMonitoringAndAutoScalingEngine()
    monitor.recordMetric('cpu', 75, 'node-1', '%')
    monitor.recordMetric('memory', 82, 'node-1', 'MB')
    expect(monitor.createScalingPolicy('scale-up-on-cpu', 'cpu', 80, 'up', 25, 300)).toMatchObject({
      name: 'scale-up-on-cpu',
    })
    expect(monitor.evaluateScalingPolicies()).toBeNull()
    expect(monitor.getSystemHealth().status).toBe('degraded')
  },
} as const

describe('the quick start of the specification', () => {
  const names = Object.keys(STEPS) as (keyof typeof STEPS)[]

  for (const [order, steps] of [
    ['in its order', names],
    ['in the reverse order', names.toReversed()],
  ] as const)
    it(`works ${order}`, async () => {
      for (const name of steps) await STEPS[name]()
    }, 120_000)
})
