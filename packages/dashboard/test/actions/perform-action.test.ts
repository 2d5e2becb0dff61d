import { memoryJobBackend } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import type {
  AlertsPage,
  FindingsPage,
  JobsPage,
  NodesPage,
  NowPage,
  RequestsPage,
} from '../../src/protocol/index.ts'
import { execute, openWorld, shapeOf, type World } from '../world.ts'

const page = async <T>({ ask }: World, path: string): Promise<T> => (await ask(`/api/${path}`)).body

async function withDeadLetters(world: World) {
  const jobs = world.sluice.jobs
  jobs?.createQueue('mail')
  jobs?.createQueue('bills')
  let works = false
  const done: unknown[] = []
  for (const queue of ['mail', 'bills'])
    jobs?.registerProcessor(queue, (data: { to: string; by: string }) => {
      if (!works)
        throw new Error(
          data.by === 'time' ? `Timed out after ${data.to.length} ms` : `Mailbox "${data.to}" is full`,
        )
      done.push(data.to)
    })
  for (const [queue, to, by] of [
    ['mail', 'ada', 'full'],
    ['mail', 'grace', 'full'],
    ['mail', 'linus', 'time'],
    ['bills', 'ken', 'full'],
  ] as const) {
    // biome-ignore format: a table
    await jobs?.enqueueTask({ to, by }, 'normal', queue, { maxRetries: 0 })
    await jobs?.processNextTask(queue)
  }
  return {
    done,
    work: () => {
      works = true
    },
    process: async (queue: string) => {
      while ((await jobs?.processNextTask(queue)) !== null) {}
    },
  }
}

describe('alert actions', () => {
  it('acknowledge and resolve an alert', async () => {
    const world = await openWorld()
    world.sluice.monitor?.registerMetric('orders', { warning: 1, critical: 2 })
    world.sluice.monitor?.recordMetric('orders', 3, 'shop')
    const { active } = await page<AlertsPage>(world, 'alerts')
    const id = active[0]?.id
    expect((await world.act('acknowledge-alert', { id })).body).toEqual({ done: true })
    expect((await world.act('acknowledge-alert', { id })).body).toEqual({ done: false })
    expect((await page<AlertsPage>(world, 'alerts')).active[0]).toMatchObject({
      status: 'acknowledged',
      acknowledgedBy: 'dashboard',
    })
    expect((await world.act('resolve-alert', { id })).body).toEqual({ done: true })
    const { timeline } = await page<AlertsPage>(world, 'alerts')
    expect(timeline.map((entry) => (entry.kind === 'alert' ? entry.change : entry.kind)).sort()).toEqual([
      'acknowledged',
      'raised',
      'resolved',
    ])
  })
})

describe('dead-letter actions', () => {
  it('group dead letters by queue and error, and show task data only with showParameters', async () => {
    for (const showParameters of [false, true]) {
      const world = await openWorld({ showParameters })
      await withDeadLetters(world)
      const { deadLetters, queues } = await page<JobsPage>(world, 'jobs')
      expect(deadLetters.groups.map(({ queue, count }) => [queue, count])).toEqual([['mail', 2], ['mail', 1], ['bills', 1]]) // biome-ignore format: a table
      expect(deadLetters.total).toBe(4)
      expect(queues.find(({ queue }) => queue === 'mail')).toMatchObject({
        deadLetters: 3,
        maxConcurrency: 10,
      })
      const data = showParameters ? '{"to":"ada","by":"full"}' : null
      expect(deadLetters.groups[0]?.letters[0]).toMatchObject({ error: 'Mailbox "ada" is full', data })
    }
  })

  it('retry one dead letter, a group, or a limited number of a queue', async () => {
    const world = await openWorld()
    const { work, process, done } = await withDeadLetters(world)
    work()
    const { groups } = (await page<JobsPage>(world, 'jobs')).deadLetters
    expect((await world.act('retry-dead-letters', { id: groups[2]?.letters[0]?.id })).body).toEqual({
      count: 1,
    })
    await process('bills')
    expect(done).toEqual(['ken'])
    expect((await world.act('retry-dead-letters', { group: groups[0]?.key })).body).toEqual({ count: 2 })
    await process('mail')
    expect(done).toEqual(['ken', 'ada', 'grace'])
    expect((await world.act('retry-dead-letters', { queue: 'mail', limit: 5 })).body).toEqual({ count: 1 })
    expect((await world.act('retry-dead-letters', {})).body).toEqual({ count: 0 })
  })

  it('discard dead letters', async () => {
    const world = await openWorld()
    await withDeadLetters(world)
    expect((await world.act('discard-dead-letters', { queue: 'mail', limit: 2 })).body).toEqual({ count: 2 })
    expect((await page<JobsPage>(world, 'jobs')).deadLetters.total).toBe(2)
  })

  it('return the reason why an action failed', async () => {
    const world = await openWorld({}, { jobs: { authorize: (_actor, action) => action === 'enqueue' } })
    await withDeadLetters(world)
    const refused = await world.act('retry-dead-letters', { queue: 'mail' })
    expect([refused.status, refused.body]).toEqual([
      403,
      { error: { code: 'SLUICE_NOT_AUTHORIZED', message: expect.any(String) } },
    ])
    expect((await world.act('retry-dead-letters', { queue: 'nothing' })).body).toMatchObject({
      error: { code: 'SLUICE_UNKNOWN_QUEUE' },
    })
  })
})

