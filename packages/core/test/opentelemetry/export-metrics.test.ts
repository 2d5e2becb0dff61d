import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { analyzeSql, createSluice, InvalidOptionError, type MetricFamily } from '@sluice/core'
import { type ExportMetricsOptions, exportMetrics } from '@sluice/core/opentelemetry'
import { describe, expect, it, onTestFinished } from 'vitest'
import { hostOf } from '../../src/sluice/sluice-host.ts'

function provider() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  onTestFinished(() => meterProvider.shutdown())
  const collect = async () => {
    exporter.reset()
    await meterProvider.forceFlush()
    const found = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
    return new Map(found.map((metric) => [metric.descriptor.name, metric]))
  }
  return { meterProvider, collect }
}

async function open(options: ExportMetricsOptions = {}) {
  const { meterProvider, collect } = provider()
  const sluice = createSluice()
  onTestFinished(() => sluice.close())
  const stop = await exportMetrics(sluice, { meterProvider, ...options })
  const points = async (name: string) =>
    ((await collect()).get(name)?.dataPoints ?? []).map(({ attributes, value }) => [attributes, value])
  return { sluice, stop, collect, points }
}

describe('exportMetrics', () => {
  it.each([{ meterProvider: {} }, { interval: 1 }])('throws for invalid options: %o', async (options) => {
    await expect(open(options as never)).rejects.toThrow(InvalidOptionError)
  })

  it('throws if the monitor is disabled', async () => {
    const sluice = createSluice({ monitor: false })
    onTestFinished(() => sluice.close())
    await expect(exportMetrics(sluice)).rejects.toMatchObject({ code: 'SLUICE_MONITOR_OFF' })
  })

  it('exports counters and gauges with their labels, units and descriptions', async () => {
    const { sluice, collect, points } = await open()
    hostOf(sluice).stats.batched = 4
    sluice.cache?.get('n', 'k')
    expect(await points('sluice.operations.saved')).toEqual([
      [{ 'sluice.saved.by': 'batched' }, 4],
      [{ 'sluice.saved.by': 'prefetched' }, 0],
      [{ 'sluice.saved.by': 'cached' }, 0],
    ])
    const all = await collect()
    expect(all.get('sluice.operations.saved')).toMatchObject({
      descriptor: { unit: '{operation}', description: 'Operations that needed no separate query' },
      isMonotonic: true,
    })
    expect(all.get('sluice.cache.memory.limit')).toMatchObject({
      descriptor: { unit: 'By' },
      dataPoints: [{ value: 104_857_600 }],
    })
    hostOf(sluice).stats.batched = 9
    expect((await points('sluice.operations.saved'))[0]).toEqual([{ 'sluice.saved.by': 'batched' }, 9])
  })

  it('exports new metrics from the second collection on', async () => {
    const { sluice, points } = await open()
    sluice.monitor?.recordMetric('cpu', 57, 'a')
    expect(await points('sluice.cpu')).toEqual([])
    expect(await points('sluice.cpu')).toEqual([[{ source: 'a' }, 0.57]])
    sluice.monitor?.recordMetric('memory', 10, 'a')
    await points('sluice.memory')
    expect(await points('sluice.memory')).toEqual([[{ source: 'a' }, 0.1]])
    expect(await points('sluice.cpu')).toHaveLength(1)
  })

  it('exports scopes and statements as histograms with conventional names', async () => {
    const { sluice, collect } = await open()
    const request = sluice.openScope('GET /a')
    request.statusCode = 200
    request.end()
    await sluice.run(() => {}, { name: 'job' })
    const { watch } = hostOf(sluice)
    const sql = 'SELECT * FROM cities WHERE id = 7'
    for (const ms of [7, 800])
      watch
        ?.begin(sql, 'postgresql', analyzeSql(sql, 'postgresql'), [], undefined)
        ?.ended(1, 1 + ms, 1, false)
    const all = await collect()
    expect(all.get('http.server.request.duration')).toMatchObject({
      descriptor: { unit: 's' },
      dataPoints: [
        {
          attributes: { 'http.request.method': 'GET', 'http.route': '/a', 'http.response.status_code': 200 },
          value: { count: 1 },
        },
      ],
    })
    expect(all.get('sluice.scope.duration')).toMatchObject({
      dataPoints: [{ attributes: { 'sluice.scope.name': 'job' }, value: { count: 1 } }],
    })
    expect(all.get('db.client.operation.duration')?.dataPoints).toMatchObject([
      {
        attributes: {
          'db.system.name': 'postgresql',
          'db.operation.name': 'SELECT',
          'db.collection.name': 'cities',
        },
        value: {
          count: 2,
          sum: expect.closeTo(0.807, 9),
          buckets: {
            boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
            counts: [0, 0, 1, 0, 0, 0, 1, 0, 0, 0],
          },
        },
      },
    ])
    expect([...all.keys()].filter((name) => name.startsWith('http.server'))).toEqual([
      'http.server.request.duration',
    ])
  })

  it('exports other histograms and summaries as counts and sums, and quantiles as gauges', async () => {
    const { sluice, collect, points } = await open()
    const families: readonly MetricFamily[] = [
      {
        name: 'h',
        help: 'H',
        unit: 's',
        type: 'histogram',
        samples: [{ labels: { a: 'b' }, bounds: [1], counts: [2, 3], sum: 7 }],
      },
      {
        name: 's',
        help: 'S',
        unit: 's',
        type: 'summary',
        samples: [{ labels: { a: 'b' }, quantiles: [{ quantile: 0.95, value: 2 }], sum: 7, count: 5 }],
      },
    ]
    sluice.monitor?.addFeed({ name: 'mine', collect: () => families })
    await collect()
    for (const name of ['h', 's']) {
      expect(await points(`${name}.count`)).toEqual([[{ a: 'b' }, 5]])
      expect(await points(`${name}.sum`)).toEqual([[{ a: 'b' }, 7]])
    }
    expect(await points('s')).toEqual([[{ a: 'b', quantile: '0.95' }, 2]])
    expect((await collect()).get('h.sum')?.descriptor.unit).toBe('s')
    expect((await collect()).get('h.count')?.descriptor.unit).toBe('')
  })

  it('combines normalized queries above the limit', async () => {
    const { sluice, collect } = await open()
    const { watch } = hostOf(sluice)
    for (let at = 0; at < 1_003; at += 1) {
      const sql = `SELECT * FROM t${at}`
      watch?.begin(sql, 'postgresql', analyzeSql(sql, 'postgresql'), [], undefined)?.ended(1, 2, 1, false)
    }
    const found = (await collect()).get('db.client.operation.duration')?.dataPoints ?? []
    expect(found.find(({ attributes }) => attributes['otel.metric.overflow'] === true)?.value).toMatchObject({
      count: 3,
    })
  })

  it('stops when its stop function is called', async () => {
    const { sluice, stop, collect } = await open()
    sluice.openScope('GET /a').end()
    await collect()
    stop()
    hostOf(sluice).stats.seen = 9
    sluice.openScope('GET /a').end()
    const all = await collect()
    // Values that were exported before remain.
    expect(all.get('sluice.operations')?.dataPoints).toMatchObject([{ value: 0 }])
    expect(all.get('http.server.request.duration')?.dataPoints).toMatchObject([{ value: { count: 1 } }])
  })

  it('uses the global provider by default', async () => {
    const { meterProvider, collect } = provider()
    metrics.setGlobalMeterProvider(meterProvider)
    onTestFinished(() => metrics.disable())
    const sluice = createSluice()
    onTestFinished(() => sluice.close())
    await exportMetrics(sluice)
    expect((await collect()).get('sluice.operations')?.dataPoints).toHaveLength(1)
  })
})
