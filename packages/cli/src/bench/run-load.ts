import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { plainLine } from '@sluice/core/siblings'
import type { BenchRoute, BenchTarget } from './bench-target.ts'
import type { BodyLog } from './body-log.ts'

interface LoadOptions {
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

interface Answer {
  readonly status: number
  readonly body: Buffer
  readonly type: string
  readonly timing: DatabaseTiming | undefined
  /** Milliseconds until the last byte arrived. */
  readonly tookMs: number
}

/** Sends one request and reads the full response. Does not follow redirects. */
export function sendRequest(
  { url, agent, headers }: BenchTarget,
  { method, path }: BenchRoute,
  timeoutMs: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now()
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    // Concatenated, because resolving a path of `//elsewhere/` would change the host.
    const request = send(new URL(`${url.origin}${path}`), {
      method,
      agent,
      headers: { accept: 'application/json, */*', ...headers },
    })
    const timer = setTimeout(
      () => request.destroy(new Error(`no response within ${timeoutMs / 1_000} s`)),
      timeoutMs,
    )
    const failed = (error: Error) => {
      clearTimeout(timer)
      reject(error)
    }
    request.on('error', failed)
    request.on('response', (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('error', failed)
      response.on('end', () => {
        clearTimeout(timer)
        const [first = Buffer.alloc(0)] = pieces
        resolve({
          status: response.statusCode ?? 0,
          body: pieces.length === 1 ? first : Buffer.concat(pieces),
          type: response.headers['content-type'] ?? '',
          timing: readServerTiming(response.headers['server-timing']),
          tookMs: performance.now() - startedAt,
        })
      })
    })
    request.end()
  })
}

interface DatabaseTiming {
  readonly queries: number
  readonly databaseMs: number
}

/**
 * Reads the `Server-Timing` entry of Sluice's middleware: `db;dur=12.3;desc="5 queries"`. `undefined` if
 * there is none.
 *
 * Source: the W3C's Server Timing.
 */
export function readServerTiming(header: string | readonly string[] | undefined): DatabaseTiming | undefined {
  const text = typeof header === 'string' ? header : (header ?? []).join(', ')
  const entry = /(?:^|,)\s*db\s*;\s*dur=([\d.]+)\s*;\s*desc="(\d+) quer(?:y|ies)"/.exec(text)
  return entry === null ? undefined : { databaseMs: Number(entry[1]), queries: Number(entry[2]) }
}
