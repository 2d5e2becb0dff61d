import { fork } from 'node:child_process'
import { connect, createServer, type Socket } from 'node:net'

/** A TCP proxy on 127.0.0.1 that delays every chunk, in both directions. */
export interface DelayProxy {
  readonly port: number
  close(): Promise<void>
}

interface Route {
  readonly host: string
  readonly port: number
  readonly delayMs: number
}

const MODULE = import.meta.filename

/** Starts a proxy in a separate process, so that it does not share the event loop with the measured code. */
export async function startDelayProxy(host: string, port: number, delayMs: number): Promise<DelayProxy> {
  const route: Route = { host, port, delayMs }
  const child = fork(MODULE, [JSON.stringify(route)], { execArgv: process.execArgv })
  const listening = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve(message as number))
    child.once('exit', (code) =>
      reject(new Error(`The delaying proxy ended with ${code} before it listened.`)),
    )
  })
  return {
    port: listening,
    close: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve())
        child.disconnect()
      }),
  }
}

/**
 * Node's timers are inaccurate by a millisecond at this length. Short sleeps between checks of the sockets
 * are accurate to 10% of that.
 */
const SLEEP_MS = 0.05

/** Chunks in the order of arrival, which is the order in which they are due: all wait equally long. */
class DelayLine {
  readonly #waiting: { readonly dueAt: number; readonly release: () => void }[] = []
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4))
  #runs = false

  constructor(private readonly delayMs: number) {}

  push(release: () => void): void {
    this.#waiting.push({ dueAt: performance.now() + this.delayMs, release })
    if (this.#runs) return
    this.#runs = true
    setImmediate(() => this.#run())
  }

  #run(): void {
    const now = performance.now()
    while (this.#waiting[0] !== undefined && this.#waiting[0].dueAt <= now) this.#waiting.shift()?.release()
    const [next] = this.#waiting
    this.#runs = next !== undefined
    if (next === undefined) return
    Atomics.wait(this.#sleeper, 0, 0, Math.min(SLEEP_MS, Math.max(0, next.dueAt - now)))
    setImmediate(() => this.#run())
  }
}

function pipe(line: DelayLine, from: Socket, to: Socket): void {
  from.setNoDelay(true)
  from.on('data', (chunk) => line.push(() => void to.write(chunk)))
  from.on('end', () => line.push(() => void to.end()))
  from.on('error', () => void to.destroy())
}

function serve({ host, port, delayMs }: Route): void {
  const line = new DelayLine(delayMs)
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ host, port, allowHalfOpen: true })
    pipe(line, client, upstream)
    pipe(line, upstream, client)
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (typeof address === 'object' && address !== null) process.send?.(address.port)
  })
  process.on('disconnect', () => process.exit(0))
}

if (process.argv[1] === MODULE) serve(JSON.parse(process.argv[2] ?? '') as Route)
