import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Meter, metrics, type Tracer, trace } from '@opentelemetry/api'
import { AsyncBatchProcessingEngine, createSluice, type JobsOptions, type Sluice } from '@sluice/core'
import { threadProcessor } from '@sluice/core/jobs-threads'
import { exportMetrics, exportSpans } from '@sluice/core/opentelemetry'
import { hostOf } from '@sluice/core/siblings'
import { createDashboard } from '@sluice/dashboard'
import { sluiceMiddleware } from '@sluice/express'
import { sluicePlugin } from '@sluice/fastify'
import { useSluice } from '@sluice/graphql'
import express from 'express'
import fastify from 'fastify'
import { buildSchema, type ExecutionArgs, execute, parse } from 'graphql'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { databases } from '../support/databases.ts'
import { SLOW_MS, thrownValues } from '../support/thrown-values.ts'
import { connectPostgres } from './jobs/postgres-world.ts'

/** Those that break most code; the other test uses all of them. */
const VALUES = [
  'undefined',
  'an object that cannot be converted',
  'a Proxy whose traps throw',
  'a revoked Proxy',
  'an Error with a failing message',
  'a string with NUL and a lone surrogate',
]

const [, postgresql] = databases()
const escaped: unknown[] = []
const onEscaped = (error: unknown) => void escaped.push(error)
beforeAll(() => {
  process.on('unhandledRejection', onEscaped).on('uncaughtException', onEscaped)
})
afterAll(() => {
  process.off('unhandledRejection', onEscaped).off('uncaughtException', onEscaped)
})
afterEach(() => {
  escaped.length = 0
})

type Use = (fail: () => never, name: string) => Promise<void>

const uses: Readonly<Record<string, Use>> = {
  'processor in a thread': async (_fail, name) => {
    const module = new URL('../support/throwing-processor.ts', import.meta.url)
    const processor = await threadProcessor(module, { maxThreads: 1, execArgv: ['--import', 'tsx'] })
    await deadLetter({}, processor, name)
  },
  'route of Express': async (fail) => {
    const app = express().use(sluiceMiddleware(open(), { report: false }))
    app.get('/', () => fail())
    const failed: express.ErrorRequestHandler = (_error, _request, response, _next) =>
      void response.status(500).end()
    app.use(failed)
    // Express takes nothing for an error that is falsy.
    expect([404, 500]).toContain(await statusOf(createServer(app)))
  },
  'handler of Fastify': async (fail) => {
    const app = fastify()
    onTestFinished(() => app.close())
    await app.register(sluicePlugin, { sluice: open(), report: false })
    app.setErrorHandler((_error, _request, reply) => reply.code(500).send('failed'))
    app.get('/', async () => fail())
    expect((await app.inject('/')).statusCode).toBeGreaterThanOrEqual(200)
  },
  'tracer of OpenTelemetry': async (fail) => {
    const sluice = open()
    const tracer = { startSpan: fail, startActiveSpan: fail } as unknown as Tracer
    const stop = await exportSpans(sluice, { tracerProvider: { getTracer: () => tracer } })
    expect(await sluice.run(() => 1)).toBe(1)
    stop()
    expect(hostOf(sluice).stats.errors).toBe(1)
  },
  'span of OpenTelemetry': async (fail) => {
    const sluice = open()
    const span = { ...trace.wrapSpanContext({ traceId: '1', spanId: '1', traceFlags: 0 }), updateName: fail }
    const tracer = { startSpan: () => span } as unknown as Tracer
    const stop = await exportSpans(sluice, { tracerProvider: { getTracer: () => tracer } })
    expect(await sluice.run(() => 1)).toBe(1)
    stop()
    expect(hostOf(sluice).stats.errors).toBe(1)
  },
  'histogram of OpenTelemetry': async (fail) => {
    const sluice = open()
    const bare = metrics.getMeter('a test')
    const meter = Object.assign(Object.create(bare) as Meter, { createHistogram: () => ({ record: fail }) })
    const stop = await exportMetrics(sluice, { meterProvider: { getMeter: () => meter } })
    expect(await sluice.run(() => 1)).toBe(1)
    stop()
    expect(hostOf(sluice).stats.errors).toBe(1)
  },
  'asynchronous authorize of the dashboard': async (fail) => {
    const sluice = open()
    const dashboard = createDashboard(sluice, { announce: false, authorize: async () => fail() })
    onTestFinished(() => dashboard.close())
    expect(await statusOf(createServer(dashboard.handler), '/_sluice/')).toBe(403)
    expect(hostOf(sluice).stats.errors).toBe(1)
  },
  'resolver of GraphQL': async (fail) => {
    const plugin = useSluice(open())
    let run: (args: ExecutionArgs) => unknown = execute
    plugin.onExecute({ executeFn: execute, setExecuteFn: (other: typeof run) => (run = other) })
    const args = { schema: buildSchema('type Query { a: Int }'), document: parse('{ a }') }
    // `graphql` itself cannot show some values.
    const outcome = (result: unknown) => (result === undefined ? 'nothing' : typeof result)
    const settle = async (execution: () => unknown) =>
      outcome(
        await Promise.resolve()
          .then(execution)
          .catch(() => undefined),
      )
    const bare = await settle(() => execute({ ...args, rootValue: { a: fail } }))
    expect(await settle(() => run({ ...args, rootValue: { a: fail } }))).toBe(bare)
  },
}

for (const [use, run] of Object.entries(uses)) {
  describe(`thrown by a ${use}`, () => {
    it.each(VALUES)('handles %s', (name) => check(run, name))
  })
}

describe.skipIf(postgresql?.skipped !== undefined)('thrown by a processor of a task in PostgreSQL', () => {
  it.each(VALUES)('handles %s', async (name) => {
    const database = await postgresql?.connect()
    onTestFinished(() => database?.drop())
    await check(async (fail) => deadLetter({ backend: connectPostgres(database?.url) }, fail), name)
  })
})

async function check(run: Use, name: string): Promise<void> {
  const value = thrownValues[name]?.()
  const fail = (): never => {
    throw value
  }
  await run(fail, name)
  await new Promise((resolve) => setImmediate(resolve))
  expect(escaped).toHaveLength(0)
}

function open(): Sluice {
  const sluice = createSluice({ logger: { warn: () => {}, error: () => {} } })
  onTestFinished(() => sluice.close())
  return sluice
}

async function deadLetter(
  options: JobsOptions,
  processor: Parameters<AsyncBatchProcessingEngine['registerProcessor']>[1],
  data: unknown = 1,
): Promise<void> {
  const jobs = new AsyncBatchProcessingEngine(options)
  onTestFinished(() => jobs.close())
  jobs.createQueue('mail')
  jobs.registerProcessor('mail', processor)
  const dead = new Promise<{ readonly message: string }>((resolve) =>
    jobs.on('task:dead', ({ failure }) => resolve(failure)),
  )
  await jobs.enqueueTask(data, 'normal', 'mail', { maxRetries: 0 })
  jobs.start()
  expect((await dead).message.length).toBeLessThanOrEqual(SLOW_MS)
  expect((await jobs.listDeadLetters()).length).toBe(1)
}

async function statusOf(server: ReturnType<typeof createServer>, path = '/'): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })).status
}
