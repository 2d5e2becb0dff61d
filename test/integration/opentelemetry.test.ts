import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { exportSpans } from '@sluice/core/opentelemetry'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openStack } from '../support/stack.ts'

describe('exported queries of the ORMs', () => {
  it('are a span and a sample for each statement, inside the span of their scope', async () => {
    const stack = await openStack('sqlite', { mode: 'observe' })
    onTestFinished(() => stack.close())
    await stack.ready()
    const exporter = new InMemorySpanExporter()
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    onTestFinished(await exportSpans(stack.sluice, { tracerProvider }))
    await stack.sluice.run(
      async () => {
        await stack.db('authors').where({ id: 4711 })
        await stack.prisma.author.findMany({ where: { id: { in: [4711, 4712] } } })
        await expect(stack.db('NoSuchTable').select()).rejects.toThrow('no such table')
      },
      { name: 'GET /cities' },
    )
    const spans = exporter.getFinishedSpans()
    const request = spans.find(({ name }) => name === 'GET /cities')
    const statements = spans.filter((span) => span !== request)
    expect(statements.map(({ name }) => name)).toEqual([
      'SELECT authors',
      expect.stringContaining('authors'),
      'SELECT NoSuchTable',
    ])
    for (const { attributes, parentSpanContext } of statements) {
      expect(attributes).toMatchObject({ 'db.system.name': 'sqlite', 'db.operation.name': 'SELECT' })
      expect(String(attributes['db.query.text'])).not.toContain('471')
      expect(parentSpanContext?.spanId).toBe(request?.spanContext().spanId)
    }
    expect(statements.map(({ attributes }) => attributes['error.type'])).toEqual([
      undefined,
      undefined,
      '_OTHER',
    ])
    expect(request?.attributes['sluice.queries']).toBe(3)
    const text = await stack.sluice.monitor?.metricsText()
    expect(text).toMatch(
      /db_client_operation_duration_seconds_count\{db_system_name="sqlite",db_operation_name="SELECT",db_collection_name="authors"/,
    )
    expect(text).toContain('sluice_scope_queries_total{sluice_scope_name="GET /cities"} 3')
    expect(text).toMatch(/db_client_connection_max\{db_client_connection_pool_name="[^"]+"\} \d/)
  })
})
