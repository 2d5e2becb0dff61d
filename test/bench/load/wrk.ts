import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServiceUnavailableError } from '../../services/service.ts'
import { CONNECT_MS, type Traffic, wrkScript } from './traffic.ts'

const TIMEOUT_SECONDS = 10

/** The counts of `wrk` in one round. */
export interface Round {
  /** Requests with a response. */
  readonly requests: number
  /** Includes the first `CONNECT_MS`, without requests. */
  readonly durationUs: number
  readonly bytes: number
  readonly p50Us: number
  readonly p99Us: number
  readonly maxUs: number
  /** Responses with a status of 400 or higher. */
  readonly refused: number
  /** Connections that failed or broke. */
  readonly broken: number
  /** Requests without a response within ten seconds. */
  readonly late: number
}

export interface LoadPlan {
  readonly connections: number
  /** Duration of the requests. */
  readonly seconds: number
  readonly seed: number
}

/** `wrk` is not installed. */
export class NoWrkError extends ServiceUnavailableError {}

/**
 * Sends requests to a server over many connections, each of which sends its next request after the response.
 *
 * @throws NoWrkError.
 */
export async function wrk(
  origin: string,
  traffic: Traffic,
  { connections, seconds, seed }: LoadPlan,
): Promise<Round> {
  const script = wrkScript(traffic, seed, connections)
  const folder = mkdtempSync(join(tmpdir(), 'sluice-load-'))
  const file = join(folder, 'traffic.lua')
  writeFileSync(file, script)
  try {
    const flags = [
      '--threads',
      '1',
      '--connections',
      connections,
      '--duration',
      `${Math.round(seconds + CONNECT_MS / 1_000)}s`,
      '--timeout',
      `${TIMEOUT_SECONDS}s`,
    ]
    const printed = await wrkOutput([...flags.map(String), '--script', file], origin)
    const line = printed.split('\n').find((text) => text.startsWith('{'))
    if (line === undefined) throw new Error(`wrk said nothing of what it counted:\n${printed}`)
    return JSON.parse(line)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * The output of `wrk`.
 *
 * @throws NoWrkError.
 */
export function wrkOutput(flags: readonly string[], url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('wrk', [...flags, url], { stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, errors] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors += text
    })
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'ENOENT'
          ? new NoWrkError('No wrk on PATH, which sends the requests: install it (Debian and Homebrew: wrk).')
          : error,
      )
    })
    child.once('close', (code) => {
      if (code === 0) resolve(out)
      else reject(new Error(`wrk ended with ${code}: ${errors || out}`))
    })
  })
}
