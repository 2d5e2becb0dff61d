import { describe, expect, it } from 'vitest'
import { minutesAhead, withGaps } from '../src/pages/metrics-page.ts'
import { isWithoutValues, masked } from '../src/pages/queries-page.ts'
import type {
  CachePage,
  FindingsPage,
  JobsPage,
  MetricsPage,
  NodesPage,
  NowPage,
  RequestDetail,
  RequestsPage,
} from '../src/protocol/index.ts'
import { execute, openWorld, shapeOf, type World } from './world.ts'

const page = async <T>({ ask }: World, path: string): Promise<T> => (await ask(`/api/${path}`)).body

async function loop({ sluice }: World, name: string, times: number, status?: number) {
  const scope = sluice.openScope(name)
  scope.enter(() => {
    for (let at = 0; at < times; at += 1) execute(sluice, shapeOf('Region.findUnique'), { values: at })
  })
  scope.statusCode = status
  scope.end()
}

describe('requests page', () => {
  it('lists the requests that match all filters', async () => {
    const world = await openWorld()
    await loop(world, 'GET /cities', 9, 200)
    await loop(world, 'GET /regions/:id', 1, 503)
    await loop(world, 'GET /cities', 2, 404)
    await loop(world, 'job mail', 0)
    const names = async (query: string) =>
      (await page<RequestsPage>(world, `requests?${query}`)).recent.map(
        ({ name, queries }) => `${name} ${queries}`,
      )
    expect(await names('')).toEqual(['job mail 0', 'GET /cities 2', 'GET /regions/:id 1', 'GET /cities 9'])
    expect(await names('name=CITIES')).toEqual(['GET /cities 2', 'GET /cities 9'])
    expect(await names('status=error')).toEqual(['GET /regions/:id 1'])
    expect(await names('status=4xx')).toEqual(['GET /cities 2'])
    expect(await names('code=any')).toEqual(['GET /cities 9'])
    expect(await names('code=REPEATED_QUERY')).toEqual([])
    expect(await names('minQueries=2')).toEqual(['GET /cities 2', 'GET /cities 9'])
    expect(await names('limit=1&unknown=1')).toEqual(['job mail 0'])
    const { matching, recent } = await page<RequestsPage>(world, 'requests?name=cities&limit=1')
    expect([matching, recent.length]).toEqual([2, 1])
    expect(recent[0]).toMatchObject({ kind: 'request', method: 'GET', route: '/cities', statusCode: 404 })
  })

  it('rejects invalid filters', async () => {
    const world = await openWorld()
    for (const query of [
      'status=6xx',
      'code=x',
      'minMs=-1',
      'minMs=a',
      'limit=0',
      'limit=501',
      `name=${'x'.repeat(201)}`,
    ]) {
      const { status, body } = await world.ask(`/api/requests?${query}`)
      expect([status, body], query).toEqual([
        400,
        { error: { code: 'BAD_QUERY', message: expect.any(String) } },
      ])
    }
  })

  it('returns a stored request with the newest one of the same name', async () => {
    const world = await openWorld()
    await loop(world, 'GET /a', 1)
    await loop(world, 'GET /a', 2)
    const { recent } = await page<RequestsPage>(world, 'requests')
    const detail = await page<RequestDetail>(world, `requests/${recent[1]?.id}`)
    expect([detail.queries, detail.newest]).toEqual([1, recent[0]?.id])
    for (const id of ['zzzz', '..%2f', 'a/b'])
      expect((await world.ask(`/api/requests/${id}`)).status, id).toBe(404)
  })

  it('compresses large responses', async () => {
    const world = await openWorld()
    for (let at = 0; at < 40; at += 1) await loop(world, `GET /${at}`, 1)
    const { headers } = await world.ask('/api/requests', { headers: { 'accept-encoding': 'gzip, br' } })
    expect(headers['content-encoding']).toBe('gzip')
    expect((await world.ask('/api/requests')).headers['content-encoding']).toBeUndefined()
  })
})