describe('queue actions', () => {
  it('pause and resume a queue', async () => {
    const world = await openWorld()
    await withDeadLetters(world)
    const isPaused = async () =>
      (await page<JobsPage>(world, 'jobs')).queues.find(({ queue }) => queue === 'mail')?.isPaused
    await world.act('pause-queue', { queue: 'mail' })
    expect(await isPaused()).toBe(true)
    await world.act('resume-queue', { queue: 'mail' })
    expect(await isPaused()).toBe(false)
  })

  it('report a failing backend without affecting other pages', async () => {
    const backend = memoryJobBackend()
    const world = await openWorld({}, { jobs: { backend } })
    await withDeadLetters(world)
    await page<JobsPage>(world, 'jobs')
    backend.counts = () => Promise.reject(new Error('gone'))
    backend.list = () => Promise.reject(new Error('gone'))
    const { queues, deadLetters } = await page<JobsPage>(world, 'jobs')
    expect(queues.find(({ queue }) => queue === 'mail')).toMatchObject({
      health: 'unhealthy',
      deadLetters: 3,
      reasons: [expect.stringContaining('gone')],
    })
    expect(deadLetters).toEqual({ total: 4, grouped: 0, groups: [] })
    expect(
      (await page<NowPage>(world, 'now')).ranked.some(
        ({ kind, severity }) => kind === 'queue' && severity === 'high',
      ),
    ).toBe(true)
  })

  it('do not open the job engine when a page is shown', async () => {
    const world = await openWorld()
    expect(await page<JobsPage>(world, 'jobs')).toMatchObject({ isOpen: false, queues: [] })
    expect(world.sluice.jobs?.isOpen).toBe(false)
  })
})

describe('cache actions', () => {
  it('clear the whole cache or one namespace', async () => {
    const world = await openWorld()
    const { cache, tiered } = world.sluice
    cache?.set('a', 'k', 1)
    cache?.set('b', 'k', 2)
    await tiered?.set('k', 3)
    await world.act('clear-cache', { namespace: 'a' })
    expect([cache?.get('a', 'k'), cache?.get('b', 'k'), await tiered?.get('k')]).toEqual([null, 2, 3])
    await world.act('clear-cache', {})
    expect([cache?.get('b', 'k'), await tiered?.get('k')]).toEqual([null, undefined])
  })
})

describe('node actions', () => {
  it('drain and resume a node, unless its health checks failed', async () => {
    const world = await openWorld()
    const { balancer } = world.sluice
    const id = balancer?.registerNode('10.0.0.1', 80).id
    await world.act('drain-node', { id })
    expect([balancer?.nodes[0]?.status, balancer?.selectNode()]).toEqual(['maintenance', null])
    await world.act('undrain-node', { id })
    expect(balancer?.nodes[0]?.status).toBe('healthy')
    balancer?.updateNodeHealth(id ?? '', 'unhealthy')
    expect((await world.act('undrain-node', { id })).body).toEqual({ done: false })
    expect((await page<NodesPage>(world, 'nodes')).balancer?.unhealthyNodes).toBe(1)
    expect((await world.act('drain-node', { id: '10.0.0.9:1' })).body).toMatchObject({
      error: { code: 'SLUICE_UNKNOWN_NODE' },
    })
  })
})

describe('finding actions', () => {
  it('list a muted finding last and remove it from the current problems', async () => {
    const world = await openWorld()
    const { sluice } = world
    for (const [name, label] of [['GET /a', 'A'], ['GET /b', 'B']] as const)
      await sluice.run(() => { for (let at = 0; at < 9; at += 1) execute(sluice, shapeOf(label), { values: at }) }, { name }) // biome-ignore format: short
    const before = (await page<FindingsPage>(world, 'findings')).findings
    const first = before[0]
    expect((await world.act('mute-finding', { id: first?.id, muted: true })).body).toEqual({
      muted: [first?.id],
    })
    const { findings } = await page<FindingsPage>(world, 'findings')
    expect(findings.map(({ id, isMuted }) => [id, isMuted])).toEqual([[before[1]?.id, false], [first?.id, true]]) // biome-ignore format: a table
    expect((await page<NowPage>(world, 'now')).ranked.map(({ mutes }) => mutes)).toEqual([before[1]?.id])
    await world.act('mute-finding', { id: first?.id, muted: false })
    expect((await page<FindingsPage>(world, 'findings')).findings.some(({ isMuted }) => isMuted)).toBe(false)
  })
})

