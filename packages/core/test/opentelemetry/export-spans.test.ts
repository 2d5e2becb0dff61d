import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { analyzeSql, createSluice, InvalidOptionError, type Sluice, type SluiceOptions } from '@sluice/core'
import { type ExportSpansOptions, exportSpans } from '@sluice/core/opentelemetry'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { hostOf } from '../../src/sluice/sluice-host.ts'

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
})
afterAll(() => {
  context.disable()
})

async function open(options: ExportSpansOptions = {}, sluiceOptions: SluiceOptions = {}) {
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const sluice = createSluice(sluiceOptions)
  onTestFinished(() => sluice.close())
  const errors: unknown[] = []
  sluice.on('error', (error) => errors.push(error))
  const stop = await exportSpans(sluice, { tracerProvider, ...options })
  const spans = () => exporter.getFinishedSpans()
  const named = (name: string) => spans().find((span) => span.name === name)
  return { sluice, stop, spans, named, errors, tracer: tracerProvider.getTracer('app') }
}

/** Reports a statement like an adapter. */
function send(sluice: Sluice, sql: string, { rows = 1, failed = false } = {}) {
  const { watch } = hostOf(sluice)
  const watched = watch?.begin(sql, 'postgresql', analyzeSql(sql, 'postgresql'), [], undefined)
  const startedAt = watch?.now() ?? 0
  watched?.ended(startedAt, startedAt + 5, rows, failed)
}

