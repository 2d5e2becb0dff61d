import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AsyncBatchProcessingEngine,
  createSluice,
  type JobsOptions,
  listenToChanges,
  type Sluice,
  type SluiceOptions,
} from '@sluice/core'
import type { TaskFailure } from '@sluice/core/jobs'
import { sqliteJobBackend } from '@sluice/core/jobs-sqlite'
import { hostOf } from '@sluice/core/siblings'
import { createDashboard } from '@sluice/dashboard'
import { createSluiceSchema } from '@sluice/graphql'
import {
  createHealth,
  createMetricsHandler,
  createRateLimit,
  createResponseCache,
  RequestScopes,
} from '@sluice/http'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Notifiers } from '../../packages/core/src/monitoring/alerts/notifier.ts'
import { AutoScaler } from '../../packages/core/src/monitoring/scaling/auto-scaler.ts'
import { SOON } from '../support/patience.ts'
import { SLOW_MS, thrownValues } from '../support/thrown-values.ts'

type Throw = () => never
/** Uses a callback of an app that throws, and checks that the error is handled as documented. */
type Use = (fail: Throw, value: unknown) => Promise<void>

const logged: unknown[] = []
const logger = {
  warn: (details: object) => void logged.push(details),
  error: (details: object) => void logged.push(details),
}

