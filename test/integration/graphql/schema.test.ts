import { createSluice, type Sluice, type SluiceOptions } from '@sluice/core'
import { createSluiceSchema, type SluiceSchemaOptions } from '@sluice/graphql'
import { GraphQLError } from 'graphql'
import { afterEach, describe, expect, it } from 'vitest'
import { type GraphqlServer, servers, type TestContext } from './servers.ts'

const app = 'type Query { hello: String } type Mutation { noop: Boolean }'
const START = Date.UTC(2026, 0, 1)

/** A clock that moves only when told to. */
class TestClock {
  #ms = 0
  now(): number {
    return this.#ms
  }
  wall(): number {
    return START + this.#ms
  }
  pass(ms: number): void {
    this.#ms += ms
  }
}

const isAda: SluiceSchemaOptions<TestContext> = {
  authorize: async ({ user }) => user === 'ada',
  actor: ({ user }) => user,
}
const ada = { 'x-user': 'ada' }

describe.each(servers)('the schema in $name', ({ name, start }) => {
  let sluice: Sluice
  let server: GraphqlServer | undefined
  const clock = new TestClock()

  afterEach(async () => {
    await server?.close()
    await sluice.close()
  })

  async function serve(
    options: SluiceOptions = {},
    schema: SluiceSchemaOptions<TestContext> = isAda,
  ): Promise<GraphqlServer> {
    sluice = createSluice({ clock, ...options })
    const { typeDefs, resolvers } = createSluiceSchema<TestContext>(sluice, schema)
    server = await start({
      typeDefs: [app, typeDefs],
      resolvers: [{ Query: { hello: () => 'you' } }, resolvers],
      sluice,
    })
    return server
  }

  /** The data of a response without errors. */
  async function data(query: string, variables?: object): Promise<unknown> {
    const { body } = (await server?.ask(query, variables, ada)) ?? {}
    expect(body?.errors).toBeUndefined()
    return body?.data
  }

  /** The first error of a response. */
  async function error(query: string, variables?: object, headers: Record<string, string> = ada) {
    const { body } = (await server?.ask(query, variables, headers)) ?? {}
    return { code: body?.errors?.[0]?.extensions?.code, message: body?.errors?.[0]?.message }
  }

  describe('queries', () => {
    it('keep the fields of the app', async () => {
      await serve()
      expect(await data('{ hello }')).toEqual({ hello: 'you' })
    })

    it('return minutes in seconds, without minutes that have no samples', async () => {
      await serve()
      const record = (cpu: number) => {
        const values = { cpu, memory: 40, disk: 30, responseTime: 12.5, errorRate: 0.5, requests: 20.4 }
        for (const [metric, value] of Object.entries(values))
          sluice.monitor?.recordMetric(metric, value, 'test')
      }
      record(10)
      clock.pass(2_000)
      record(20)
      clock.pass(180_000)
      record(30)
      const first = Math.floor((clock.wall() - 182_000) / 60_000) * 60
      const rest = { memory: 40, disk: 30, responseTime: 12.5, errorRate: 0.5, requestsPerSecond: 20 }
      const fields = 'timestamp cpu memory disk responseTime errorRate requestsPerSecond'
      expect(await data(`{ performanceMetrics(hours: 1) { ${fields} } }`)).toEqual({
        performanceMetrics: [
          { timestamp: first, cpu: 15, ...rest },
          { timestamp: first + 180, cpu: 30, ...rest },
        ],
      })
    })

    it('return -1 for unknown values of a minute', async () => {
      await serve()
      sluice.monitor?.recordMetric('cpu', 10, 'test')
      expect(await data('{ performanceMetrics(hours: 72) { cpu errorRate requestsPerSecond } }')).toEqual({
        performanceMetrics: [{ cpu: 10, errorRate: -1, requestsPerSecond: -1 }],
      })
    })

    it('return cache counters', async () => {
      await serve({ cache: { maxBytes: 1_000_000 } })
      sluice.cache?.set('users', '1', { name: 'Ada' })
      sluice.cache?.get('users', '1')
      sluice.cache?.get('users', '2')
      const { usedMemory } = sluice.cache?.getStats() ?? {}
      expect(await data('{ cacheStats { hits misses hitRate itemCount usedMemory totalMemory } }')).toEqual({
        cacheStats: { hits: 1, misses: 1, hitRate: 0.5, itemCount: 1, usedMemory, totalMemory: 1_000_000 },
      })
    })

    it('return -1 for bytes that do not fit into an Int', async () => {
      await serve({ cache: { maxBytes: 4 * 1024 ** 3 } })
      expect(await data('{ cacheStats { hits usedMemory totalMemory } }')).toEqual({
        cacheStats: { hits: 0, usedMemory: 0, totalMemory: -1 },
      })
    })

    it('return the nodes of the balancer', async () => {
      await serve()
      sluice.balancer?.registerNode('10.0.0.1', 80, 1, 10)
      const second = sluice.balancer?.registerNode('10.0.0.2', 80, 1, 30)
      sluice.balancer?.updateNodeHealth(second?.id ?? '', 'unhealthy')
      sluice.balancer?.acquire()
      expect(
        await data('{ clusterStatus { healthyNodes unhealthyNodes averageLoad totalCapacity } }'),
      ).toEqual({
        clusterStatus: { healthyNodes: 1, unhealthyNodes: 1, averageLoad: 0.1, totalCapacity: 10 },
      })
    })

    it('return slow queries up to the limit', async () => {
      await serve()
      sluice.database?.analyzeQuery('SELECT * FROM a WHERE x = 1', 1_500, 100_000, 20)
      sluice.database?.analyzeQuery('SELECT * FROM b WHERE y = 2', 2_500, 1_000, 20)
      const one =
        '{ slowQueries(limit: 1) { query executionTime rowsScanned severity isInferred warnings calls callSite { file } plan } }'
      expect(await data(one)).toEqual({
        slowQueries: [
          {
            query: 'SELECT * FROM b WHERE y = ?',
            executionTime: 2_500,
            rowsScanned: 1_000,
            isInferred: true,
            calls: 1,
            severity: expect.any(String),
            warnings: expect.any(Array),
            callSite: null,
            plan: null,
          },
        ],
      })
      expect(await data('{ slowQueries { fingerprint } }')).toMatchObject({ slowQueries: { length: 2 } })
    })

    it('return forecasts, or a code if there is none', async () => {
      await serve()
      const ask =
        '{ predictedLoad(metric: "requests") { value lower upper p90 model recentAccuracy horizonMinutes } }'
      expect(await error(ask)).toMatchObject({ code: 'SLUICE_NO_FORECAST' })
      for (let minute = 0; minute < 5; minute += 1) {
        sluice.monitor?.recordMetric('requests', 100, 'test')
        clock.pass(60_000)
        sluice.monitor?.getSystemHealth()
      }
      sluice.monitor?.recordMetric('requests', 100, 'test')
      const prediction = sluice.monitor?.predictLoad('requests', 5)
      expect(prediction?.horizonMinutes).toBeGreaterThan(0)
      expect(await data(ask)).toEqual({
        predictedLoad: { ...prediction, recentAccuracy: prediction?.recentAccuracy ?? null },
      })
      expect(await error('{ predictedLoad(metric: "nothing") { value } }')).toMatchObject({
        code: 'SLUICE_UNKNOWN_METRIC',
      })
      expect(await error('{ predictedLoad(metric: "cpu", minutesAhead: 90) { value } }')).toMatchObject({
        code: 'SLUICE_INVALID_ARGUMENT',
      })
    })

    it('return the state and counters of a queue', async () => {
      await serve()
      await sluice.jobs?.enqueueTask({ n: 1 })
      expect(await data('{ queueStats { queue queued completed waitMs { p95 } isStalled } }')).toEqual({
        queueStats: { queue: 'default', queued: 1, completed: 0, waitMs: { p95: 0 }, isStalled: false },
      })
      expect(await error('{ queueStats(queueName: "mail") { queue } }')).toMatchObject({
        code: 'SLUICE_UNKNOWN_QUEUE',
      })
    })

    it.each([
      ['performanceMetrics(hours: 0) { cpu }', 'hours'],
      ['performanceMetrics(hours: 73) { cpu }', 'hours'],
      ['slowQueries(limit: 100000) { query }', 'limit'],
      ['slowQueries(limit: -1) { query }', 'limit'],
      ['scalingHistory(limit: 0) { from }', 'limit'],
      ['batchJobStatus(jobId: "none") { status }', 'batchId'],
      [`queueStats(queueName: "${'q'.repeat(300)}") { queue }`, 'queueName'],
    ])('reject %s', async (field, argument) => {
      await serve()
      const { code, message } = await error(`{ ${field} }`)
      expect(code).toBe('SLUICE_INVALID_ARGUMENT')
      expect(message).toContain(`"${argument}"`)
    })

    it.each([
      ['cache', 'cacheStats { hits }'],
      ['balancer', 'clusterStatus { healthyNodes }'],
      ['database', 'slowQueries { query }'],
      ['monitor', 'scalingRecommendations'],
      ['jobs', 'queueStats { queue }'],
    ])('return how to enable the %s', async (engine, field) => {
      await serve({ [engine]: false })
      const { code, message } = await error(`{ ${field} }`)
      expect(code).toBe('SLUICE_ENGINE_DISABLED')
      expect(message).toContain(`${engine}: false`)
    })
  })

  describe('mutations', () => {
    it('clear and warm the cache', async () => {
      await serve()
      const warm = 'mutation ($data: JSON!) { warmCache(namespace: "users", data: $data) }'
      expect(await data(warm, { data: { 1: { name: 'Ada' }, 2: { name: 'Ben' } } })).toEqual({ warmCache: 2 })
      expect(
        await data('mutation { warmCache(namespace: "tiles", data: { a: [1, 2.5], b: null }) }'),
      ).toEqual({ warmCache: 2 })
      expect(sluice.cache?.get('users', '1')).toEqual({ name: 'Ada' })
      expect(sluice.cache?.get('tiles', 'a')).toEqual([1, 2.5])
      expect(await data('mutation { invalidateCacheByPattern(pattern: "users:1") }')).toEqual({
        invalidateCacheByPattern: 1,
      })
      expect(await data('mutation { clearCache(namespace: "tiles") }')).toEqual({ clearCache: true })
      expect(sluice.cache?.getStats().itemCount).toBe(1)
      expect(await data('mutation { clearCache }')).toEqual({ clearCache: true })
      expect(sluice.cache?.getStats().itemCount).toBe(0)
    })

    it('scale and record the user', async () => {
      await serve({ monitor: { scaling: { minWorkers: 1, maxWorkers: 10 } } })
      expect(await data('mutation { triggerScaling(direction: "up", amount: 50) }')).toEqual({
        triggerScaling: true,
      })
      const [event] = sluice.monitor?.getScalingHistory() ?? []
      expect(
        await data(
          '{ scalingHistory { timestamp direction from to metric source by isDryRun reasons value } }',
        ),
      ).toEqual({
        scalingHistory: [
          {
            ...event,
            timestamp: Math.floor((event?.timestamp ?? 0) / 1_000),
            value: null,
            by: 'ada',
            from: 1,
            to: 2,
          },
        ],
      })
      expect(await error('mutation { triggerScaling(direction: "sideways", amount: 50) }')).toMatchObject({
        code: 'SLUICE_INVALID_ARGUMENT',
      })
      expect(await error('mutation { triggerScaling(direction: "up", amount: 0) }')).toMatchObject({
        code: 'SLUICE_INVALID_ARGUMENT',
      })
    })

    it('create policies, which affect recommendations', async () => {
      await serve()
      const policy = { name: 'busy', metric: 'cpu', threshold: 70, scaleDirection: 'up' }
      const create =
        'mutation ($policy: ScalingPolicyInput!) { createScalingPolicy(policy: $policy) { id name threshold scaleAmount cooldownSeconds enabled } }'
      expect(await data(create, { policy })).toEqual({
        createScalingPolicy: {
          id: expect.any(String),
          name: 'busy',
          threshold: 70,
          scaleAmount: 25,
          cooldownSeconds: 300,
          enabled: true,
        },
      })
      expect(sluice.monitor?.getScalingPolicies()).toHaveLength(1)
      sluice.monitor?.recordMetric('cpu', 95, 'test')
      expect(await data('{ scalingRecommendations }')).toEqual({
        scalingRecommendations: sluice.monitor?.getScalingRecommendations(),
      })
      expect(sluice.monitor?.getScalingRecommendations().length).toBeGreaterThan(0)
      expect(await error(create, { policy: { ...policy, metric: 'nothing' } })).toMatchObject({
        code: 'SLUICE_UNKNOWN_METRIC',
      })
      expect(await error(create, { policy: { ...policy, threshold: -1 } })).toMatchObject({
        code: 'SLUICE_INVALID_ARGUMENT',
      })
    })

    it('submit, follow and cancel batches of registered processors', async () => {
      await serve({ jobs: { authorize: (actor) => actor === 'ada' } })
      sluice.jobs?.registerProcessor('double', async () => {})
      const submit = `mutation ($items: [JSON!]!) { submitBatchJob(name: "double", items: $items, batchSize: 2) { id items batchSize status totalItems } }`
      const submitted = (await data(submit, { items: [1, { two: 2 }, 'three'] })) as {
        submitBatchJob: { id: string }
      }
      const { id } = submitted.submitBatchJob
      expect(submitted.submitBatchJob).toMatchObject({
        items: [1, { two: 2 }, 'three'],
        batchSize: 2,
        totalItems: 3,
      })
      const status =
        'query ($id: String!) { batchJobStatus(jobId: $id) { batchId name status progress totalItems processedItems createdAt etaSeconds } }'
      expect(await data(status, { id })).toMatchObject({
        batchJobStatus: { batchId: id, name: 'double', totalItems: 3, processedItems: 0 },
      })
      await sluice.jobs?.processNextTask('double')
      expect(await data(status, { id })).toMatchObject({
        batchJobStatus: { status: 'processing', processedItems: 2 },
      })
      const cancel = 'mutation ($id: String!) { cancelBatchJob(jobId: $id) }'
      expect(await data(cancel, { id })).toEqual({ cancelBatchJob: true })
      expect(await data(cancel, { id })).toEqual({ cancelBatchJob: false })
      expect(await data(status, { id })).toMatchObject({ batchJobStatus: { status: 'cancelled' } })
    })

    it('reject batches of unknown processors, and create no queue for them', async () => {
      await serve({}, { ...isAda, batchJobs: ['elsewhere'] })
      const submit = (name: string) => `mutation { submitBatchJob(name: "${name}", items: [1]) { id } }`
      expect(await error(submit('unknown'))).toMatchObject({
        code: 'SLUICE_NO_PROCESSOR',
        message: expect.stringContaining('"unknown"'),
      })
      expect(sluice.jobs?.getQueues().map(({ name }) => name)).toEqual(['default'])
      expect(await error(submit('elsewhere'))).toMatchObject({ code: undefined })
    })

    it('retry dead letters', async () => {
      await serve()
      sluice.jobs?.registerProcessor('default', async () => {
        throw new Error('no')
      })
      const task = await sluice.jobs?.enqueueTask({ n: 1 }, 'normal', 'default', { maxRetries: 0 })
      await sluice.jobs?.processNextTask()
      const retry = `mutation { retryDeadLetterTask(taskId: "${task?.id}") }`
      expect(await data('{ queueStats { deadLetters } }')).toEqual({ queueStats: { deadLetters: 1 } })
      expect(await data(retry)).toEqual({ retryDeadLetterTask: true })
      expect(await data(retry)).toEqual({ retryDeadLetterTask: false })
    })

    it.each([
      ['clearCache(namespace: "a:b")'],
      [`invalidateCacheByPattern(pattern: "${'*'.repeat(257)}")`],
      ['invalidateCacheByPattern(pattern: "")'],
      ['warmCache(namespace: "users", data: [1])'],
      ['warmCache(namespace: "users", data: 1)'],
      ['warmCache(namespace: "results", data: { a: 1 })'],
      ['warmCache(namespace: "users", data: { a: { __proto__: { isAdmin: true } } })'],
      ['submitBatchJob(name: "double", items: [{ constructor: { prototype: { isAdmin: true } } }]) { id }'],
      ['submitBatchJob(name: "double", items: [1, 2, 3, 4]) { id }'],
      ['submitBatchJob(name: "double", items: [1], batchSize: 0) { id }'],
      [`warmCache(namespace: "users", data: { a: ${'['.repeat(30)}${']'.repeat(30)} })`],
    ])('reject %s', async (field) => {
      await serve({}, { ...isAda, maxItems: 3 })
      sluice.jobs?.registerProcessor('double', async () => {})
      expect(await error(`mutation { ${field} }`)).toMatchObject({ code: 'SLUICE_INVALID_ARGUMENT' })
      expect(sluice.cache?.getStats().itemCount).toBe(0)
    })

    it('ignore prototypes in variables', async () => {
      await serve()
      const response = await fetch(server?.url ?? '', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...ada },
        body: '{"query":"mutation ($d: JSON!) { warmCache(namespace: \\"u\\", data: $d) }","variables":{"d":{"a":{"__proto__":{"isAdmin":true}}}}}',
      })
      expect(((await response.json()) as { errors?: unknown[] }).errors).toHaveLength(1)
      expect(sluice.cache?.getStats().itemCount).toBe(0)
    })
  })

  describe('authorization', () => {
    it('denies all fields without it', async () => {
      await serve({}, {})
      sluice.cache?.set('users', '1', 1)
      expect(await error('mutation { clearCache }')).toMatchObject({ code: 'SLUICE_NOT_AUTHORIZED' })
      expect(sluice.cache?.getStats().itemCount).toBe(1)
      expect(await error('{ cacheStats { itemCount } }')).toMatchObject({ code: 'SLUICE_NOT_AUTHORIZED' })
    })

    it('denies users without access, including queries', async () => {
      await serve()
      sluice.cache?.set('users', '1', 1)
      for (const operation of ['mutation { clearCache }', '{ cacheStats { hits } }'])
        for (const headers of [{}, { 'x-user': 'ben' }] as Record<string, string>[])
          expect(await error(operation, {}, headers)).toMatchObject({ code: 'SLUICE_NOT_AUTHORIZED' })
      expect(sluice.cache?.getStats().itemCount).toBe(1)
    })

    it('denies access if it throws or returns another value, and reports the reason only to the app', async () => {
      const asked: unknown[] = []
      const verdicts: readonly (() => unknown)[] = [
        () => {
          throw new Error('ldap://10.0.0.7 is down')
        },
        () => 1,
        () => undefined,
      ]
      let verdict = verdicts[0]
      await serve(
        {},
        {
          authorize: (_context, field, args) => {
            asked.push([field, args])
            return verdict?.() as boolean
          },
        },
      )
      const errors: unknown[] = []
      sluice.on('error', (failure) => errors.push(failure))
      for (verdict of verdicts) {
        const { code, message } = await error('mutation { clearCache(namespace: "users") }')
        expect([code, message]).toEqual(['SLUICE_NOT_AUTHORIZED', 'Not authorized: clearCache.'])
      }
      expect(asked[0]).toEqual(['clearCache', { namespace: 'users' }])
      expect(errors).toEqual([new Error('ldap://10.0.0.7 is down')])
    })

    it('returns the GraphQLError of the app unchanged', async () => {
      await serve(
        {},
        {
          authorize: () => {
            throw new GraphQLError('Log in first.', { extensions: { code: 'UNAUTHENTICATED' } })
          },
        },
      )
      expect(await error('mutation { clearCache }')).toEqual({
        code: 'UNAUTHENTICATED',
        message: 'Log in first.',
      })
    })
  })

  // In Yoga, a plugin handles this. The example tests it.
  it.skipIf(name === 'Yoga')('rejects mutations that a page of another site could send', async () => {
    await serve()
    sluice.cache?.set('users', '1', 1)
    const query = 'mutation { clearCache }'
    const text = await fetch(server?.url ?? '', {
      method: 'POST',
      headers: { 'content-type': 'text/plain', ...ada },
      body: JSON.stringify({ query }),
    })
    const get = await fetch(`${server?.url}?query=${encodeURIComponent(query)}`, { headers: ada })
    for (const { status } of [text, get]) expect(status).toBeGreaterThanOrEqual(400)
    expect(sluice.cache?.get('users', '1')).toBe(1)
  })

  it('returns no details of internal errors', async () => {
    await serve({ jobs: false })
    const errors: unknown[] = []
    sluice.on('error', (failure) => errors.push(failure))
    const broken = new Error('connect ECONNREFUSED 10.0.0.5:6379')
    sluice.cache?.clear()
    Object.defineProperty(sluice.cache, 'getStats', {
      value: () => {
        throw broken
      },
    })
    expect(await error('{ cacheStats { hits } }')).toEqual({
      code: 'INTERNAL_SERVER_ERROR',
      message: 'Internal server error.',
    })
    expect(errors).toEqual([broken])
  })
})
