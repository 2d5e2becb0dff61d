import {
  InvalidArgumentError,
  type MetricFamily,
  MonitoringAndAutoScalingEngine,
  type MonitoringOptions,
} from '@sluice/core'
import { describe, expect, it, onTestFinished } from 'vitest'

function open(options: MonitoringOptions = {}) {
  const monitor = new MonitoringAndAutoScalingEngine(options)
  onTestFinished(() => monitor.close())
  const errors: unknown[] = []
  monitor.on('error', ({ error }) => errors.push(error))
  const named = async (name: string) =>
    (await monitor.collectMetrics()).find((family) => family.name === name)
  const values = async (name: string) =>
    ((await named(name))?.samples ?? []).map((sample) => [
      sample.labels,
      'value' in sample ? sample.value : sample,
    ])
  return { monitor, errors, named, values }
}

function counter(
  name: string,
  values: Readonly<Record<string, number>>,
  type: 'counter' | 'gauge' = 'counter',
): MetricFamily {
  return {
    name,
    help: name,
    type,
    samples: Object.entries(values).map(([key, value]) => ({ labels: { key }, value })),
  }
}

const OVERFLOW = { 'otel.metric.overflow': 'true' }

describe('metric feeds', () => {
  it.each([null, {}, { name: 'x' }, { name: '', collect: () => [] }, { collect: () => [] }])(
    'are invalid: %o',
    (feed) => {
      expect(() => open().monitor.addFeed(feed as never)).toThrow(InvalidArgumentError)
    },
  )

  it('have a unique name until they are removed', async () => {
    const { monitor, values } = open()
    const takeOff = monitor.addFeed({ name: 'mine', collect: () => [counter('a', { x: 1 })] })
    expect(() => monitor.addFeed({ name: 'mine', collect: () => [] })).toThrow(
      'a name that no other feed uses',
    )
    expect(await values('a')).toEqual([[{ key: 'x' }, 1]])
    takeOff()
    expect(await values('a')).toEqual([])
    monitor.addFeed({ name: 'mine', collect: () => [] })
    // A second removal does not affect the new feed with this name.
    takeOff()
    expect(() => monitor.addFeed({ name: 'mine', collect: () => [] })).toThrow(InvalidArgumentError)
  })

  it('can contribute to the same family', async () => {
    const { monitor, values } = open()
    monitor.addFeed({ name: 'one', collect: () => [counter('a', { x: 1 })] })
    monitor.addFeed({
      name: 'two',
      collect: async () => [counter('a', { y: 2 }), counter('a', { z: 3 }, 'gauge')],
    })
    expect(await values('a')).toEqual([
      [{ key: 'x' }, 1],
      [{ key: 'y' }, 2],
    ])
    expect(await values('sluice.feed.dropped')).toEqual([[{ reason: 'conflict' }, 2]])
  })

  it('are omitted, counted and reported when they throw, reject, return no array or take too long', async () => {
    const { monitor, errors, values } = open()
    monitor.addFeed({ name: 'good', collect: () => [counter('a', { x: 1 })] })
    monitor.addFeed({
      name: 'throws',
      collect: () => {
        throw new Error('no')
      },
    })
    monitor.addFeed({ name: 'rejects', collect: () => Promise.reject(new Error('no')) })
    monitor.addFeed({ name: 'nothing', collect: () => undefined as never })
    let asked = 0
    let answer: (families: readonly MetricFamily[]) => void = () => {}
    monitor.addFeed({
      name: 'slow',
      collect: () => {
        asked += 1
        return new Promise((resolve) => {
          answer = resolve
        })
      },
    })
    expect(await values('a')).toEqual([[{ key: 'x' }, 1]])
    const failures = [
      [{ 'sluice.feed.name': 'throws' }, 2],
      [{ 'sluice.feed.name': 'rejects' }, 2],
      [{ 'sluice.feed.name': 'nothing' }, 2],
      [{ 'sluice.feed.name': 'slow' }, 2],
    ]
    expect(await values('sluice.feed.failures')).toEqual(expect.arrayContaining(failures))
    expect(errors).toHaveLength(8)
    expect(asked).toBe(1)
    answer([counter('late', { x: 1 })])
    await new Promise(setImmediate)
    await values('a')
    expect(asked).toBe(2)
  })

  it.each<[string, object]>([
    ['no name', { name: '…' }],
    ['no help', { help: undefined }],
    ['another type', { type: 'untyped' }],
    ['a unit that is none', { unit: 7 }],
    ['no samples', { samples: {} }],
  ])('cannot return a family with %s', async (_, wrong) => {
    const { monitor, values } = open()
    monitor.addFeed({
      name: 'mine',
      collect: () => [{ ...counter('a', { x: 1 }), ...wrong } as never, counter('b', { x: 1 })],
    })
    expect(await values('b')).toHaveLength(1)
    expect(await values('a')).toEqual([])
    expect(await values('sluice.feed.dropped')).toEqual([[{ reason: 'invalid' }, 3]])
  })

  it.each<[string, MetricFamily['type'], object]>([
    ['labels that are no texts', 'gauge', { labels: { a: 1 }, value: 1 }],
    ['no labels', 'gauge', { value: 1 }],
    ['no number', 'gauge', { labels: {}, value: '1' }],
    ['a negative count', 'counter', { labels: {}, value: -1 }],
    ['a count that is none', 'counter', { labels: {}, value: Number.NaN }],
    ['as many counts as bounds', 'histogram', { labels: {}, bounds: [1, 2], counts: [1, 1], sum: 1 }],
    ['bounds that fall', 'histogram', { labels: {}, bounds: [2, 1], counts: [1, 1, 1], sum: 1 }],
    ['a negative bucket', 'histogram', { labels: {}, bounds: [1], counts: [1, -1], sum: 1 }],
    ['no sum', 'histogram', { labels: {}, bounds: [1], counts: [1, 1] }],
    ['no quantiles', 'summary', { labels: {}, sum: 1, count: 1 }],
    ['a sum that is none', 'summary', { labels: {}, quantiles: [], sum: '1' }],
  ])('cannot return a sample with %s', async (_, type, sample) => {
    const { monitor, named, values } = open()
    monitor.addFeed({
      name: 'mine',
      collect: () => [{ name: 'a', help: 'a', type, samples: [sample] } as never],
    })
    expect((await named('a'))?.samples).toEqual([])
    expect(await values('sluice.feed.dropped')).toEqual([[{ reason: 'invalid' }, 2]])
  })

  it('can return negative gauges and gauges that are NaN or infinite', async () => {
    const { monitor, values } = open()
    monitor.addFeed({
      name: 'mine',
      collect: () => [counter('a', { x: -1, y: Number.NaN, z: Number.NEGATIVE_INFINITY }, 'gauge')],
    })
    expect((await values('a')).map(([, value]) => value)).toEqual([-1, Number.NaN, Number.NEGATIVE_INFINITY])
  })
})