const uses: Readonly<Record<string, Use>> = {
  'processor of a task': (fail) => deadLetter({}, fail),
  'processor of a task in SQLite': async (fail) => {
    await deadLetter({ backend: sqliteJobBackend(join(folder, `${Math.random()}.db`)) }, fail)
  },
  'processor of an item': async (fail) => {
    const jobs = engine({})
    jobs.registerProcessor('item', fail, { perItem: true })
    const dead = failureOf(jobs)
    jobs.start()
    await jobs.createBatchJob('item', [1], 1, { maxRetries: 0 })
    expectFailure(await dead)
  },
  'reporter of a failed item': async (_, value) => {
    const jobs = engine({})
    jobs.registerProcessor('item', (_data, context) => context.failItem(0, value))
    const dead = failureOf(jobs)
    jobs.start()
    await jobs.createBatchJob('item', [1], 1, { maxRetries: 0 })
    expectFailure(await dead)
  },
  'authorize of jobs': async (fail, value) => {
    const jobs = engine({ authorize: fail })
    await expectSame(jobs.enqueueTask(1), value)
  },
  'audit of jobs': async (fail) => {
    const errors: unknown[] = []
    const jobs = engine({ audit: fail })
    jobs.on('error', ({ error }) => errors.push(error))
    await jobs.enqueueTask(1)
    expect(errors).toHaveLength(1)
  },
  'listener of job events': async (fail) => {
    const sluice = open()
    sluice.jobs?.on('task:queued', fail)
    await sluice.jobs?.enqueueTask(1)
    expect(errorsOf(sluice)).toBe(1)
  },
  'listener of scopes': async (fail) => {
    const sluice = open()
    sluice.on('scope', fail)
    await sluice.run(() => 1)
    expect(errorsOf(sluice)).toBe(1)
    expect(logged).toHaveLength(1)
  },
  'asynchronous listener': async (fail) => {
    const sluice = open()
    sluice.on('scope', (async () => fail()) as () => void)
    await sluice.run(() => 1)
    await expect.poll(() => errorsOf(sluice), SOON).toBe(1)
  },
  'listener of errors': async (fail, value) => {
    const sluice = open()
    sluice.on('error', fail)
    hostOf(sluice).reportError(value)
    expect(errorsOf(sluice)).toBe(2)
  },
  logger: async (fail, value) => {
    const sluice = open({ logger: { warn: fail, error: fail } })
    hostOf(sluice).reportError(value)
    expect(errorsOf(sluice)).toBe(2)
  },
  'function of a scope': async (fail, value) => {
    await expectSame(open().run(fail), value)
  },
  'key of a rate limit': async (fail) => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const limit = createRateLimit({ requests: 1, key: fail })
    const { status } = await serve(async (incoming, response) => {
      if (await limit.admit(incoming, response)) response.end('served')
    })
    expect(status).toBe(200)
    expect(warned).toHaveBeenCalledTimes(1)
  },
  'key of a response cache': (fail) => cachedResponse(fail, undefined),
  'context of a Sluice': (fail) => cachedResponse(undefined, fail),
  'authorize of the dashboard': async (fail) => {
    const sluice = open()
    const dashboard = createDashboard(sluice, { announce: false, authorize: fail })
    onTestFinished(() => dashboard.close())
    const { status } = await serve(dashboard.handler, '/_sluice/')
    expect(status).toBe(403)
    expect(errorsOf(sluice)).toBe(1)
  },
  'authorize of metrics': async (fail) => {
    const sluice = open()
    expect((await serve(createMetricsHandler(sluice, { authorize: fail }))).status).toBe(403)
    expect(errorsOf(sluice)).toBe(1)
  },
  'check of health': async (fail) => {
    const health = createHealth(open(), { checks: { search: fail } })
    const { checks } = await health.check()
    expect(checks.search?.[0]).toMatchObject({ status: 'fail', output: expect.any(String) })
    expect((await serve(health.ready)).status).toBe(503)
  },
  'authorize of health': async (fail) => {
    const health = createHealth(open(), { authorize: fail })
    expect((await serve(health.ready)).status).toBe(200)
  },
  'authorize of GraphQL': async (fail) => {
    const sluice = open()
    const { resolvers } = createSluiceSchema(sluice, { authorize: fail })
    await expect(Promise.resolve(resolvers.Query.cacheStats(undefined, {}, {}))).rejects.toMatchObject({
      extensions: { code: 'SLUICE_NOT_AUTHORIZED' },
    })
    expect(errorsOf(sluice)).toBe(1)
  },
  'load of a cached value': async (fail, value) => {
    await expectSame(tieredOf(open()).getOrLoad('a', fail), value)
  },
  'load after which an older value is served': async (fail) => {
    const tiered = tieredOf(open())
    await tiered.getOrLoad('a', () => 'old', { ttl: 0.001, grace: 60 })
    await expect.poll(() => tiered.get('a'), SOON).toBeUndefined()
    expect(await tiered.getOrLoad('a', fail, { ttl: 0.001, grace: 60 })).toBe('old')
  },
  'write of a write-behind': async (fail, value) => {
    const failures: unknown[] = []
    const behind = tieredOf(open()).writeBehind(fail, {
      flushMs: 1,
      retry: { maxAttempts: 1 },
      onError: ({ error }) => {
        failures.push(error)
        return 'drop'
      },
    })
    await behind.set('a', 1)
    await expect.poll(() => failures.length, SOON).toBe(1)
    expect(Object.is(failures[0], value)).toBe(true)
  },
  'onError of a write-behind': async (fail) => {
    let calls = 0
    const behind = tieredOf(open()).writeBehind(fail, {
      flushMs: 1,
      retry: { maxAttempts: 1, baseMs: 1, maxMs: 1 },
      onError: () => {
        calls += 1
        return calls === 1 ? fail() : 'drop'
      },
    })
    await behind.set('a', 1)
    await expect.poll(() => calls, SOON).toBe(2)
  },
  'feed of metrics': async (fail) => {
    const sluice = open()
    const errors: unknown[] = []
    sluice.monitor?.on('error', ({ error }) => errors.push(error))
    sluice.monitor?.addFeed({ name: 'app', collect: fail })
    expect(await sluice.monitor?.metricsText()).toContain('sluice_')
    expect(errors).toHaveLength(1)
  },
  'notifier of alerts': async (fail, value) => {
    const errors: unknown[] = []
    const notifiers = new Notifiers(1_000, (error) => errors.push(error))
    onTestFinished(() => notifiers.close())
    notifiers.add({ name: 'pager', notify: fail })
    notifiers.send({} as never, 'raised' as never)
    await expect.poll(() => errors.length, SOON).toBe(1)
    expect(Object.is(errors[0], value)).toBe(true)
  },
  'target of scaling': async (fail) => {
    const failures: unknown[] = []
    const target = { current: fail, scaleTo: async () => {} }
    const scaler = new AutoScaler({ target })
    onTestFinished(() => scaler.close())
    scaler.on('scaling:failed', ({ error }) => failures.push(error))
    await scaler.tick()
    expect(failures).toHaveLength(1)
  },
  'connection for changes': async (fail, value) => {
    const errors: unknown[] = []
    const listener = listenToChanges(open(), fail, { onDown: (error) => void errors.push(error) })
    onTestFinished(() => listener.close())
    expect(errors).toHaveLength(1)
    expect(Object.is(errors[0], value)).toBe(true)
  },
  'onDown of a listener for changes': async (fail) => {
    const listener = listenToChanges(open(), fail, { onDown: fail, retryBaseMs: 1, retryMaxMs: 1 })
    onTestFinished(() => listener.close())
    expect(listener.suspended).toBe(true)
  },
}

