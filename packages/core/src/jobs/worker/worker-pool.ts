import type { Claim, JobBackend, WakeHint } from '../backends/job-backend.ts'
import type { QueueRunner } from './queue-runner.ts'

const MAX_TIMER_MS = 0x7fff_ffff

export interface PoolParts {
  readonly backend: JobBackend
  readonly owner: string
  readonly leaseMs: number
  readonly onError: (error: unknown) => void
}

/** The runners of a process: starts and stops them, and keeps their leases. */
export class WorkerPool {
  readonly #runners = new Map<string, QueueRunner>()
  readonly #stopListening: () => void
  #renewing: ReturnType<typeof setInterval> | undefined
  /** A worker that has been started keeps the process. */
  #holding: ReturnType<typeof setInterval> | undefined
  #isRenewing = false

  constructor(private readonly parts: PoolParts) {
    this.#stopListening = parts.backend.onWake((hint) => this.#woken(hint))
  }

  get(queue: string): QueueRunner | undefined {
    return this.#runners.get(queue)
  }

  add(queue: string, runner: QueueRunner): void {
    this.#runners.set(queue, runner)
  }

  get isStarted(): boolean {
    return this.#holding !== undefined
  }

  /** Keeps the process from now on. */
  hold(): void {
    this.#holding ??= setInterval(() => {}, MAX_TIMER_MS)
  }

  start(queue: string): void {
    this.hold()
    this.keepLeases()
    this.#runners.get(queue)?.start()
  }

  /** Claims are kept from now on. */
  keepLeases(): void {
    if (!this.parts.backend.isShared || this.#renewing !== undefined) return
    this.#renewing = setInterval(() => void this.#renew(), this.parts.leaseMs / 3)
    this.#renewing.unref()
  }

  /**
   * Takes nothing more, and waits for what runs.
   *
   * @returns How many tasks were given back at the end of the time.
   */
  async drain(timeoutMs: number): Promise<number> {
    const runners = [...this.#runners.values()]
    for (const runner of runners) runner.stop()
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), Math.min(timeoutMs, MAX_TIMER_MS))
    })
    const ended = await Promise.race([Promise.all(runners.map((runner) => runner.quiet())), late])
    clearTimeout(timer)
    let released = 0
    if (ended === 'late') for (const runner of runners) released += await runner.release()
    clearInterval(this.#holding)
    this.#holding = undefined
    return released
  }

  close(): void {
    clearInterval(this.#renewing)
    clearInterval(this.#holding)
    this.#renewing = undefined
    this.#holding = undefined
    this.#stopListening()
    for (const runner of this.#runners.values()) runner.stop()
  }

  #woken({ queue, cancel }: WakeHint): void {
    if (queue !== undefined && cancel === undefined) this.#runners.get(queue)?.wake()
    else if (cancel === undefined) for (const runner of this.#runners.values()) runner.wake()
    else for (const runner of this.#runners.values()) runner.abort(cancel, 'cancelled')
  }

  async #renew(): Promise<void> {
    const { backend, owner, leaseMs, onError } = this.parts
    if (this.#isRenewing) return
    const held = [...this.#runners.values()].flatMap(({ claims }) => claims)
    if (held.length === 0) return
    this.#isRenewing = true
    try {
      const { lost, cancelled } = await backend.renew(held, owner, leaseMs)
      this.#abort(lost, 'lost')
      this.#abort(cancelled, 'cancelled')
    } catch (error) {
      onError(error)
    } finally {
      this.#isRenewing = false
    }
  }

  #abort(claims: readonly Claim[], cause: 'lost' | 'cancelled'): void {
    for (const { id, queue } of claims) this.#runners.get(queue)?.abort(id, cause)
  }
}
