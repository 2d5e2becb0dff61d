import {
  createSluice,
  type MetricFamily,
  MonitoringAndAutoScalingEngine,
  OPEN_METRICS_CONTENT_TYPE,
} from '@sluice/core'
import { Counter, Gauge, Histogram, type OpenMetricsContentType, Registry, Summary } from 'prom-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readOpenMetrics } from '../../../../../test/support/open-metrics.ts'
import { openMetricsText } from '../../../src/monitoring/export/open-metrics-text.ts'
import { prometheusText } from '../../../src/monitoring/export/prometheus-text.ts'

const labels = { method: 'GET', route: '/a"b\\c\nd', unicode: 'ü€' }
const names = Object.keys(labels)
const at = 1_700_000_000.123

const histogram = (sample: object = {}, more: object = {}): MetricFamily =>
  ({
    name: 'time',
    help: '',
    unit: 's',
    type: 'histogram',
    samples: [{ labels, bounds: [0.1, 1], counts: [2, 1, 3], sum: 5, ...sample }],
    ...more,
  }) as MetricFamily
const summary = (sample: object): MetricFamily => ({
  name: 'wait',
  help: '',
  type: 'summary',
  samples: [{ labels: {}, quantiles: [], ...sample }],
})
const counter = (name: string, value = 1): MetricFamily => ({
  name,
  help: 'h',
  type: 'counter',
  samples: [{ labels: {}, value }],
})
const gauge = (name: string, unit?: string): MetricFamily => ({
  name,
  help: 'h',
  type: 'gauge',
  samples: [{ labels: {}, value: 1 }],
  ...(unit && { unit }),
})

