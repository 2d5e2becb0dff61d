import { plainLine } from '@sluice/core/siblings'
import type { BenchRoute, BenchTarget } from './bench-target.ts'
import type { BodyLog } from './body-log.ts'
import { sendRequest } from './send-request.ts'

export interface LoadOptions {
  readonly connections: number
  readonly durationMs: number
  /** Maximum number of requests. */
  readonly maxRequests: number
  readonly timeoutMs: number
  readonly bodies?: BodyLog
}

/** Measurements of a route under load. */
export interface LoadResult {
  readonly seconds: number
  /** Responses without an error. */
  readonly requests: number
  readonly errors: number
  /** Message of the first error. */
  readonly firstError: string | undefined
  /** Milliseconds, sorted. */
  readonly latencies: Float64Array
  /** Average per request; `undefined` without `Server-Timing`. */
  readonly queries: number | undefined
  readonly databaseMs: number | undefined
}

/**
 * Each connection sends its next request after the response, until `durationMs` has passed. Statuses of 400
 * and above are errors.
 */
export async function runLoad(
  target: BenchTarget,
  route: BenchRoute,
  options: LoadOptions,
): Promise<LoadResult> {
  const { connections, durationMs, maxRequests, timeoutMs, bodies } = options
  const startedAt = performance.now()
  const latencies: number[] = []
  let sent = 0
  let errors = 0
  let firstError: string | undefined
  let timed = 0
  let queries = 0
  let databaseMs = 0
  const fail = (why: string) => {
    errors += 1
    firstError ??= why
  }
  const one = async () => {
    try {
      const { status, body, type, timing, tookMs } = await sendRequest(target, route, timeoutMs)
      if (status >= 400) return fail(`status ${status}`)
      latencies.push(tookMs)
      bodies?.add(body, type)
      if (timing === undefined) return
      timed += 1
      queries += timing.queries
      databaseMs += timing.databaseMs
    } catch (error) {
      fail(plainLine((error as Error).message))
      // Limits the retries while no process listens.
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const connection = async () => {
    while (sent < maxRequests && performance.now() - startedAt < durationMs) {
      sent += 1
      await one()
    }
  }
  await Promise.all(Array.from({ length: connections }, connection))
  return {
    seconds: (performance.now() - startedAt) / 1_000,
    requests: latencies.length,
    errors,
    firstError,
    latencies: Float64Array.from(latencies).sort(),
    queries: timed === 0 ? undefined : queries / timed,
    databaseMs: timed === 0 ? undefined : databaseMs / timed,
  }
}
