import { createRequire } from 'node:module'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'

const require = createRequire(import.meta.url)
const SUCCESS = 0

/** OpenTelemetry as used in apps, with an exporter that only counts. */
export interface Tracing {
  /** Runs a function in a span, like the instrumentation of an HTTP server. */
  request(fn: () => Promise<void>): Promise<void>
  /** @throws Error if only requests were traced. */
  close(): Promise<void>
}

/** Must be called before the ORM is loaded. */
export function startTracing(orm: 'Knex' | 'Prisma'): Tracing {
  let spans = 0
  let requests = 0
  const provider = new BasicTracerProvider({
    spanProcessors: [
      new BatchSpanProcessor({
        export(batch, done) {
          spans += batch.length
          done({ code: SUCCESS })
        },
        shutdown: () => Promise.resolve(),
      }),
    ],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(provider)
  const Instrumentation =
    orm === 'Knex'
      ? require('@opentelemetry/instrumentation-knex').KnexInstrumentation
      : require('@prisma/instrumentation').PrismaInstrumentation
  const instrumentation = new Instrumentation()
  instrumentation.setTracerProvider(provider)
  instrumentation.enable()
  const tracer = provider.getTracer('bench')
  return {
    request: (fn) =>
      tracer.startActiveSpan('GET /page', async (span) => {
        requests += 1
        try {
          await fn()
        } finally {
          span.end()
        }
      }),
    async close() {
      await provider.forceFlush()
      if (spans <= requests)
        throw new Error(
          `Expected OpenTelemetry to trace the queries of ${orm}, got ${spans} spans for ${requests} requests.`,
        )
      await provider.shutdown()
    },
  }
}