describe('openMetricsText', () => {
  it('writes the same text as prom-client, except for units and `.0` for integer bounds', async () => {
    const registry = new Registry<OpenMetricsContentType>()
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
    const registers = [registry]
    new Counter({ name: 'hits', help: 'Hits', labelNames: names, registers }).inc(labels, 7)
    new Gauge({ name: 'temperature', help: 'T', labelNames: names, registers }).set(labels, -1.5e-7)
    const buckets = [0.1, 0.5, 2.5]
    const timed = new Histogram({
      name: 'time_seconds',
      help: 'Time',
      labelNames: names,
      buckets,
      enableExemplars: true,
      registers,
    })
    for (const value of [0.05, 0.1, 0.3, 3, 4])
      timed.observe({ labels, value, exemplarLabels: { request_id: `r${value}` } })
    const waited = new Summary({
      name: 'wait_seconds',
      help: 'Wait',
      labelNames: names,
      percentiles: [0.5],
      registers,
    })
    for (const value of [1, 2, 3]) waited.observe(labels, value)
    const exemplar = (value: number) => ({ labels: { request_id: `r${value}` }, value, timestamp: at })
    const ours = openMetricsText([
      { name: 'hits', help: 'Hits', type: 'counter', samples: [{ labels, value: 7 }] },
      { name: 'temperature', help: 'T', type: 'gauge', samples: [{ labels, value: -1.5e-7 }] },
      {
        name: 'time',
        help: 'Time',
        unit: 's',
        type: 'histogram',
        samples: [
          {
            labels,
            bounds: buckets,
            counts: [2, 1, 0, 2],
            sum: 7.45,
            exemplars: [exemplar(0.1), exemplar(0.3), undefined, exemplar(4)],
          },
        ],
      },
      {
        name: 'wait',
        help: 'Wait',
        unit: 's',
        type: 'summary',
        samples: [{ labels, quantiles: [{ quantile: 0.5, value: 2 }], sum: 6, count: 3 }],
      },
    ])
    const canonical = (text: string) =>
      JSON.stringify([...readOpenMetrics(text)], (key, value) =>
        key === 'timestamp'
          ? 'then'
          : key === 'unit'
            ? undefined
            : value instanceof Map
              ? [...value].sort()
              : value,
      )
    const sorted = (text: string) =>
      JSON.parse(canonical(text), (_, value) =>
        Array.isArray(value) && value[0]?.labels
          ? value.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
          : value,
      )
    expect(sorted(ours)).toEqual(sorted(await registry.metrics()))
    expect(OPEN_METRICS_CONTENT_TYPE).toBe(registry.contentType)
    expect(ours).toContain('# UNIT time_seconds seconds\n')
  })

  it('writes an exemplar with its time after its bucket', () => {
    const text = openMetricsText([
      histogram({
        labels: {},
        exemplars: [undefined, { labels: { 'request.id': 'a"b' }, value: 0.25, timestamp: at }],
      }),
    ])
    expect(text).toContain('time_seconds_bucket{le="1.0"} 3 # {request_id="a\\"b"} 0.25 1700000000.123\n')
    expect(text).toContain('time_seconds_bucket{le="0.1"} 2\n')
    readOpenMetrics(text)
  })

  it('converts the value of an exemplar to the base unit', () => {
    const exemplars = [{ labels: {}, value: 50, timestamp: at }]
    const text = openMetricsText([
      histogram({ bounds: [100], counts: [1, 0], exemplars, labels: {} }, { unit: 'ms' }),
    ])
    expect(text).toContain('time_seconds_bucket{le="0.1"} 1 # {} 0.05 1700000000.123\n')
  })

  it('omits an exemplar that is too long', () => {
    const of = (length: number) =>
      openMetricsText([
        histogram({ exemplars: [{ labels: { id: 'ü'.repeat(length) }, value: 0.01, timestamp: at }] }),
      ])
    expect(of(126)).toContain('# {id=')
    expect(of(127)).not.toContain('# {id=')
  })

  it.each([
    [counter('hits'), 'hits', 'counter', undefined, 'hits_total'],
    [counter('hits_total'), 'hits', 'counter', undefined, 'hits_total'],
    [gauge('cpu', '1'), 'cpu_ratio', 'gauge', 'ratio', 'cpu_ratio'],
    [
      gauge('network', 'By/s'),
      'network_bytes_per_second',
      'gauge',
      'bytes_per_second',
      'network_bytes_per_second',
    ],
    [gauge('rate', '{request}/s'), 'rate_per_second', 'gauge', undefined, 'rate_per_second'],
    [gauge('queue', '{task}'), 'queue', 'gauge', undefined, 'queue'],
    [gauge('7th-heaven', 'widgets'), '_7th_heaven_widgets', 'gauge', 'widgets', '_7th_heaven_widgets'],
    [
      { ...counter('busy'), unit: 'ms' } as MetricFamily,
      'busy_seconds',
      'counter',
      'seconds',
      'busy_seconds_total',
    ],
  ] as const)(
    'writes the name of the family, its unit and its samples: %#',
    (family, name, type, unit, sample) => {
      const read = readOpenMetrics(openMetricsText([family])).get(name)
      expect(read).toMatchObject({ type, unit, samples: [{ name: sample }] })
    },
  )

  it('writes only one of several families with conflicting names, which Prometheus distinguishes', () => {
    const families = [
      counter('jobs'),
      gauge('jobs'),
      summary({ sum: 1, count: 1 }),
      gauge('wait_count'),
      gauge('jobs_total'),
    ]
    expect(
      [...readOpenMetrics(openMetricsText(families)).values()].map(({ name, type }) => `${type} ${name}`),
    ).toEqual(['counter jobs', 'summary wait'])
    expect(prometheusText(families)).toContain('# TYPE jobs gauge\n')
  })

  it('omits sums that may decrease, and quantiles that the format does not allow', () => {
    for (const sample of [{ sum: -1 }, { sum: Number.NaN }, { bounds: [-1, 1] }]) {
      const [family] = readOpenMetrics(openMetricsText([histogram(sample)])).values()
      expect(family?.samples.map(({ name }) => name)).toEqual(Array(3).fill('time_seconds_bucket'))
    }
    const quantiles = [
      { quantile: 0.5, value: -1 },
      { quantile: 1, value: 2 },
      { quantile: 1.5, value: 3 },
      { quantile: 0.9, value: Number.NaN },
    ]
    const [family] = readOpenMetrics(openMetricsText([summary({ quantiles, sum: -3, count: 2 })])).values()
    expect(family?.samples.map(({ name, labels: of, value }) => [name, of.get('quantile'), value])).toEqual([
      ['wait', '1.0', 2],
      ['wait', '0.9', Number.NaN],
      ['wait_count', undefined, 2],
    ])
  })

  it('escapes help, ends with EOF, and omits families without samples', () => {
    expect(openMetricsText([])).toBe('# EOF\n')
    expect(openMetricsText([{ ...gauge('a'), help: 'a "b"\\\n', samples: [] } as MetricFamily])).toBe(
      '# EOF\n',
    )
    expect(openMetricsText([{ ...gauge('a'), help: 'a "b"\\\n' } as MetricFamily])).toBe(
      '# TYPE a gauge\n# HELP a a \\"b\\"\\\\\\n\na 1\n# EOF\n',
    )
  })
})

