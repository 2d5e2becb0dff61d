import cluster, { type Worker } from 'node:cluster'
import { freemem } from 'node:os'
import { checkOptions, option } from '../../../../shared/options.ts'
import { setLongTimeout } from '../../../../shared/timers.ts'
import { ScalingFailedError } from '../../scaling-executor.ts'

export interface ClusterTargetOptions {
  /**
   * The module that workers run.
   * @defaultValue `exec` of `cluster.settings`: the module that this process runs
   */
  readonly exec?: string
  /**
   * Arguments of the module.
   * @defaultValue the value in `cluster.settings`
   */
  readonly args?: readonly string[]
  /**
   * Arguments of Node.
   * @defaultValue the value in `cluster.settings`
   */
  readonly execArgv?: readonly string[]
  /**
   * Additional environment variables of the workers.
   * @defaultValue {}
   */
  readonly env?: Readonly<Record<string, string>>
  /**
   * When a worker counts as up: `listening` when it listens, `message` when it sends `process.send('ready')`,
   * `online` when it runs.
   * @defaultValue 'listening'
   */
  readonly ready?: 'listening' | 'message' | 'online'
  /**
   * Milliseconds that a worker may take to be up; then it is ended. Minimum: `100`.
   * @defaultValue 60000
   */
  readonly startTimeoutMs?: number
  /**
   * Milliseconds that a worker has to finish when it receives no new requests. After that, it is terminated.
   * Minimum: `0`.
   * @defaultValue 10000
   */
  readonly graceMs?: number
  /**
   * Bytes of memory that a worker takes: none is started where there are fewer. Minimum: `0`.
   * @defaultValue 134217728
   */
  readonly workerBytes?: number
  /**
   * Bytes of memory that are left free besides. Minimum: `0`.
   * @defaultValue 268435456
   */
  readonly reserveBytes?: number
  /** Called if a worker dies, does not come up, or cannot be replaced. */
  readonly onProblem?: (error: Error) => void
}

type WithoutDefault = 'exec' | 'args' | 'execArgv' | 'onProblem'

export type ResolvedClusterTargetOptions = Required<Omit<ClusterTargetOptions, WithoutDefault>> & {
  readonly [K in WithoutDefault]: ClusterTargetOptions[K] | undefined
}