describe('exportSpans', () => {
  it.each([{ tracerProvider: {} }, { scopes: 1 }, { queries: 'all' }, { queryText: null }, { text: true }])(
    'throws for invalid options: %o',
    async (options) => {
      await expect(open(options as never)).rejects.toThrow(InvalidOptionError)
    },
  )

  it('creates a span for a scope, with its counts', async () => {
    const { sluice, named } = await open()
    await sluice.run(() => {}, { name: 'nightly', mode: 'optimize' })
    expect(named('nightly')).toMatchObject({
      kind: SpanKind.INTERNAL,
      status: { code: SpanStatusCode.UNSET },
      parentSpanContext: undefined,
      attributes: {
        'sluice.mode': 'optimize',
        'sluice.queries': 0,
        'sluice.batched': 0,
        'sluice.prefetched': 0,
        'sluice.cache_hits': 0,
      },
    })
    expect(named('nightly')?.attributes).not.toHaveProperty('http.request.method')
  })

  it('creates a server span for a request without a parent span, with the name that it has at its end', async () => {
    const { sluice, spans } = await open()
    const handle = sluice.openScope('GET /cities/7')
    handle.name = 'GET /cities/:id'
    handle.statusCode = 503
    handle.end()
    expect(spans()).toHaveLength(1)
    expect(spans()[0]).toMatchObject({
      name: 'GET /cities/:id',
      kind: SpanKind.SERVER,
      status: { code: SpanStatusCode.ERROR },
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/cities/:id',
        'http.response.status_code': 503,
        'error.type': '503',
      },
    })
  })

  it('marks the span of a failed scope', async () => {
    const { sluice, named } = await open()
    await expect(sluice.run(() => Promise.reject(new Error('no')), { name: 'job' })).rejects.toThrow('no')
    expect(named('job')?.status.code).toBe(SpanStatusCode.ERROR)
  })

  it('creates a span for a statement within the span of its scope, without its values', async () => {
    const { sluice, named } = await open()
    await sluice.run(
      async () => {
        await Promise.resolve()
        send(sluice, "SELECT * FROM cities WHERE name = 'secret' AND id = 7", { rows: 3 })
      },
      { name: 'job' },
    )
    const span = named('SELECT cities')
    expect(span).toMatchObject({
      kind: SpanKind.CLIENT,
      attributes: {
        'db.system.name': 'postgresql',
        'db.operation.name': 'SELECT',
        'db.collection.name': 'cities',
        'db.query.summary': 'SELECT cities',
        'db.response.returned_rows': 3,
      },
    })
    expect(span?.attributes['db.query.text']).toMatch(/^SELECT \* FROM cities WHERE/i)
    expect(JSON.stringify(span?.attributes)).not.toMatch(/secret|7/)
    expect(span?.parentSpanContext?.spanId).toBe(named('job')?.spanContext().spanId)
    expect(span?.spanContext().traceId).toBe(named('job')?.spanContext().traceId)
  })

  it('marks the span of a failed statement', async () => {
    const { sluice, named } = await open()
    send(sluice, 'DELETE FROM cities', { failed: true })
    expect(named('DELETE cities')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': '_OTHER' },
    })
    expect(named('DELETE cities')?.attributes).not.toHaveProperty('db.response.returned_rows')
  })

  it('uses the active span as the parent of a scope, and the innermost span as the parent of a statement', async () => {
    const { sluice, named, tracer } = await open()
    await tracer.startActiveSpan('GET', async (server) => {
      await sluice.run(
        async () => {
          send(sluice, 'SELECT 1 FROM a')
          await tracer.startActiveSpan('inner', async (inner) => {
            send(sluice, 'SELECT 1 FROM b')
            inner.end()
          })
          await sluice.run(() => send(sluice, 'SELECT 1 FROM c'), { name: 'nested' })
        },
        { name: 'GET /x' },
      )
      server.end()
    })
    const parentOf = (name: string) => named(name)?.parentSpanContext?.spanId
    const idOf = (name: string) => named(name)?.spanContext().spanId
    expect(named('GET /x')?.kind).toBe(SpanKind.INTERNAL)
    expect(parentOf('GET /x')).toBe(idOf('GET'))
    expect(parentOf('SELECT a')).toBe(idOf('GET /x'))
    expect(parentOf('inner')).toBe(idOf('GET'))
    expect(parentOf('SELECT b')).toBe(idOf('inner'))
    expect(parentOf('nested')).toBe(idOf('GET /x'))
    expect(parentOf('SELECT c')).toBe(idOf('nested'))
  })

  it('omits excluded spans', async () => {
    const none = await open({ scopes: false, queries: false })
    await none.sluice.run(() => send(none.sluice, 'SELECT 1 FROM a'))
    expect(none.spans()).toEqual([])
    const textless = await open({ queryText: false, scopes: false })
    await textless.sluice.run(() => send(textless.sluice, 'SELECT 1 FROM a'))
    expect(textless.spans().map(({ name }) => name)).toEqual(['SELECT a'])
    expect(textless.spans()[0]?.attributes).not.toHaveProperty('db.query.text')
    const queryless = await open({ queries: false })
    await queryless.sluice.run(() => send(queryless.sluice, 'SELECT 1 FROM a'))
    expect(queryless.spans().map(({ name }) => name)).toEqual(['run'])
  })

  it('creates no spans for statements of Sluice', async () => {
    const { sluice, spans } = await open()
    send(sluice, '/* sluice */ SELECT 1')
    expect(spans()).toEqual([])
  })

  it('stops when its stop function is called, and open spans end with their scopes', async () => {
    const { sluice, stop, spans } = await open()
    const { watch } = hostOf(sluice)
    const handle = sluice.openScope('open')
    stop()
    sluice.openScope('later').end()
    send(sluice, 'SELECT 1 FROM a')
    expect(spans()).toEqual([])
    handle.end()
    expect(spans().map(({ name }) => name)).toEqual(['open'])
    expect(hostOf(sluice).watch).not.toBe(watch)
  })

  it('removes its listeners after the last open span has ended', async () => {
    const sluice = createSluice()
    onTestFinished(() => sluice.close())
    const stopped = vi.fn()
    const { scopes } = hostOf(sluice)
    const watchEnds = scopes.watchEnds.bind(scopes)
    vi.spyOn(scopes, 'watchEnds').mockImplementation((watcher) => {
      const stopEnds = watchEnds(watcher)
      return () => {
        stopped()
        stopEnds()
      }
    })
    const stop = await exportSpans(sluice)
    const handle = sluice.openScope('open')
    stop()
    expect(stopped).not.toHaveBeenCalled()
    handle.end()
    expect(stopped).toHaveBeenCalledOnce()
    const again = await exportSpans(sluice)
    again()
    expect(stopped).toHaveBeenCalledTimes(2)
  })

  it('uses the global provider by default', async () => {
    const exporter = new InMemorySpanExporter()
    trace.setGlobalTracerProvider(
      new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
    )
    onTestFinished(() => trace.disable())
    const sluice = createSluice({ database: false, monitor: false })
    onTestFinished(() => sluice.close())
    expect(hostOf(sluice).watch).toBeUndefined()
    const stop = await exportSpans(sluice)
    await sluice.run(() => send(sluice, 'SELECT 1 FROM a'))
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['SELECT a', 'run'])
    stop()
    expect(hostOf(sluice).watch).toBeUndefined()
  })

  it('continues if a tracer throws', async () => {
    const broken = {
      getTracer: () => ({
        startSpan: () => {
          throw new Error('broken')
        },
      }),
    }
    const { sluice, errors } = await open({ tracerProvider: broken as never })
    const result = await sluice.run(() => {
      send(sluice, 'SELECT 1 FROM a')
      return 7
    })
    expect(result).toBe(7)
    expect(errors).toHaveLength(2)
    expect(sluice.database?.getWorkload()[0]).toMatchObject({ calls: 1, rows: 1 })
  })

  it('does not affect the statistics of Sluice', async () => {
    const { sluice } = await open()
    send(sluice, 'SELECT 1 FROM a', { rows: 4, failed: true })
    expect(sluice.database?.getWorkload()[0]).toMatchObject({ calls: 1, rows: 4, errors: 1, totalMs: 5 })
    expect(context.active()).toBe(ROOT_CONTEXT)
  })
})