describe('budget actions', () => {
  it('set the budget of a route', async () => {
    const world = await openWorld()
    const { sluice } = world
    await world.act('set-budget', { name: 'GET /a', queries: 1 })
    await sluice.run(() => { for (let at = 0; at < 2; at += 1) execute(sluice, shapeOf('A')) }, { name: 'GET /a' }) // biome-ignore format: short
    expect((await page<RequestsPage>(world, 'requests')).routes[0]).toMatchObject({
      budget: 1,
      overBudget: 1,
    })
    await world.act('set-budget', { name: 'GET /a', queries: null })
    expect((await page<RequestsPage>(world, 'requests')).routes[0]).toMatchObject({ budget: null })
  })
})

describe('action body', () => {
  it('is rejected if a field is invalid, missing or unknown', async () => {
    const { act } = await openWorld()
    const wrong: readonly (readonly [string, object])[] = [
      ['acknowledge-alert', {}],
      ['acknowledge-alert', { id: 7 }],
      ['acknowledge-alert', { id: '' }],
      ['acknowledge-alert', { id: 'x'.repeat(501) }],
      ['retry-dead-letters', { limit: 0 }],
      ['retry-dead-letters', { limit: 1.5 }],
      ['retry-dead-letters', { all: true }],
      ['set-budget', { name: 'GET /a', queries: -1 }],
      ['mute-finding', { id: 'a', muted: 'yes' }],
      ['explain', { fingerprint: 'a' }],
      ['explain', { fingerprint: 'a', dialect: 'sqlite', sql: 'DROP TABLE a' }],
      ['inspect-database', { analyze: 1 }],
    ]
    for (const [name, body] of wrong) {
      const { status, body: answer } = await act(name, body)
      expect([status, answer], JSON.stringify(body)).toEqual([
        400,
        { error: { code: 'BAD_BODY', message: expect.any(String) } },
      ])
    }
  })
})

describe('disabled engines', () => {
  it('have no page and no action', async () => {
    const off = {
      cache: false,
      database: false,
      balancer: false,
      jobs: false,
      monitor: false,
      detection: false,
    } as const
    const world = await openWorld({}, off)
    for (const path of ['findings', 'queries', 'cache', 'nodes', 'jobs', 'metrics', 'alerts']) {
      const { status, text } = await world.ask(`/api/${path}`)
      expect([status, text], path).toEqual([200, 'null'])
    }
    for (const [
      name,
      body,
    ] of [['acknowledge-alert', { id: 'a' }], ['retry-dead-letters', {}], ['clear-cache', {}], ['drain-node', { id: 'a' }], ['explain', { fingerprint: 'a', dialect: 'sqlite' }], ['inspect-database', {}]] as const) // biome-ignore format: a table
      expect((await world.act(name, body)).body, name).toMatchObject({ error: { code: 'OFF' } })
    expect(await page<NowPage>(world, 'now')).toMatchObject({
      ranked: [],
      badges: { findings: 0, alerts: 0, deadLetters: 0, nodes: 0 },
    })
    await world.sluice.run(() => {}, { name: 'GET /a' })
    expect((await page<RequestsPage>(world, 'requests')).recent).toHaveLength(1)
  })
})

