import * as Sentry from '@sentry/node'
import { type Peer, UntracedError } from './peer.ts'

/** A common rate in production. */
const SAMPLED = 0.1

interface SpanItem {
  readonly is_segment: boolean
  readonly attributes: { readonly 'sentry.op'?: { readonly value: string } }
}

/** Sentry with a transport that only counts. */
export function startSentry(): Peer {
  let queries = 0
  let requests = 0
  Sentry.init({
    dsn: 'http://key@127.0.0.1/1',
    tracesSampleRate: SAMPLED,
    transport: () => ({
      send: async ([, items]) => {
        for (const [{ type }, payload] of items) {
          if (type !== 'span') continue
          const spans = (payload as { readonly items: readonly SpanItem[] }).items
          requests += spans.filter((span) => span.is_segment).length
          queries += spans.filter(({ attributes }) => attributes['sentry.op']?.value === 'db').length
        }
        return {}
      },
      flush: async () => true,
    }),
  })
  return {
    // Like the instrumentation of a server. Without a new trace, all requests are sampled or none.
    request: (fn) =>
      Sentry.withIsolationScope(() =>
        Sentry.startNewTrace(() => Sentry.startSpan({ name: 'GET /page' }, fn)),
      ),
    async close() {
      await Sentry.close()
      if (queries < requests || queries === 0) throw new UntracedError('Sentry', queries, requests)
    },
  }
}