describe('metricsText in the OpenMetrics format', () => {
  it('includes an exemplar with the request ID for each bucket, and every family of the Prometheus format', async () => {
    const clock = { ms: 1_000, now: () => clock.ms, wall: () => 1_700_000_000_000 + clock.ms }
    const sluice = createSluice({ clock })
    onTestFinished(() => sluice.close())
    const request = (durationMs: number, requestId: string | undefined) => {
      const scope = sluice.openScope('GET /a')
      scope.statusCode = 200
      scope.requestId = requestId
      clock.ms += durationMs
      scope.end()
    }
    for (const [durationMs, id] of [
      [3, 'first'],
      [4, 'second'],
      [5, undefined],
      [60, 'slow'],
      [20_000, 'x'.repeat(119)],
    ] as const)
      request(durationMs, id)
    const read = readOpenMetrics((await sluice.monitor?.metricsText('openmetrics')) ?? '')
    const shown = read
      .get('http_server_request_duration_seconds')
      ?.samples.filter(({ exemplar }) => exemplar !== undefined)
    expect(
      shown?.map(({ labels: of, exemplar }) => [
        of.get('le'),
        exemplar?.labels.get('request_id'),
        exemplar?.value,
        exemplar?.timestamp,
      ]),
    ).toEqual([
      ['0.005', 'second', 0.004, 1_700_000_001.007],
      ['0.075', 'slow', 0.06, 1_700_000_001.072],
    ])
    const plain = (await sluice.monitor?.metricsText()) ?? ''
    const others = [...plain.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(([, name = '', type]) =>
      type === 'counter' ? name.replace(/_total$/, '') : name,
    )
    expect([...read.keys()]).toEqual(others)
    expect(plain).not.toContain('second"}')
  })

  it('throws for an unknown format', async () => {
    const monitor = new MonitoringAndAutoScalingEngine()
    onTestFinished(() => monitor.close())
    await expect(monitor.metricsText('toString' as never)).rejects.toThrow('prometheus or openmetrics')
  })

  it('omits samples of feeds with invalid exemplars', async () => {
    const monitor = new MonitoringAndAutoScalingEngine()
    onTestFinished(() => monitor.close())
    const exemplars = (given: unknown): MetricFamily => histogram({ exemplars: given })
    monitor.addFeed({
      name: 'mine',
      collect: () => [exemplars([{ labels: { a: 1 }, value: 1, timestamp: 1 }]), exemplars('no')],
    })
    const text = await monitor.metricsText('openmetrics')
    expect(text).toContain('sluice_feed_dropped_total{reason="invalid"} 2\n')
    readOpenMetrics(text)
  })
})