describe('current problems', () => {
  it('are ordered by severity over all engines, at most 5', async () => {
    const world = await openWorld()
    const { sluice } = world
    for (let at = 0; at < 4; at += 1) await loop(world, `GET /${at}`, 6)
    sluice.balancer?.registerNode('10.0.0.1', 80)
    sluice.balancer?.updateNodeHealth('10.0.0.1:80', 'unhealthy')
    sluice.monitor?.registerMetric('orders', { warning: 1, critical: 2 })
    sluice.monitor?.recordMetric('orders', 3, 'shop')
    const { ranked, badges, sparklines, totals } = await page<NowPage>(world, 'now')
    expect(ranked.map(({ kind, severity }) => [kind, severity])).toEqual([['alert', 'high'], ['node', 'high'], ['finding', 'low'], ['finding', 'low'], ['finding', 'low']]) // biome-ignore format: a table
    expect(badges).toEqual({ findings: 4, alerts: 1, deadLetters: 0, nodes: 1 })
    expect(sparklines.map(({ id }) => id)).toEqual([
      'requests',
      'p50',
      'p95',
      'errorRate',
      'queriesPerRequest',
      'databaseShare',
    ])
    expect(totals).toMatchObject({ requests: 4, queries: 24 })
  })
})

describe('findings page', () => {
  it('orders findings by savings and links to a request', async () => {
    const world = await openWorld()
    await loop(world, 'GET /once', 20)
    for (let at = 0; at < 30; at += 1) await loop(world, 'GET /often', 6)
    const { findings, requests } = await page<FindingsPage>(world, 'findings')
    expect(requests).toBe(31)
    expect(findings.map(({ savedMs }) => savedMs)).toEqual(
      findings.map(({ savedMs }) => savedMs).sort((a, b) => b - a),
    )
    const often = findings.find(({ scope }) => scope === 'GET /often')
    expect(often).toMatchObject({
      title: 'N+1',
      occurrences: 30,
      queries: 6,
      queriesPossible: 1,
      isMuted: false,
    })
    expect(often?.text).toContain('▲ N+1  GET /often')
    expect(await page<RequestDetail>(world, `requests/${often?.request}`)).toMatchObject({
      name: 'GET /often',
    })
  })
})

describe('metrics page', () => {
  it('inserts gaps where values are missing', () => {
    const now = 1_000_000_000
    const at = (second: number) => [now + second * 1_000, 1] as const
    expect(withGaps([at(-9), at(-8), at(-7)], now).length).toBe(3)
    expect(withGaps([at(-99), at(-98), at(-40), at(-39)], now)).toEqual([
      at(-99),
      at(-98),
      [now - 98_000 + 1, null],
      at(-40),
      at(-39),
    ])
    // A source that reports every 5 seconds has no gaps.
    expect(withGaps([at(-30), at(-25), at(-20), at(-15)], now).length).toBe(4)
    // Older values are one minute apart.
    expect(withGaps([at(-7_200), at(-7_140), at(-7_080)], now).length).toBe(3)
    expect(withGaps([at(-7_200), at(-7_140), at(-6_000)], now).length).toBe(4)
  })

  it('forecasts half of the recorded time by default, at most 1 hour', () => {
    const ahead = (minutes: number) => minutesAhead([[0, 1]], minutes * 60_000)
    expect([1, 2, 9, 30, 1_440].map(ahead)).toEqual([0, 1, 4, 15, 60])
    expect(minutesAhead([], 60_000)).toBe(0)
  })

  it('contains thresholds, a forecast, and its accuracy', async () => {
    const world = await openWorld()
    world.sluice.monitor?.recordMetric('cpu', 40, 'host')
    const { metrics, points, forecast, needsSeconds, metric } = await page<MetricsPage>(
      world,
      'metrics?metric=cpu&minutes=5&ahead=3',
    )
    expect(metrics.find(({ name }) => name === 'cpu')).toMatchObject({
      unit: '%',
      warning: 70,
      critical: 90,
      current: 40,
      sources: 1,
    })
    expect([metric, points.map(([, value]) => value), needsSeconds]).toEqual(['cpu', [40], 120])
    expect(forecast).toMatchObject({
      recentAccuracy: null,
      caption: 'No forecast for the next 3 minutes has been evaluated yet.',
    })
    expect(forecast?.points.map(({ at }) => at - (forecast?.from ?? 0))).toEqual([60_000, 120_000, 180_000])
    for (const { lower, value, upper } of forecast?.points ?? [])
      expect(lower <= value && value <= upper).toBe(true)
    for (const metric of ['cpu', 'disk'])
      expect((await page<MetricsPage>(world, `metrics?metric=${metric}`)).forecast).toBeNull()
    for (const query of ['metric=nothing', 'minutes=0', 'minutes=2000', 'ahead=61'])
      expect((await world.ask(`/api/metrics?${query}`)).status, query).toBe(400)
  })
})

