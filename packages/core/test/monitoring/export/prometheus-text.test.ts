import { METRICS_CONTENT_TYPE, type MetricFamily, MonitoringAndAutoScalingEngine } from '@sluice/core'
import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { prometheusText } from '../../../src/monitoring/export/prometheus-text.ts'
import { ManualClock } from '../manual-clock.ts'

const gauge = (value: number, labels: Record<string, string> = {}, more: object = {}): MetricFamily => ({
  name: 'a',
  help: 'b',
  type: 'gauge',
  samples: [{ labels, value }],
  ...more,
})

describe('prometheusText', () => {
  it('writes the same text as prom-client', async () => {
    const registry = new Registry()
    const labels = { method: 'GET', route: '/a"b\\c\nd', unicode: 'ü€' }
    const names = Object.keys(labels)
    new Counter({
      name: 'hits_total',
      help: 'Hits \\ of\nall',
      labelNames: names,
      registers: [registry],
    }).inc(labels, 7)
    new Gauge({ name: 'temperature', help: 'T', labelNames: names, registers: [registry] }).set(
      labels,
      -1.5e-7,
    )
    const buckets = [0.1, 0.5, 1]
    const histogram = new Histogram({
      name: 'time_seconds',
      help: 'Time',
      labelNames: names,
      buckets,
      registers: [registry],
    })
    for (const value of [0.05, 0.1, 0.3, 2, 3]) histogram.observe(labels, value)
    const summary = new Summary({
      name: 'wait_seconds',
      help: 'Wait',
      labelNames: names,
      percentiles: [0.5],
      registers: [registry],
    })
    for (const value of [1, 2, 3]) summary.observe(labels, value)
    const ours = prometheusText([
      { name: 'hits', help: 'Hits \\ of\nall', type: 'counter', samples: [{ labels, value: 7 }] },
      { name: 'temperature', help: 'T', type: 'gauge', samples: [{ labels, value: -1.5e-7 }] },
      {
        name: 'time',
        help: 'Time',
        unit: 's',
        type: 'histogram',
        samples: [{ labels, bounds: buckets, counts: [2, 1, 0, 2], sum: 5.45 }],
      },
      {
        name: 'wait',
        help: 'Wait',
        unit: 's',
        type: 'summary',
        samples: [{ labels, quantiles: [{ quantile: 0.5, value: 2 }], sum: 6, count: 3 }],
      },
    ])
    const theirs = await registry.metrics()
    // Except for the order of lines, and of the labels of a bucket.
    const canonical = (text: string) =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) =>
          line.replace(
            /\{(.*)\}/,
            (_, inner: string) =>
              `{${inner
                .split(/,(?=\w+=")/)
                .sort()
                .join(',')}}`,
          ),
        )
        .sort()
    expect(canonical(ours)).toEqual(canonical(theirs))
    expect(METRICS_CONTENT_TYPE).toBe(registry.contentType)
  })

  it('ends each line, and omits families without samples', () => {
    expect(prometheusText([gauge(1), { ...gauge(2), name: 'c' }])).toBe(
      '# HELP a b\n# TYPE a gauge\na 1\n\n# HELP c b\n# TYPE c gauge\nc 2\n',
    )
    expect(prometheusText([{ ...gauge(1), samples: [] } as MetricFamily])).toBe('')
  })

  it.each([
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [1e21, '1e+21'],
    [0, '0'],
  ])('writes %d as %s', (value, text) => {
    expect(prometheusText([gauge(value)])).toContain(`\na ${text}\n`)
  })

  it.each<[string, string | undefined, MetricFamily['type'], string]>([
    ['db.client.operation.duration', 's', 'gauge', 'db_client_operation_duration_seconds'],
    ['http requests', undefined, 'counter', 'http_requests_total'],
    ['hits_total', undefined, 'counter', 'hits_total'],
    ['sent', 'By', 'counter', 'sent_bytes_total'],
    ['sent_bytes_total', 'By', 'counter', 'sent_bytes_total'],
    ['cpu', '1', 'gauge', 'cpu_ratio'],
    ['hits', '1', 'counter', 'hits_total'],
    ['rate', '{request}/s', 'gauge', 'rate_per_second'],
    ['network', 'By/s', 'gauge', 'network_bytes_per_second'],
    ['queue', '{task}', 'gauge', 'queue'],
    ['7th-heaven', 'widgets', 'gauge', '_7th_heaven_widgets'],
    ['äöü.x', '', 'gauge', '_x'],
  ])('names %s in %s, a %s, %s', (name, unit, type, written) => {
    const family = { ...gauge(1), name, type, ...(unit === undefined ? {} : { unit }) } as MetricFamily
    expect(prometheusText([family])).toContain(`# TYPE ${written} ${type}\n${written} 1\n`)
  })

  it.each([
    ['ms', 57, 'seconds 0.057'],
    ['us', 5, 'seconds 0.000005'],
    ['ns', 5, 'seconds 5e-9'],
    ['min', 2, 'seconds 120'],
    ['h', 2, 'seconds 7200'],
    ['d', 1, 'seconds 86400'],
    ['kBy', 2, 'bytes 2000'],
    ['MBy', 2, 'bytes 2000000'],
    ['GBy', 2, 'bytes 2000000000'],
    ['KiBy', 2, 'bytes 2048'],
    ['MiBy', 2, 'bytes 2097152'],
    ['GiBy', 1, 'bytes 1073741824'],
    ['%', 57, 'ratio 0.57'],
  ])('converts %s to the base unit', (unit, value, text) => {
    expect(prometheusText([gauge(value, {}, { unit })])).toContain(`\na_${text}\n`)
  })

  it('converts bounds, sums and quantiles to the base unit, but not counts', () => {
    const text = prometheusText([
      {
        name: 'h',
        help: '',
        unit: 'ms',
        type: 'histogram',
        samples: [{ labels: {}, bounds: [100], counts: [3, 4], sum: 500 }],
      },
      {
        name: 's',
        help: '',
        unit: 'ms',
        type: 'summary',
        samples: [{ labels: {}, quantiles: [{ quantile: 0.5, value: 100 }], sum: 500, count: 7 }],
      },
    ])
    expect(text).toContain(
      'h_seconds_bucket{le="0.1"} 3\nh_seconds_bucket{le="+Inf"} 7\nh_seconds_sum 0.5\nh_seconds_count 7\n',
    )
    expect(text).toContain('s_seconds{quantile="0.5"} 0.1\ns_seconds_sum 0.5\ns_seconds_count 7\n')
  })

  it('omits the sum and the count of a summary without them', () => {
    const text = prometheusText([
      {
        name: 's',
        help: '',
        type: 'summary',
        samples: [{ labels: {}, quantiles: [{ quantile: 0.5, value: 1 }] }],
      },
    ])
    expect(text).toBe('# HELP s \n# TYPE s summary\ns{quantile="0.5"} 1\n')
  })

  it.each([
    ['a\\b', 'a\\\\b'],
    ['a\nb', 'a\\nb'],
    ['a"b', 'a\\"b'],
  ])('escapes only a label %j', (value, written) => {
    expect(prometheusText([gauge(1, { x: value })])).toContain(`a{x="${written}"} 1\n`)
  })

  it('writes numbers that are not finite as the format requires', () => {
    for (const [value, written] of [
      [Number.POSITIVE_INFINITY, '+Inf'],
      [Number.NEGATIVE_INFINITY, '-Inf'],
      [Number.NaN, 'NaN'],
    ] as const)
      expect(prometheusText([gauge(value)])).toContain(`\na ${written}\n`)
  })

  it('does not treat an inherited property as a unit', () => {
    expect(prometheusText([gauge(1, {}, { unit: 'constructor' })])).toContain('\na_constructor 1\n')
  })

  it('replaces characters that labels do not allow, and renames reserved labels', () => {
    expect(prometheusText([gauge(1, { 'http.route': '/', '0a': 'b', __x: 'c', '': 'd' })])).toContain(
      'a{http_route="/",_0a="b",label__x="c",_="d"} 1',
    )
    expect(prometheusText([gauge(1, { 'a.b': '1', a_b: '2', le: '3' })])).toContain('a{a_b="1;2",le="3"} 1')
    const histogram = prometheusText([
      {
        name: 'h',
        help: '',
        type: 'histogram',
        samples: [{ labels: { le: 'x' }, bounds: [], counts: [1], sum: 1 }],
      },
    ])
    expect(histogram).toContain('h_bucket{exported_le="x",le="+Inf"} 1')
  })

  it('writes no name and no set of labels twice, which would invalidate the whole page', () => {
    const text = prometheusText([
      { ...gauge(1), name: 'a.b' },
      { ...gauge(2), name: 'a_b' },
      {
        name: 'c',
        help: '',
        type: 'gauge',
        samples: [
          { labels: { 'x.y': '1' }, value: 3 },
          { labels: { x_y: '1' }, value: 4 },
        ],
      },
    ])
    expect(text.match(/# TYPE a_b/g)).toHaveLength(1)
    expect(text).toContain('a_b 1')
    expect(text).toContain('c{x_y="1"} 3')
    expect(text).not.toContain(' 4')
  })
})