describe('the limit on samples', () => {
  const LIMIT = 1_000

  function capped(type: 'counter' | 'gauge') {
    const opened = open()
    let given: Record<string, number> = {}
    opened.monitor.addFeed({ name: 'mine', collect: () => [counter('a', given, type)] })
    return {
      ...opened,
      give: async (values: Record<string, number>) => {
        given = values
        return (await opened.values('a')) as [Record<string, string>, number][]
      },
    }
  }
  const keys = (count: number, value = 1) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, value]))

  it('adds counters above the limit to one overflow sample', async () => {
    const { give } = capped('counter')
    expect(await give(keys(LIMIT))).toHaveLength(LIMIT)
    const samples = await give(keys(LIMIT + 3, 2))
    expect(samples).toHaveLength(LIMIT + 1)
    expect(samples.at(-1)).toEqual([OVERFLOW, 6])
  })

  it('keeps samples within the limit regardless of their order', async () => {
    const { give } = capped('counter')
    await give(keys(LIMIT))
    const samples = await give({ early: 5, ...keys(LIMIT) })
    expect(samples.map(([{ key }]) => key)).not.toContain('early')
    expect(samples.at(-1)).toEqual([OVERFLOW, 5])
  })

  it('keeps samples in the overflow, so that it never decreases', async () => {
    const { give } = capped('counter')
    await give(keys(LIMIT + 1, 3))
    const { k0: _, ...rest } = keys(LIMIT + 1, 3)
    expect((await give(rest)).at(-1)).toEqual([OVERFLOW, 3])
    expect((await give({ ...rest, fresh: 1 })).map(([{ key }]) => key)).toContain('fresh')
  })

  it('omits gauges above the limit, and counts them', async () => {
    const { give, values } = capped('gauge')
    expect(await give(keys(LIMIT + 2))).toHaveLength(LIMIT)
    expect(await values('sluice.feed.dropped')).toEqual([[{ reason: 'overflow' }, 4]])
  })

  it('adds up histograms with the same bounds, and summaries without their quantiles', async () => {
    const { monitor, named } = open()
    const labels = Array.from({ length: LIMIT + 2 }, (_, at) => ({ key: `k${at}` }))
    monitor.addFeed({
      name: 'mine',
      collect: () => [
        {
          name: 'h',
          help: '',
          type: 'histogram',
          samples: labels.map((one) => ({ labels: one, bounds: [1], counts: [1, 2], sum: 3 })),
        },
        {
          name: 's',
          help: '',
          type: 'summary',
          samples: labels.map((one) => ({
            labels: one,
            quantiles: [{ quantile: 0.5, value: 1 }],
            sum: 4,
            count: 2,
          })),
        },
      ],
    })
    expect((await named('h'))?.samples.at(-1)).toEqual({
      labels: OVERFLOW,
      bounds: [1],
      counts: [2, 4],
      sum: 6,
    })
    expect((await named('s'))?.samples.at(-1)).toEqual({ labels: OVERFLOW, quantiles: [], sum: 8, count: 4 })
  })

  it('accepts one of several samples with the same labels in any order', async () => {
    const { monitor, values } = open()
    const samples = [
      { labels: { a: '1', b: '2' }, value: 1 },
      { labels: { b: '2', a: '1' }, value: 9 },
    ]
    monitor.addFeed({ name: 'mine', collect: () => [{ name: 'x', help: '', type: 'counter', samples }] })
    expect(await values('x')).toEqual([[{ a: '1', b: '2' }, 1]])
    expect(await values('sluice.feed.dropped')).toEqual([[{ reason: 'duplicate' }, 2]])
  })
})
