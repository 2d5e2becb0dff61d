import { readFileSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { BenchFigure } from '../database/report.ts'
import { startNode, startProxy } from './start.ts'

const BYTES = 104_857_600
/** A transfer takes about 5 s, and several times as long on a busy machine. */
const MAX_MS = 90_000
const chunk = Buffer.alloc(65_536)

/** Maximum memory growth of a proxy while large bodies pass to or from a slow peer. */
export async function memoryFigures(): Promise<BenchFigure[]> {
  const node = await startNode()
  const proxy = await startProxy('sluice', [node.port])
  const { port, pid } = proxy
  try {
    // Memory that is allocated once and retained.
    await download(port, 0)
    await upload(port, '/')
    const figures: BenchFigure[] = []
    const add = async (id: string, run: () => Promise<unknown>, target: number) => {
      // A failed transfer is a missed figure. The others are still measured.
      const value = await growth(pid, run).catch((error: unknown) => {
        console.error(`${id}: ${error instanceof Error ? error.message : String(error)}`)
        return Number.NaN
      })
      figures.push({ id, value, unit: 'MB', target, bound: '≤' })
    }
    await add('sluice: memory for a slow client, 100 MB', () => download(port, 2), 20)
    await add('sluice: memory for a slow node, 100 MB', () => upload(port, '/slow'), 10)
    await add(
      'sluice: memory for 50 concurrent slow clients, 5 MB each',
      () => Promise.all(Array.from({ length: 50 }, () => download(port, 5, 5_000_000))),
      20,
    )
    return figures
  } finally {
    for (const { stop } of [proxy, node]) stop()
  }
}

/** @param pauseMs - Pause after each chunk. */
function download(port: number, pauseMs: number, bytes = BYTES): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: '/100m', agent: false }, (answer) => {
      let got = 0
      answer.on('data', (data: Buffer) => {
        got += data.length
        if (got >= bytes) {
          sent.destroy()
          resolve()
        } else if (pauseMs > 0) {
          answer.pause()
          setTimeout(() => answer.resume(), pauseMs)
        }
      })
      answer.on('error', (error) => (got >= bytes ? undefined : reject(error)))
      answer.on('close', () =>
        reject(new Error(`A response of status ${answer.statusCode} ended after ${got} of ${bytes} bytes.`)),
      )
    })
    endsInTime(sent, reject)
    sent.end()
  })
}

async function upload(port: number, path: string): Promise<void> {
  const sent = request({
    host: '127.0.0.1',
    port,
    path,
    method: 'POST',
    agent: false,
    headers: { 'content-length': BYTES },
  })
  const answered = new Promise<void>((resolve, reject) => {
    sent.on('response', (answer) => {
      answer.resume().on('end', resolve).on('error', reject)
      answer.on('close', () => reject(new Error('The response of the upload is not complete.')))
    })
    endsInTime(sent, reject)
  })
  function* chunks() {
    for (let at = 0; at < BYTES; at += chunk.length) yield chunk
  }
  // The response decides: a request whose connection was lost may never report that it has ended.
  const written = pipeline(Readable.from(chunks(), { objectMode: true, highWaterMark: 1 }), sent)
  await Promise.all([answered, Promise.race([written, answered])])
}

function endsInTime(sent: ClientRequest, reject: (error: Error) => void): void {
  const timer = setTimeout(() => {
    const { bytesWritten = 0, bytesRead = 0 } = sent.socket ?? {}
    const state = `${bytesWritten} bytes sent, ${bytesRead} received`
    sent.destroy(new Error(`A transfer through the proxy takes longer than ${MAX_MS} ms: ${state}.`))
  }, MAX_MS)
  sent.on('error', reject)
  sent.on('close', () => clearTimeout(timer))
}

/** In megabytes. */
async function growth(pid: number, run: () => Promise<unknown>): Promise<number> {
  const before = resident(pid)
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, resident(pid))
  }, 50)
  try {
    await run()
    return most - before
  } finally {
    clearInterval(timer)
  }
}

function resident(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024
}
