import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { fileURLToPath } from 'node:url'
import { SOON } from '../support/patience.ts'
import { FLAGS } from '../support/typescript-process.ts'

const MAIN = fileURLToPath(new URL('app.main.ts', import.meta.url))
const ACTING = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', 'x-sluice-action': '1' }

/** One process of the app, requested at its port. */
export class AppAt {
  constructor(
    readonly port: number,
    readonly pid: number,
    /** URL that allows one browser on another machine. */
    readonly url: string,
  ) {}

  async visit(path: string, times = 1, init: RequestInit = {}): Promise<void> {
    for (let at = 0; at < times; at += 1) {
      const response = await fetch(`http://127.0.0.1:${this.port}${path}`, init)
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      await response.arrayBuffer()
    }
  }

  /** Fetches a path below `api/` of the dashboard. */
  async page<T>(path: string): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.port}/_sluice/api/${path}`)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }

  async act<T>(name: string, body: unknown): Promise<T> {
    const url = `http://127.0.0.1:${this.port}/_sluice/api/actions/${name}`
    const response = await fetch(url, { method: 'POST', headers: ACTING, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${name}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }

  /** Reads the events of the stream until the signal is aborted. */
  async *stream(
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly event: string; readonly data: Record<string, unknown> }> {
    const response = await fetch(`http://127.0.0.1:${this.port}/_sluice/api/stream`, { signal })
    let text = ''
    for await (const chunk of Readable.fromWeb(response.body as ReadableStream)) {
      text += Buffer.from(chunk as Uint8Array).toString()
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const lines = text.slice(0, end).split('\n')
        text = text.slice(end + 2)
        const event = lines.find((line) => line.startsWith('event: '))?.slice(7)
        const data = lines.find((line) => line.startsWith('data: '))?.slice(6)
        if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) }
      }
    }
  }
}

/** Started programs, with the app processes that they reported. */
export class AppProcesses {
  readonly #children: ChildProcess[] = []

  /** @param count - Expected number of app processes. */
  async start(args: readonly string[], count = 1): Promise<AppAt[]> {
    const child = spawn(process.execPath, [...FLAGS, MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'development' },
    })
    this.#children.push(child)
    const apps: AppAt[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith('{')) continue
      const { port, pid, url } = JSON.parse(line) as { port: number; pid: number; url: string }
      apps.push(new AppAt(port, pid, url))
      if (apps.length === count) break
    }
    if (apps.length < count) throw new Error(`Only ${apps.length} of ${count} processes started.`)
    return apps
  }

  /** Ends all programs with SIGTERM and returns their exit codes. */
  async end(): Promise<(number | null)[]> {
    const codes = this.#children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const ended = once(child, 'exit') as Promise<[number | null]>
      const limit = setTimeout(() => child.kill('SIGKILL'), SOON.timeout)
      child.kill('SIGTERM')
      const [code] = await ended
      clearTimeout(limit)
      return code
    })
    return await Promise.all(codes)
  }
}
