import type { Server } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import { InvalidArgumentError, type Sluice } from '@sluice/core'
import {
  checkOptions,
  errorMessage,
  hostOf,
  type OptionRule,
  option,
  setLongTimeout,
} from '@sluice/core/siblings'
import { OpenWork } from './open-work.ts'

export interface ShutdownOptions {
  /**
   * Milliseconds between the start of the shutdown (`/readyz` returns `503`) and closing the server, until
   * the load balancer notices. Requests are handled as usual meanwhile. Minimum: `0`.
   * @defaultValue 5000
   */
  readonly drainDelayMs?: number
  /**
   * How long requests in flight have to finish, in milliseconds. Then their connections are closed. Minimum:
   * `0`.
   * @defaultValue 30000
   */
  readonly timeoutMs?: number
  /**
   * Signals that start the shutdown. A second signal closes everything immediately. Empty: only a call starts
   * it.
   * @defaultValue ['SIGTERM', 'SIGINT']
   */
  readonly signals?: readonly NodeJS.Signals[]
  /**
   * Whether the process exits after a signal, when everything is closed: with code `0`, or with `1` if
   * something was interrupted or failed.
   * @defaultValue true
   */
  readonly exit?: boolean
  /**
   * Closes your app's resources, when no request is in flight and before the Sluice is closed.
   * @defaultValue nothing
   */
  readonly close?: () => unknown
}

const signals: OptionRule = {
  expected: 'an array of signal names',
  accepts: (value) =>
    option.strings.accepts(value) &&
    (value as readonly string[]).every((name) => /^SIG[A-Z0-9]+$/.test(name)),
}

/** @throws InvalidOptionError. */
function resolveShutdownOptions(options: ShutdownOptions): Required<ShutdownOptions> {
  const { boolean, callback, number } = option
  checkOptions(options, {
    drainDelayMs: number(0),
    timeoutMs: number(0),
    signals,
    exit: boolean,
    close: callback,
  })
  return {
    drainDelayMs: options.drainDelayMs ?? 5_000,
    timeoutMs: options.timeoutMs ?? 30_000,
    signals: options.signals ?? ['SIGTERM', 'SIGINT'],
    exit: options.exit ?? true,
    close: options.close ?? (() => undefined),
  }
}

/** Result of a shutdown. */
export interface ShutdownReport {
  /** Milliseconds since the shutdown started. */
  readonly durationMs: number
  /** Requests that were interrupted because they exceeded the timeout. */
  readonly cut: number
  /** Errors that occurred while closing. */
  readonly errors: readonly unknown[]
}

export interface GracefulShutdown {
  /** Stops the server and closes the Sluice. Later calls wait for the first one. Never rejects. */
  shutdown(): Promise<ShutdownReport>
  readonly isDraining: boolean
  /** Stops listening for signals, unless the shutdown has started. */
  dispose(): void
}

/**
 * Shuts an app down without failing requests: readiness fails immediately, the server accepts requests until
 * the load balancer has noticed, requests in flight finish, streams and WebSockets are ended, and then the
 * Sluice is closed, including its jobs. Call it before the server listens.
 *
 * @throws InvalidOptionError; InvalidArgumentError.
 * @example
 * ```ts
 * const server = createServer(app)
 * gracefulShutdown(server, sluice, { drainDelayMs: 5_000, close: () => db.destroy() })
 * server.listen(3000)
 * ```
 */
export function gracefulShutdown(
  server: Server | SecureServer,
  sluice: Sluice,
  options: ShutdownOptions = {},
): GracefulShutdown {
  if (typeof server?.closeIdleConnections !== 'function')
    throw new InvalidArgumentError('server', 'a server of node:http or node:https', server)
  hostOf(sluice)
  return new Shutdown(server, sluice, resolveShutdownOptions(options))
}

class Shutdown implements GracefulShutdown {
  readonly #work: OpenWork
  readonly #cutting = new AbortController()
  #running: Promise<ShutdownReport> | undefined
  #cut = 0

  constructor(
    server: Server,
    private readonly sluice: Sluice,
    private readonly options: Required<ShutdownOptions>,
  ) {
    this.#work = new OpenWork(server)
    for (const signal of options.signals) process.on(signal, this.#onSignal)
  }

  get isDraining(): boolean {
    return this.#running !== undefined
  }

  shutdown(): Promise<ShutdownReport> {
    this.#running ??= this.#run()
    return this.#running
  }

  dispose(): void {
    if (this.#running !== undefined) return
    this.#forget()
  }

  async #run(): Promise<ShutdownReport> {
    const startedAt = performance.now()
    const { drainDelayMs, timeoutMs, close } = this.options
    drainStateOf(this.sluice).isDraining = true
    this.#work.closeConnections()
    await this.#pause(drainDelayMs)
    const timer = setLongTimeout(() => this.#cutAll(), timeoutMs)
    await this.#work.stop(this.#cutting.signal)
    clearTimeout(timer)
    const errors: unknown[] = []
    for (const end of [close, () => this.sluice.close()]) {
      try {
        await end()
      } catch (error) {
        errors.push(error)
      }
    }
    this.#forget()
    return { durationMs: performance.now() - startedAt, cut: this.#cut, errors }
  }

  /** The timer keeps the process alive during the delay. The process is about to exit anyway. */
  #pause(ms: number): Promise<void> {
    const { signal } = this.#cutting
    if (ms === 0 || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setLongTimeout(resolve, ms)
      const done = () => {
        clearTimeout(timer)
        resolve()
      }
      signal.addEventListener('abort', done, { once: true })
    })
  }

  #cutAll(): void {
    this.#cut += this.#work.requests
    this.#cutting.abort()
  }

  #forget(): void {
    for (const signal of this.options.signals) process.off(signal, this.#onSignal)
    this.#work.dispose()
  }

  readonly #onSignal = (): void => {
    if (this.#running !== undefined) {
      this.#cutAll()
      return
    }
    void this.shutdown().then(({ cut, errors }) => {
      for (const error of errors)
        hostOf(this.sluice).warn(`Closing failed: ${errorMessage(error)}`, 'SLUICE_CLOSE_FAILED')
      if (this.options.exit) process.exit(cut > 0 || errors.length > 0 ? 1 : 0)
    })
  }
}

/** Whether an app is about to stop and must receive no more requests. */
interface DrainState {
  isDraining: boolean
}

const states = new WeakMap<Sluice, DrainState>()

export function drainStateOf(sluice: Sluice): DrainState {
  let state = states.get(sluice)
  if (state === undefined) {
    state = { isDraining: false }
    states.set(sluice, state)
  }
  return state
}