describe('warm-cache', () => {
  it('adds values to a namespace of the app with the given TTL', async () => {
    let ms = 0
    const { act, sluice } = await openWorld({}, { cache: {}, clock: { now: () => ms, wall: () => ms } })
    const data = { greeting: 'hello', prices: { tea: [2, 3.5] } }
    expect((await act('warm-cache', { namespace: 'texts', data, ttl: 60 })).body).toEqual({ count: 2, of: 2 })
    expect([sluice.cache?.get('texts', 'greeting'), sluice.cache?.get('texts', 'prices')]).toEqual([
      'hello',
      { tea: [2, 3.5] },
    ])
    ms = 61_000
    expect(sluice.cache?.get('texts', 'greeting')).toBeNull()
  })

  it('returns the number of cached values', async () => {
    const { act } = await openWorld({ maxBodyBytes: 200_000 }, { cache: { maxBytes: 65_536 } })
    const data = { small: 1, large: 'x'.repeat(100_000) }
    expect((await act('warm-cache', { namespace: 'texts', data })).body).toEqual({ count: 1, of: 2 })
  })

  it('rejects invalid values and namespaces of Sluice', async () => {
    const { act, sluice } = await openWorld({ maxBodyBytes: 200_000 })
    let nested: unknown = 1
    for (let level = 0; level < 25; level += 1) nested = [nested]
    for (const [body, message] of [
      [{ data: { a: 1 } }, 'Missing field "namespace".'],
      [{ namespace: 'results', data: { a: 1 } }, 'Argument "namespace"'],
      [{ namespace: 'tiered', data: { a: 1 } }, 'Argument "namespace"'],
      [{ namespace: 'derived', data: { a: 1 } }, 'Argument "namespace"'],
      [{ namespace: 'texts' }, 'an object of values by key'],
      [{ namespace: 'texts', data: [1] }, 'an object of values by key'],
      [{ namespace: 'texts', data: 'a' }, 'an object of values by key'],
      [{ namespace: 'texts', data: {} }, '1 to 1000 keys, but has 0'],
      [
        { namespace: 'texts', data: Object.fromEntries(Array.from({ length: 1_001 }, (_, at) => [at, at])) },
        'but has 1001',
      ],
      [{ namespace: 'texts', data: { a: 1, b: null } }, 'The value of "b" is null'],
      [{ namespace: 'texts', data: { a: nested } }, 'Argument "data'],
      [{ namespace: 'texts', data: JSON.parse('{"a": {"__proto__": {"admin": true}}}') }, 'Argument "data'],
      [{ namespace: 'texts', data: { a: 1 }, ttl: 0 }, 'The field "ttl" must be an integer'],
      [{ namespace: 'texts', data: { a: 1 }, priority: 1 }, 'Unknown field "priority"'],
    ] as const) {
      const refused = await act('warm-cache', body)
      expect([refused.status, refused.body], message).toEqual([
        400,
        { error: { code: 'BAD_BODY', message: expect.stringContaining(message) } },
      ])
    }
    expect(sluice.cache?.getStats().itemCount).toBe(0)
  })

  it('is rejected if the cache is disabled', async () => {
    const { act } = await openWorld({}, { cache: false })
    expect((await act('warm-cache', { namespace: 'texts', data: { a: 1 } })).body).toMatchObject({
      error: { code: 'OFF' },
    })
  })
})

describe('action actor', () => {
  const acts: readonly (readonly [string, object, object])[] = [
    ['pause-queue', { queue: 'mail' }, { action: 'pause', queue: 'mail' }],
    ['resume-queue', { queue: 'mail' }, { action: 'resume', queue: 'mail' }],
    ['retry-dead-letters', { queue: 'mail' }, { action: 'retry' }],
    ['discard-dead-letters', { queue: 'bills' }, { action: 'purge' }],
    ['clear-cache', { namespace: 'prices' }, { action: 'clear-cache', namespace: 'prices' }],
    ['clear-cache', {}, { action: 'clear-cache' }],
    ['warm-cache', { namespace: 'prices', data: { a: 1 } }, { action: 'warm-cache', namespace: 'prices' }],
  ]
  const named = {
    actor: (request: { readonly headers: object }) =>
      String((request.headers as Record<string, string>)['x-user']),
  }

  it.each(acts)(
    'is passed to `authorize` and `audit` of the job engine: %s %j',
    async (name, body, entry) => {
      const audited: unknown[] = []
      const mayAct = { ann: true } as Readonly<Record<string, boolean>>
      const jobs = {
        authorize: (actor: string | undefined, action: string) =>
          action === 'enqueue' || mayAct[actor ?? ''] === true,
        audit: (one: { readonly action: string }) => void (one.action === 'enqueue' || audited.push(one)),
      }
      const world = await openWorld(named, { jobs })
      await withDeadLetters(world)
      world.sluice.cache?.set('prices', 'kept', 1)
      const refused = await world.act(name, body, { 'x-user': 'bob' })
      expect(refused).toMatchObject({ status: 403, body: { error: { code: 'SLUICE_NOT_AUTHORIZED' } } })
      expect(audited).toEqual([expect.objectContaining({ actor: 'bob', isAllowed: false, ...entry })])
      expect(world.sluice.cache?.get('prices', 'kept')).toBe(1)
      expect((await world.act(name, body, { 'x-user': 'ann' })).status).toBe(200)
      expect(audited.at(-1)).toMatchObject({ actor: 'ann', isAllowed: true, ...entry })
    },
  )

  it('defaults to `dashboard`, and rejects the action if `actor` fails', async () => {
    const audited: unknown[] = []
    const jobs = { audit: (entry: unknown) => void audited.push(entry) }
    for (const actor of [
      () => '',
      () => {
        throw new Error('no session')
      },
    ]) {
      const world = await openWorld({ actor }, { jobs })
      expect((await world.act('clear-cache', {})).status).toBe(403)
    }
    expect(audited).toEqual([])
    await (await openWorld({}, { jobs })).act('clear-cache', {})
    expect(audited).toEqual([expect.objectContaining({ actor: 'dashboard', action: 'clear-cache' })])
  })
})