let folder: string
const escaped: unknown[] = []
const onEscaped = (error: unknown) => void escaped.push(error)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-thrown-'))
  process.on('unhandledRejection', onEscaped).on('uncaughtException', onEscaped)
})
afterAll(async () => {
  process.off('unhandledRejection', onEscaped).off('uncaughtException', onEscaped)
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  escaped.length = 0
  logged.length = 0
})
afterEach(() => vi.restoreAllMocks())

for (const [use, run] of Object.entries(uses)) {
  describe(`thrown by a ${use}`, () => {
    it.each(Object.keys(thrownValues))('handles %s', async (name) => {
      const value = thrownValues[name]?.()
      const fail: Throw = () => {
        throw value
      }
      const startedAt = performance.now()
      await run(fail, value)
      await new Promise((resolve) => setImmediate(resolve))
      expect(escaped).toHaveLength(0)
      expect(performance.now() - startedAt).toBeLessThan(SLOW_MS)
    })
  })
}

function open(options: SluiceOptions = {}): Sluice {
  const sluice = createSluice({ logger, ...options })
  onTestFinished(() => sluice.close())
  return sluice
}

function tieredOf({ tiered }: Sluice): NonNullable<Sluice['tiered']> {
  if (tiered === undefined) throw new Error('A Sluice has a cache by default.')
  return tiered
}

function errorsOf(sluice: Sluice): number {
  return hostOf(sluice).stats.errors
}

function engine(options: JobsOptions): AsyncBatchProcessingEngine {
  const jobs = new AsyncBatchProcessingEngine(options)
  onTestFinished(() => jobs.close())
  return jobs
}

async function deadLetter(options: JobsOptions, fail: Throw): Promise<void> {
  const jobs = engine(options)
  jobs.createQueue('mail')
  jobs.registerProcessor('mail', fail)
  const dead = failureOf(jobs)
  await jobs.enqueueTask(1, 'normal', 'mail', { maxRetries: 0 })
  jobs.start()
  expectFailure(await dead)
  expect((await jobs.listDeadLetters()).length).toBe(1)
}

function failureOf(jobs: AsyncBatchProcessingEngine): Promise<TaskFailure> {
  return new Promise((resolve) => jobs.on('task:dead', ({ failure }) => resolve(failure)))
}

function expectFailure({ message, stack = '' }: TaskFailure): void {
  expect(message.length).toBeLessThanOrEqual(2_000)
  expect(stack.length).toBeLessThanOrEqual(4_000)
}

/** Not `rejects`, which would read the value. */
async function expectSame(promise: Promise<unknown>, value: unknown): Promise<void> {
  const thrown = await promise.then(
    () => 'it resolved',
    (error: unknown) => ({ error }),
  )
  expect(typeof thrown === 'object' && Object.is(thrown.error, value)).toBe(true)
}

async function cachedResponse(key: Throw | undefined, context: Throw | undefined): Promise<void> {
  const sluice = open({ mode: 'optimize', cache: {}, ...(context === undefined ? {} : { context }) })
  const scopes = new RequestScopes(sluice)
  const cache = createResponseCache(sluice, key === undefined ? {} : { key })
  const { status, text } = await serve((incoming, response) =>
    scopes.open(response, 'GET /').enter(async () => {
      if (!(await cache.answer(incoming, response))) response.end('served')
    }),
  )
  expect([status, text]).toEqual([200, 'served'])
  expect(errorsOf(sluice)).toBe(1)
}

async function serve(
  listener: RequestListener,
  path = '/',
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ port, path, agent: false }, resolve).on('error', reject).end()
    })
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    return { status: response.statusCode, text }
  } finally {
    server.close()
  }
}
