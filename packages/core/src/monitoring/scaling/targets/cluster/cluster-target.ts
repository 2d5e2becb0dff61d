import cluster from 'node:cluster'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { InvalidArgumentError, SluiceError } from '../../../../shared/errors.ts'
import { type BackOff, backOffMs, setLongTimeout } from '../../../../shared/timers.ts'
import { type Admission, type ScalerTarget, ScalingFailedError } from '../../scaling-executor.ts'
import {
  type ClusterTargetOptions,
  ClusterWorker,
  forkWorker,
  MemoryGate,
  type ResolvedClusterTargetOptions,
  resolveClusterTargetOptions,
} from './cluster-worker.ts'

/**
 * For workers: when the worker receives no new requests, responses on open connections announce that the
 * connection is closed. Clients then reconnect to a remaining worker, and this one can exit as soon as it has
 * responded. Idle connections are closed by their `keepAliveTimeout`, because a client that sends a request
 * while its connection is being closed would receive an error.
 *
 * @returns The server.
 */
export function closeConnectionsOnDisconnect<
  T extends Pick<Server, 'prependListener' | 'closeIdleConnections'>,
>(server: T): T {
  // The event `disconnect` of the process comes only when all connections are closed.
  const isLeaving = () => cluster.worker?.exitedAfterDisconnect === true
  server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
    if (isLeaving() && !response.headersSent) response.setHeader('connection', 'close')
  })
  const closeIdle = server.closeIdleConnections.bind(server)
  // Node calls it for each server of a worker that is to leave.
  server.closeIdleConnections = () => {
    if (!isLeaving()) closeIdle()
  }
  return server
}

const BACK_OFF: BackOff = { baseMs: 500, maxMs: 30_000 }
/** A worker that lived as long has not failed because of how it starts. */
const STABLE_MS = 30_000

/** Scales workers of `node:cluster` on this machine. */
export interface ClusterTarget extends ScalerTarget {
  current(): number
  admit(count: number): Admission
  /**
   * Drains all workers, and waits for their processes to end.
   *
   * @param graceMs - Overrides the option `graceMs`.
   */
  close(graceMs?: number): Promise<void>
}

/**
 * Workers of `node:cluster`: starts them as far as there is memory, waits until they are up, lets them finish
 * before it ends them, and replaces those that die. It counts those alone that it started.
 *
 * @throws InvalidOptionError; SluiceError with the code `SLUICE_INVALID_ARGUMENT` in a worker.
 * @example
 * ```ts
 * import cluster from 'node:cluster'
 * import { clusterTarget, closeConnectionsOnDisconnect } from '@sluice/core/scaling-cluster'
 *
 * if (cluster.isPrimary) await clusterTarget().scaleTo(2, 'start', new AbortController().signal)
 * else closeConnectionsOnDisconnect(createServer(app).listen(3000))
 * ```
 */
export function clusterTarget(options: ClusterTargetOptions = {}): ClusterTarget {
  const resolved = resolveClusterTargetOptions(options)
  if (!cluster.isPrimary)
    throw new SluiceError(
      'SLUICE_INVALID_ARGUMENT',
      'clusterTarget was called in a worker. Expected the primary process of node:cluster.',
    )
  return new ClusterWorkers(resolved, new MemoryGate(resolved))
}

class ClusterWorkers implements ClusterTarget {
  readonly #workers = new Set<ClusterWorker>()
  #desired = 0
  /** Workers that died early, in a row. */
  #failures = 0
  #notBefore = Number.NEGATIVE_INFINITY
  #replacing: ReturnType<typeof setTimeout> | undefined
  #isClosed = false
  readonly #onExit = () => {
    for (const worker of this.#workers) worker.killNow()
  }