describe('metricsText', () => {
  function open() {
    const clock = new ManualClock()
    const monitor = new MonitoringAndAutoScalingEngine({}, { clock })
    onTestFinished(() => monitor.close())
    return { monitor, clock }
  }

  it('contains the latest values of loads and shares in base units', async () => {
    const { monitor } = open()
    monitor.recordMetric('cpu', 20, 'a')
    monitor.recordMetric('cpu', 57, 'a')
    monitor.recordMetric('network', 8, 'b')
    monitor.registerMetric('queueLength', { description: 'Waiting' })
    monitor.recordMetric('queueLength', 7, 'a')
    const text = await monitor.metricsText()
    expect(text).toContain('# TYPE sluice_cpu_ratio gauge\nsluice_cpu_ratio{source="a"} 0.57\n')
    expect(text).toContain('sluice_network_bytes_per_second{source="b"} 1000000\n')
    expect(text).toContain(
      '# HELP sluice_queue_length Waiting\n# TYPE sluice_queue_length gauge\nsluice_queue_length{source="a"} 7\n',
    )
  })

  it('contains durations as summaries whose counts never decrease', async () => {
    const { monitor, clock } = open()
    const meter = monitor.meter('responseTime', 'a')
    for (let ms = 1; ms <= 100; ms += 1) meter.record(ms)
    const text = await monitor.metricsText()
    expect(text).toContain(
      'sluice_response_time_seconds_sum{source="a"} 5.05\nsluice_response_time_seconds_count{source="a"} 100\n',
    )
    const quantiles = [
      ...text.matchAll(/response_time_seconds\{source="a",quantile="([\d.]+)"\} ([\d.]+)/g),
    ].map(([, at, value]) => [Number(at), Number(value)])
    expect(quantiles.map(([at]) => at)).toEqual([0.5, 0.95, 0.99])
    for (const [at = 0, value = 0] of quantiles) expect(Math.abs(value - at / 10)).toBeLessThan(0.003)
    clock.advance(200_000)
    meter.record(1)
    expect(await monitor.metricsText()).toContain('seconds_count{source="a"} 101\n')
  })

  it('omits metrics without values for 5 minutes', async () => {
    const { monitor, clock } = open()
    monitor.recordMetric('cpu', 50, 'a')
    monitor.meter('requests', 'never')
    clock.advance(299_000)
    expect(await monitor.metricsText()).toContain('sluice_cpu_ratio{source="a"} 0.5')
    clock.advance(3_000)
    const text = await monitor.metricsText()
    expect(text).not.toContain('sluice_cpu')
    expect(text).not.toContain('sluice_requests')
  })

  it('contains a series again that was replaced and returned', async () => {
    const clock = new ManualClock()
    const monitor = new MonitoringAndAutoScalingEngine({ maxSeries: 16 }, { clock })
    onTestFinished(() => monitor.close())
    for (let at = 0; at < 16; at += 1) monitor.recordMetric('responseTime', 1, `s${at}`)
    clock.advance(601_000)
    monitor.recordMetric('responseTime', 1, 'new')
    monitor.recordMetric('responseTime', 1, 's0')
    const text = await monitor.metricsText()
    expect(text).toContain('sluice_response_time_seconds_count{source="s0"} 1\n')
    expect(text).toContain('sluice_monitor_series 16\n')
  })

  it('contains the number of alerts by severity', async () => {
    const { monitor } = open()
    monitor.recordMetric('cpu', 95, 'a')
    monitor.recordMetric('memory', 80, 'a')
    expect(await monitor.metricsText()).toContain(
      'sluice_alerts{severity="info"} 0\nsluice_alerts{severity="warning"} 1\nsluice_alerts{severity="critical"} 1\n',
    )
  })
})
