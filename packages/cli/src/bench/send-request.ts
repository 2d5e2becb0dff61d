import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { BenchRoute, BenchTarget } from './bench-target.ts'

export interface Answer {
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

export interface DatabaseTiming {
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
