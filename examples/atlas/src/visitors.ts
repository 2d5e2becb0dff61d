import { setTimeout as sleep } from 'node:timers/promises'
import type { Sluice } from '@sluice/core'
import { type PlannedRequest, planVisits } from './requests.ts'
import type { Session } from './session.ts'

const SEED = 11
/** Requests a second on average, and by how much there are more and fewer, in waves. */
const RATE = 9
const SWING = 6
const WAVE_MS = 120_000
const GRAPHQL_SHARE = 0.1
const GRAPHQL = {
  query:
    'query Regions { country(code: "CH") { name regions { name cities(first: 2) { name reviews(first: 1) { rating author { name } } } } } }',
}
const TIMEOUT_MS = 20_000

export interface Visitors {
  /** Resolves when no visitor waits for a response. */
  stop(): Promise<void>
}

/**
 * Sends visitors to an app until they are stopped: the requests of the demo's comparison, in waves, and some
 * GraphQL queries.
 */
export async function startVisitors(
  { clients, origin }: Session,
  { monitor, jobs }: Sluice,
): Promise<Visitors> {
  const nextVisit = await planVisits(clients.db, SEED)
  const stopping = new AbortController()
  const { signal } = stopping
  const underWay = new Set<Promise<void>>()
  const startedAt = performance.now()
  let queue: PlannedRequest[] = []
  let reviews = 0

  const ask = async ({ method, path, body }: Pick<PlannedRequest, 'method' | 'path' | 'body'>) => {
    const headers = { 'content-type': 'application/json', 'x-graphql-yoga-csrf': '1' }
    const init = {
      method,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      ...(body && { body: JSON.stringify(body), headers }),
    }
    try {
      const response = await fetch(new URL(path, origin), init)
      await response.arrayBuffer()
      if (method === 'POST' && response.status === 201) {
        reviews += 1
        await jobs?.enqueueTask(
          { userId: (body as { readonly userId: number }).userId },
          'normal',
          'thanks',
          {
            maxRetries: 1,
            backoff: 500,
          },
        )
      }
    } catch {
      // A visitor who has left.
    }
  }
  const come = async () => {
    while (!signal.aborted) {
      if (queue.length === 0) queue = nextVisit()
      const request =
        Math.random() < GRAPHQL_SHARE
          ? { method: 'POST' as const, path: '/graphql', body: GRAPHQL }
          : queue.shift()
      const asked = request === undefined ? Promise.resolve() : ask(request)
      underWay.add(asked)
      asked.finally(() => underWay.delete(asked))
      const rate = RATE + SWING * Math.sin((2 * Math.PI * (performance.now() - startedAt)) / WAVE_MS)
      await sleep(1_000 / rate, undefined, { signal }).catch(() => {})
    }
  }
  const telling = setInterval(() => {
    monitor?.recordMetric('reviews', reviews, 'visitors')
    reviews = 0
  }, 1_000)
  const coming = come()
  return {
    async stop() {
      clearInterval(telling)
      stopping.abort()
      await coming
      await Promise.all(underWay)
    },
  }
}