const rules = {
  exec: { expected: 'a path', accepts: (value: unknown) => typeof value === 'string' && value !== '' },
  args: option.strings,
  execArgv: option.strings,
  env: option.object,
  ready: option.oneOf('listening', 'message', 'online'),
  startTimeoutMs: option.number(100),
  graceMs: option.number(0),
  workerBytes: option.number(0),
  reserveBytes: option.number(0),
  onProblem: option.callback,
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
export function resolveClusterTargetOptions(options: ClusterTargetOptions): ResolvedClusterTargetOptions {
  checkOptions(options, rules)
  return {
    exec: options.exec,
    args: options.args,
    execArgv: options.execArgv,
    env: options.env ?? {},
    ready: options.ready ?? 'listening',
    startTimeoutMs: options.startTimeoutMs ?? 60_000,
    graceMs: options.graceMs ?? 10_000,
    workerBytes: options.workerBytes ?? 134_217_728,
    reserveBytes: options.reserveBytes ?? 268_435_456,
    onProblem: options.onProblem,
  }
}

/** Bytes that processes may still take: of the machine, or of the control group that this process is in. */
function availableBytes(): number {
  // Node says 0 where it cannot tell.
  return Math.min(freemem(), process.availableMemory() || Number.POSITIVE_INFINITY)
}

/** Number of additional workers for which there is memory. */
export class MemoryGate {
  constructor(
    private readonly options: { readonly workerBytes: number; readonly reserveBytes: number },
    private readonly available: () => number = availableBytes,
  ) {}

  /** @param starting - Workers that have not taken yet what they will. */
  room(starting: number): number {
    const { workerBytes, reserveBytes } = this.options
    if (workerBytes === 0) return Number.POSITIVE_INFINITY
    return Math.max(0, Math.floor((this.available() - reserveBytes) / workerBytes) - starting)
  }

  /** Why there is not enough memory, for people. */
  reason(): string {
    const { workerBytes, reserveBytes } = this.options
    return `Not enough memory: ${megabytes(this.available())} are free, of which ${megabytes(reserveBytes)} are reserved, and a worker needs ${megabytes(workerBytes)}.`
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MB`
}

/** Forks with separate settings, and does not change those of the process. */
export function forkWorker({ exec, args, execArgv, env }: ResolvedClusterTargetOptions): Worker {
  const own = {
    ...(exec !== undefined && { exec }),
    ...(args !== undefined && { args: [...args] }),
    ...(execArgv !== undefined && { execArgv: [...execArgv] }),
  }
  if (Object.keys(own).length === 0) return cluster.fork(env)
  const before = { ...cluster.settings }
  cluster.setupPrimary(own)
  try {
    return cluster.fork(env)
  } finally {
    cluster.setupPrimary({
      exec: process.argv[1],
      args: process.argv.slice(2),
      execArgv: process.execArgv,
      ...before,
    })
  }
}

/** Time between SIGTERM and SIGKILL. */
const KILL_MS = 2000

/** One worker, from its start to its end. */
export class ClusterWorker {
  readonly startedAt: number = performance.now()
  /** Rejects if it ends, or is stopped, before it is up. */
  readonly ready: Promise<void>
  /** Resolves when the process has exited. */
  readonly exited: Promise<void>
  #state: 'starting' | 'ready' | 'draining' | 'gone' = 'starting'
  readonly #timers = new Set<ReturnType<typeof setTimeout>>()

  constructor(
    private readonly worker: Worker,
    private readonly options: ResolvedClusterTargetOptions,
  ) {
    this.exited = new Promise((resolve) => {
      worker.once('exit', () => this.#end(resolve))
      // If the process was never created, no exit follows.
      worker.on('error', () => {
        if (worker.process.pid === undefined) this.#end(resolve)
      })
    })
    this.ready = this.#whenReady()
    // The caller may not await it.
    this.ready.catch(() => {})
  }

  get isStarting(): boolean {
    return this.#state === 'starting'
  }

  /** Whether it is to stay: it is up, or on its way. */
  get isRequested(): boolean {
    return this.#state === 'starting' || this.#state === 'ready'
  }

  /** How it ended, for people. */
  get ending(): string {
    const { pid, exitCode, signalCode } = this.worker.process
    return `worker ${pid ?? '(not started)'} ended with ${signalCode ?? `code ${exitCode}`}`
  }

  /** Gives it nothing new, and ends it once it has had the time to finish. */
  drain(graceMs: number = this.options.graceMs): Promise<void> {
    if (this.isRequested) {
      this.#state = 'draining'
      try {
        this.worker.disconnect()
      } catch {
        // Its channel is closed already.
      }
    }
    this.#after(graceMs, () => this.#kill())
    return this.exited
  }

  /** Kills it immediately, because this process ends. */
  killNow(): void {
    this.worker.process.kill('SIGKILL')
  }

  #kill(): void {
    this.worker.process.kill('SIGTERM')
    this.#after(KILL_MS, () => this.killNow())
  }

  #whenReady(): Promise<void> {
    const { ready, startTimeoutMs } = this.options
    return new Promise((resolve, reject) => {
      const isUp = () => {
        clearTimeout(timer)
        if (this.#state === 'starting') this.#state = 'ready'
        resolve()
      }
      const timer = this.#after(startTimeoutMs, () => {
        if (!this.isStarting) return
        reject(new ScalingFailedError(`A worker did not come up within ${startTimeoutMs} ms.`))
        this.#state = 'draining'
        this.#kill()
      })
      if (ready === 'message') {
        this.worker.on('message', (message: unknown) => {
          if (message === 'ready') isUp()
        })
      } else this.worker.once(ready, isUp)
      void this.exited.then(() => reject(new ScalingFailedError(`The ${this.ending} before it was up.`)))
    })
  }

  #end(resolve: () => void): void {
    this.#state = 'gone'
    for (const timer of this.#timers) clearTimeout(timer)
    resolve()
  }

  #after(ms: number, run: () => void): ReturnType<typeof setTimeout> {
    const timer = setLongTimeout(run, ms)
    this.#timers.add(timer)
    return timer
  }
}
