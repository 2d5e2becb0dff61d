import { createRequire } from 'node:module'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { type Peer, UntracedError } from './peer.ts'

const require = createRequire(import.meta.url)
const SUCCESS = 0

/** OpenTelemetry with an exporter that only counts. */
export function startOpenTelemetry(orm: 'Knex' | 'Prisma'): Peer {
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
      if (spans <= requests) throw new UntracedError('OpenTelemetry', spans - requests, requests)
      await provider.shutdown()
    },
  }
}
