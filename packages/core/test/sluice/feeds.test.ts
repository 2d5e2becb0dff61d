import { readFileSync } from 'node:fs'
import { createSluice, type MetricFamily, memoryStore, type Sluice, type SluiceOptions } from '@sluice/core'
import type { RegionState } from '@sluice/core/stores'
import { describe, expect, it, onTestFinished } from 'vitest'
import { prometheusHead } from '../../src/monitoring/export/prometheus-text.ts'
import { hostOf } from '../../src/sluice/sluice-host.ts'

function open(options: SluiceOptions = {}): Sluice {
  const sluice = createSluice(options)
  onTestFinished(() => sluice.close())
  return sluice
}

async function family(sluice: Sluice, name: string): Promise<MetricFamily | undefined> {
  return (await sluice.monitor?.collectMetrics())?.find((one) => one.name === name)
}

async function values(
  sluice: Sluice,
  name: string,
): Promise<readonly (readonly [object, number | undefined])[]> {
  const found = await family(sluice, name)
  return (found?.samples ?? []).map((sample) => [sample.labels, 'value' in sample ? sample.value : undefined])
}

describe('metric feeds of a Sluice', () => {
  it('export statements by normalized query, without their SQL', async () => {
    const sluice = open()
    const sql = "select * from cities where name = 'secret'"
    for (const executionTime of [0.5, 1, 7])
      sluice.database?.observe({ sql, executionTime, rows: 2, dialect: 'postgresql' })
    sluice.database?.observe({
      sql: 'select 1 from a join b on a.x = b.x',
      executionTime: 20_000,
      failed: true,
      dialect: 'postgresql',
    })
    const found = await family(sluice, 'db.client.operation.duration')
    expect(found).toMatchObject({ type: 'histogram', unit: 's' })
    const labels = {
      'db.system.name': 'postgresql',
      'db.operation.name': 'SELECT',
      'db.collection.name': 'cities',
      'db.query.summary': 'SELECT cities',
      'sluice.query.fingerprint': sluice.database?.getWorkload().find(({ calls }) => calls === 3)
        ?.fingerprint,
    }
    const [first, second] = found?.samples ?? []
    expect(first).toEqual({
      labels,
      bounds: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
      counts: [2, 0, 1, 0, 0, 0, 0, 0, 0, 0],
      sum: expect.closeTo(0.0085, 9),
    })
    expect(second?.labels).toMatchObject({ 'db.query.summary': 'SELECT a b' })
    expect(second?.labels).not.toHaveProperty('db.collection.name')
    expect(second).toMatchObject({ counts: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1] })
    expect(await values(sluice, 'sluice.query.returned_rows')).toEqual([
      [labels, 6],
      [second?.labels, 0],
    ])
    expect((await values(sluice, 'sluice.query.errors')).map(([, value]) => value)).toEqual([0, 1])
    expect(await sluice.monitor?.metricsText()).not.toContain('secret')
  })

  it('export evicted normalized queries as the overflow', async () => {
    const sluice = open()
    for (let at = 0; at < 1_005; at += 1)
      sluice.database?.observe({
        sql: `select * from t${at}`,
        executionTime: 1,
        rows: 1,
        dialect: 'postgresql',
      })
    const rows = await values(sluice, 'sluice.query.returned_rows')
    expect(rows).toHaveLength(1_001)
    expect(rows.at(-1)).toEqual([{ 'otel.metric.overflow': 'true' }, 5])
  })

  it('export no statements if the workload is not recorded', async () => {
    expect(
      await family(open({ database: { workload: false } }), 'db.client.operation.duration'),
    ).toBeUndefined()
    expect(await family(open({ database: false }), 'db.client.connection.max')).toBeUndefined()
  })

  it('export the outcomes of operations', async () => {
    const sluice = open()
    const { stats } = hostOf(sluice)
    stats.seen = 9
    stats.batched = 4
    stats.prefetched = 3
    stats.cacheHits = 2
    stats.databaseMs = 1_500
    stats.passThrough('batch:NO_SCOPE')
    expect(await values(sluice, 'sluice.operations')).toEqual([[{}, 9]])
    expect(await values(sluice, 'sluice.operations.saved')).toEqual([
      [{ 'sluice.saved.by': 'batched' }, 4],
      [{ 'sluice.saved.by': 'prefetched' }, 3],
      [{ 'sluice.saved.by': 'cached' }, 2],
    ])
    expect(await values(sluice, 'sluice.operations.passed_through')).toEqual([
      [{ 'sluice.reason': 'batch:NO_SCOPE' }, 1],
    ])
    expect(await values(sluice, 'sluice.database.time')).toEqual([[{}, 1.5]])
  })

  it('export the attached pools', async () => {
    const sluice = open()
    sluice.database?.attachPool('pg', () => ({ min: 0, max: 10, used: 3, idle: 2, waiting: 1 }))
    const pool = { 'db.client.connection.pool.name': 'pg' }
    expect(await values(sluice, 'db.client.connection.count')).toEqual([
      [{ ...pool, 'db.client.connection.state': 'used' }, 3],
      [{ ...pool, 'db.client.connection.state': 'idle' }, 2],
    ])
    expect(await values(sluice, 'db.client.connection.max')).toEqual([[pool, 10]])
    expect(await values(sluice, 'db.client.connection.pending_requests')).toEqual([[pool, 1]])
  })

  it('export the statistics of the cache', async () => {
    const sluice = open()
    sluice.cache?.set('n', 'k', 1)
    sluice.cache?.get('n', 'k')
    sluice.cache?.get('n', 'other')
    sluice.cache?.get('n', 'another')
    await sluice.tiered?.getOrLoad('x', () => 1)
    expect(await values(sluice, 'sluice.cache.reads')).toEqual([
      [{ 'sluice.result': 'hit' }, 1],
      [{ 'sluice.result': 'miss' }, 3],
    ])
    expect((await values(sluice, 'sluice.cache.memory'))[0]?.[1]).toBeGreaterThan(0)
    expect(await values(sluice, 'sluice.tiered.events')).toContainEqual([
      { 'sluice.event': 'load_errors' },
      0,
    ])
    expect(await values(sluice, 'sluice.tiered.events')).toContainEqual([{ 'sluice.event': 'loads' }, 1])
    expect(await values(sluice, 'sluice.results.events')).toContainEqual([{ 'sluice.event': 'loads' }, 0])
    expect(await family(open({ cache: false }), 'sluice.cache.reads')).toBeUndefined()
  })

  it('export the nodes of the balancer', async () => {
    const sluice = open()
    const [one, two] = [80, 81].map((port) => sluice.balancer?.registerNode('127.0.0.1', port)?.id ?? '')
    sluice.balancer?.selectNode()
    sluice.balancer?.recordRequest(one ?? '', 100, 200)
    sluice.balancer?.recordRequest(one ?? '', 100, 503)
    sluice.balancer?.updateNodeHealth(two ?? '', 'maintenance')
    expect(await values(sluice, 'sluice.balancer.requests')).toEqual([
      [{ 'sluice.node.id': one }, 2],
      [{ 'sluice.node.id': two }, 0],
    ])
    expect(await values(sluice, 'sluice.balancer.failures')).toContainEqual([{ 'sluice.node.id': one }, 1])
    expect(await values(sluice, 'sluice.balancer.node.up')).toEqual([
      [{ 'sluice.node.id': one }, 1],
      [{ 'sluice.node.id': two }, 0],
    ])
    const times = await family(sluice, 'sluice.balancer.response.time')
    const [answered, never] = times?.type === 'summary' ? times.samples : []
    expect(answered?.quantiles.map(({ quantile, value }) => [quantile, Math.round(value * 100)])).toEqual([
      [0.5, 10],
      [0.95, 10],
      [0.99, 10],
    ])
    expect(never?.quantiles).toEqual([])
  })

  it('export the regions of the balancer', async () => {
    const sluice = open({ balancer: { region: { local: 'a', rttMs: { b: 30 } } } })
    const [id = ''] = ['a', 'b'].map(
      (region, at) => sluice.balancer?.registerNode('127.0.0.1', 80 + at, { region })?.id,
    )
    const lease = sluice.balancer?.acquire()
    sluice.balancer?.acquire()?.release()
    const of = (a: number, b: number) => [
      [{ 'sluice.region': 'a' }, a],
      [{ 'sluice.region': 'b' }, b],
    ]
    expect(lease?.node.id).toBe(id)
    expect(await values(sluice, 'sluice.balancer.region.requests')).toEqual(of(2, 0))
    expect(await values(sluice, 'sluice.balancer.region.connections')).toEqual(of(1, 0))
    expect(await values(sluice, 'sluice.balancer.region.limit')).toEqual(of(16, 16))
    expect(await values(sluice, 'sluice.balancer.region.response.time')).toEqual(of(0, 0))
    expect(await values(open(), 'sluice.balancer.region.limit')).toEqual([])
  })

  it('export a draining node as unavailable', async () => {
    const sluice = open()
    const node = sluice.balancer?.registerNode('127.0.0.1', 80)
    const lease = sluice.balancer?.acquire()
    const removed = sluice.balancer?.removeNode(node?.id ?? '', { drainMs: 10_000 })
    expect(await values(sluice, 'sluice.balancer.node.up')).toEqual([[{ 'sluice.node.id': node?.id }, 0]])
    lease?.release()
    await removed
  })

  it('export the queues of jobs once they are used', async () => {
    const sluice = open()
    expect(await values(sluice, 'sluice.jobs.tasks')).toEqual([])
    sluice.jobs?.registerProcessor('mail', () => {})
    const over = new Promise<void>((resolve) => sluice.jobs?.on('task:completed', () => resolve()))
    sluice.jobs?.start()
    await sluice.jobs?.enqueueTask({ a: 1 }, 'high', 'mail')
    await over
    await sluice.jobs?.enqueueTask({ a: 1 }, 'high', 'default')
    const [mail, standard] = [{ 'sluice.queue.name': 'mail' }, { 'sluice.queue.name': 'default' }]
    expect(await values(sluice, 'sluice.jobs.attempts')).toContainEqual([
      { ...mail, 'sluice.task.outcome': 'completed' },
      1,
    ])
    expect(await values(sluice, 'sluice.jobs.attempts')).toContainEqual([
      { ...mail, 'sluice.task.outcome': 'failed' },
      0,
    ])
    expect(await values(sluice, 'sluice.jobs.tasks')).toContainEqual([
      { ...standard, 'sluice.task.state': 'queued' },
      1,
    ])
    expect(await values(sluice, 'sluice.jobs.tasks')).toContainEqual([
      { ...standard, 'sluice.task.state': 'dead' },
      0,
    ])
    const waits = await family(sluice, 'sluice.jobs.wait.time')
    expect(waits?.samples.find(({ labels }) => labels['sluice.queue.name'] === 'mail')).toMatchObject({
      quantiles: [{}, {}, {}],
    })
  })

  it('export all metrics that the reference lists', async () => {
    const page = readFileSync(new URL('../../../../docs/reference/metrics.md', import.meta.url), 'utf8')
    const rows = page.split('\n').flatMap((line) => {
      const [, name, type, unit, labels, prometheus] = line
        .split('|')
        .map((cell) => cell.trim().replaceAll('`', ''))
      // Caches of `@sluice/http` add those of responses.
      return name === undefined || !/^[a-z]+\./.test(name) || /^sluice\.responses(\.|$)/.test(name)
        ? []
        : [{ name, type, unit, labels: labels?.split(', ').filter(Boolean), prometheus }]
    })
    const region: RegionState = {
      region: 'us',
      state: 'up',
      isFresh: true,
      ageMs: 100,
      maxLagMs: 1_000,
      lagP50Ms: 80,
      lagP99Ms: 90,
    }
    const store = Object.assign(memoryStore(), { regions: () => [region] })
    const sluice = open({ cache: { store } })
    sluice.openScope('GET /a').end()
    await sluice.run(() => {})
    sluice.database?.observe({ sql: 'select 1 from a', executionTime: 1, dialect: 'postgresql' })
    sluice.database?.attachPool('pg', () => ({ min: 0, max: 10, used: 3, idle: 2, waiting: 1 }))
    sluice.balancer?.registerNode('127.0.0.1', 80)
    sluice.cache?.get('n', 'k')
    await sluice.jobs?.enqueueTask({ a: 1 })
    for (const metric of [
      'cpu',
      'cpuThrottling',
      'memory',
      'disk',
      'network',
      'eventLoopUtilization',
      'eventLoopDelay',
      'gcPause',
    ] as const)
      sluice.monitor?.recordMetric(metric, 1, 'here')
    for (const metric of ['connections', 'requests', 'errorRate', 'poolWait'] as const)
      sluice.monitor?.recordMetric(metric, 1, 'here')
    const families = (await sluice.monitor?.collectMetrics()) ?? []
    expect(families.map(({ name }) => name).sort()).toEqual(rows.map(({ name }) => name).sort())
    for (const family of families) {
      const row = rows.find(({ name }) => name === family.name)
      const { name, type, unit = '' } = family
      expect({ name, type, unit, prometheus: prometheusHead(family).name }).toEqual({
        name,
        type: row?.type,
        unit: row?.unit,
        prometheus: row?.prometheus,
      })
      for (const { labels } of family.samples)
        expect([...(row?.labels ?? []), 'otel.metric.overflow'], name).toEqual(
          expect.arrayContaining(Object.keys(labels)),
        )
    }
  })

  it('result in a page whose lines are all valid', async () => {
    const sluice = open()
    sluice.openScope('GET /a').end()
    sluice.balancer?.registerNode('127.0.0.1', 80)
    const lines = ((await sluice.monitor?.metricsText()) ?? '')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines.length).toBeGreaterThan(50)
    for (const line of lines)
      expect(line).toMatch(/^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [\d.e+-]+$/)
    expect(await values(sluice, 'sluice.feed.failures')).toEqual([])
    expect(await values(sluice, 'sluice.feed.dropped')).toEqual([])
  })
})