  constructor(
    private readonly options: ResolvedClusterTargetOptions,
    private readonly gate: MemoryGate,
  ) {
    // Draining workers have no channel anymore, on which they would learn of it.
    process.on('exit', this.#onExit)
  }

  current(): number {
    return this.#active().length
  }

  admit(count: number): Admission {
    const current = this.current()
    const room = this.gate.room(this.#starting())
    return count - current > room
      ? { count: Math.max(current, current + room), reason: this.gate.reason() }
      : { count }
  }

  async scaleTo(count: number, _reason: string, signal: AbortSignal): Promise<void> {
    if (!Number.isInteger(count) || count < 0)
      throw new InvalidArgumentError('count', 'an integer of at least 0', count)
    if (this.#isClosed)
      throw new SluiceError('SLUICE_CLOSED', 'The cluster target is closed. Create a new one.')
    this.#desired = count
    const leaving = this.#shrink()
    const refusal = this.#grow()
    const coming = this.#active().flatMap((worker) => (worker.isStarting ? [worker.ready] : []))
    await untilAborted(Promise.all([...leaving, ...coming]), signal)
    if (refusal !== undefined) throw refusal
  }

  async close(graceMs?: number): Promise<void> {
    this.#isClosed = true
    this.#desired = 0
    clearTimeout(this.#replacing)
    await Promise.all([...this.#workers].map((worker) => worker.drain(graceMs)))
    process.removeListener('exit', this.#onExit)
  }

  #active(): ClusterWorker[] {
    return [...this.#workers].filter(({ isRequested }) => isRequested)
  }

  #starting(): number {
    return this.#active().filter(({ isStarting }) => isStarting).length
  }

  /** Those go first that are not up yet, then the youngest. */
  #shrink(): Promise<void>[] {
    const active = this.#active()
    const excess = active.length - this.#desired
    if (excess <= 0) return []
    const order = [
      ...active.filter(({ isStarting }) => !isStarting),
      ...active.filter(({ isStarting }) => isStarting),
    ]
    return order.slice(-excess).map((worker) => worker.drain())
  }

  /** @returns Why there are not as many as wanted. */
  #grow(): Error | undefined {
    while (!this.#isClosed && this.current() < this.#desired) {
      const waitMs = this.#notBefore - performance.now()
      if (waitMs > 0)
        return new ScalingFailedError(
          `Workers died during start-up. Next attempt in ${Math.ceil(waitMs)} ms.`,
        )
      if (this.gate.room(this.#starting()) < 1) {
        return new ScalingFailedError(
          `There are ${this.current()} of ${this.#desired} workers. ${this.gate.reason()}`,
        )
      }
      this.#start()
    }
    return undefined
  }

  #start(): void {
    const worker = new ClusterWorker(forkWorker(this.options), this.options)
    this.#workers.add(worker)
    let isUp = false
    worker.ready.then(
      () => {
        isUp = true
      },
      (error) => {
        if (this.#desired > this.current()) this.options.onProblem?.(error)
      },
    )
    void worker.exited.then(() => this.#ended(worker, isUp))
  }

  #ended(worker: ClusterWorker, wasUp: boolean): void {
    this.#workers.delete(worker)
    if (this.#isClosed || this.current() >= this.#desired) return
    if (wasUp) this.options.onProblem?.(new ScalingFailedError(`The ${worker.ending}. It is being replaced.`))
    if (performance.now() - worker.startedAt >= STABLE_MS) this.#failures = 0
    else {
      this.#failures += 1
      this.#notBefore = performance.now() + backOffMs(BACK_OFF, this.#failures, Math.random)
    }
    this.#replaceLater()
  }

  #replaceLater(): void {
    clearTimeout(this.#replacing)
    const waitMs = Math.max(0, this.#notBefore - performance.now())
    this.#replacing = setLongTimeout(() => {
      // Timers may be a little early.
      this.#notBefore = Number.NEGATIVE_INFINITY
      const refusal = this.#grow()
      if (refusal === undefined) return
      this.options.onProblem?.(refusal)
      this.#notBefore = performance.now() + BACK_OFF.maxMs
      this.#replaceLater()
    }, waitMs)
    this.#replacing.unref()
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