describe('numbers without a JSON representation', () => {
  it('are returned as null', async () => {
    const world = await openWorld()
    const { balancer } = world.sluice
    for (const port of [1, 2]) balancer?.registerNode('10.0.0.1', port)
    balancer?.selectNode()
    expect((await page<NodesPage>(world, 'nodes')).imbalanceRatio).toBeNull()
  })
})

describe('cache page', () => {
  it('contains absolute numbers and the reasons why reads are not cached', async () => {
    const world = await openWorld({}, { mode: 'optimize' })
    await loop(world, 'GET /a', 3)
    const { queries, isKeeping, stats, passedThrough } = await page<CachePage>(world, 'cache')
    expect({ queries, isKeeping, hits: stats.hits, passedThrough }).toEqual({
      queries: 3,
      isKeeping: true,
      hits: 0,
      passedThrough: [],
    })
  })
})

describe('values in statements', () => {
  it('are assumed if uncertain', () => {
    for (const sql of [
      'SELECT * FROM a1 WHERE id = ?',
      'select "b" from a where "id2" = $1 and c > $2::int',
      'SELECT count(*) FROM a',
      'select `a`.`1` from `a`',
    ])
      expect(isWithoutValues(sql, 'postgresql'), sql).toBe(true)
    for (const sql of [
      "SELECT * FROM a WHERE email = 'ada@example.com'",
      "SELECT * FROM a WHERE b = 'really?'",
      'SELECT * FROM a WHERE id = 7',
      'SELECT * FROM a WHERE id IN (?, ?, 5)',
      "SELECT * FROM a WHERE b = $1 AND c = E'x'",
      'SELECT * FROM a WHERE b = $$secret?$$',
      'SELECT * FROM a LIMIT 10',
    ])
      expect(isWithoutValues(sql, 'postgresql'), sql).toBe(false)
    // Anywhere except for columns, it is a string.
    expect(isWithoutValues('SELECT * FROM a WHERE b = "secret"', 'sqlite')).toBe(false)
  })

  it('are masked in messages about a statement', () => {
    expect(masked(`id = 7 AND name = '${'x'.repeat(10_000)}`)).toBe('id = ? AND name = ?')
    expect(masked("(email = 'it''s ada'::text) AND (id = 7) AND (t1.x2 > -1.5e3)")).toBe(
      '(email = ?::text) AND (id = ?) AND (t1.x2 > ?)',
    )
  })

  it('are in none of the pages, wherever the app wrote them', async () => {
    const secret = 'ada@example.com'
    const world = await openWorld()
    const { database, queries } = world.sluice
    const sql = `SELECT * FROM person WHERE email = '${secret}' AND age > 4711`
    for (let at = 0; at < 3; at += 1)
      database?.observe({ sql, dialect: 'sqlite', executionTime: 3_000, bindings: [secret] })
    queries.analyzeQuery(`${sql} OR 1 = 1 --`, 20)
    await world.sluice.run(() =>
      execute(world.sluice, shapeOf('Person.findMany'), { values: { email: secret } }),
    )
    const now = await page<NowPage>(world, 'now')
    expect(now.ranked[0]).toMatchObject({ kind: 'slow-query', title: expect.stringContaining('email = ?') })
    for (const path of [
      'now',
      'queries',
      'findings',
      'requests',
      `requests/${(await page<RequestsPage>(world, 'requests')).recent[0]?.id}`,
    ]) {
      const { text } = await world.ask(`/api/${path}`)
      expect(text.length, path).toBeGreaterThan(20)
      expect(text, path).not.toContain(secret)
      expect(text, path).not.toContain('4711')
    }
  })
})

describe('dead-letter errors', () => {
  it('mask the password of a URL in a driver error', async () => {
    const world = await openWorld()
    world.sluice.jobs?.registerProcessor('default', async (_task, { log }) => {
      log('opening postgres://ann:s3cret@db/app')
      throw new Error('Cannot reach postgres://ann:s3cret@db/app')
    })
    await world.sluice.jobs?.enqueueTask(1, 'normal', 'default', { maxRetries: 0 })
    await world.sluice.jobs?.processNextTask()
    const { deadLetters } = (await page<JobsPage>(world, 'jobs')) ?? {}
    const [group] = deadLetters?.groups ?? []
    expect(group?.error).toBe('Cannot reach postgres://ann:***@db/app')
    expect(group?.letters[0]).toMatchObject({ log: ['opening postgres://ann:***@db/app'] })
    expect(JSON.stringify(deadLetters)).not.toContain('s3cret')
  })
})
