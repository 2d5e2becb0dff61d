import { execFile } from 'node:child_process'
import { Agent, request } from 'node:http'

export interface Load {
  readonly served: number
  readonly failed: number
}

/** Clients that send sequential requests on open connections until the time has passed. */
export async function askAll(
  port: number,
  { clients, ms, path = '/' }: { readonly clients: number; readonly ms: number; readonly path?: string },
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const until = performance.now() + ms
  let served = 0
  let failed = 0
  const one = () =>
    new Promise<void>((resolve) => {
      const sent = request({ host: '127.0.0.1', port, path, agent, timeout: 5_000 }, (answer) => {
        answer.resume()
        answer.on('error', () => resolve())
        answer.on('end', () => {
          if (answer.statusCode === 200) served += 1
          else failed += 1
          resolve()
        })
      })
      sent.on('timeout', () => sent.destroy(new Error('timeout')))
      sent.on('error', () => {
        failed += 1
        resolve()
      })
      sent.on('close', () => resolve())
      sent.end()
    })
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < until) await one()
    }),
  )
  agent.destroy()
  return { served, failed }
}

/** Requests per second by `wrk`, with 100 connections; `undefined` if some responses failed. */
export function wrk(port: number, path: string, seconds: number): Promise<number> {
  // A machine that does other things answers some requests later than after the usual 2 s.
  const args = ['-t1', '-c100', '--timeout', '10s', `-d${seconds}s`, `http://127.0.0.1:${port}${path}`]
  return new Promise((resolve, reject) => {
    execFile('wrk', args, (error, out) => {
      if (error !== null) reject(error)
      else if (/Non-2xx|Socket errors/.test(out)) reject(new Error(`wrk met errors:\n${out}`))
      else resolve(Number(/Requests\/sec:\s+([\d.]+)/.exec(out)?.[1]))
    })
  })
}
