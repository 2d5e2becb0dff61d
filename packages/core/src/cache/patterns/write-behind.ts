import { type Clock, systemClock } from '../../shared/clock.ts'
import { FlushIncompleteError, InvalidArgumentError, SluiceError } from '../../shared/errors.ts'
import type { RandomSource } from '../../shared/random.ts'
import { backOffMs, setLongTimeout } from '../../shared/timers.ts'
import { type UnwrittenEntry, WriteBacklog } from './write-backlog.ts'
import {
  checkWriteBehindOptions,
  type WriteBehindEntry,
  type WriteBehindOptions,
} from './write-behind-options.ts'

/** The values that are not written yet. */
export interface WriteBehindLag {
  readonly entries: number
  /** Milliseconds since the oldest of them was accepted; `0` if there are none. */
  readonly oldestMs: number
}

interface Flush {
  /** Sequence number of the last value that must be written. */
  readonly place: number
  readonly done: () => void
}

/**
 * Accepts writes immediately and executes them later, in batches, one batch at a time. If a key has several
 * values, the last one is written. Keys are written in the order of their first unwritten value. A batch that
 * fails is retried until it succeeds, and delays the batches after it.
 *
 * Accepted values are in memory only: if the process is killed, they are lost. While there are any, the
 * process does not exit on its own.
 *
 * @example
 * ```ts
 * import { WriteBehind } from '@sluice/core'
 *
 * const saved: string[] = []
 * const views = new WriteBehind<number>(async (entries) => {
 *   for (const { key, value } of entries) saved.push(`${key}=${value}`)
 * })
 * await views.set('city:1', 41)
 * await views.set('city:1', 42)
 * await views.close()
 * ```
 */
export class WriteBehind<T> {
  readonly #backlog: WriteBacklog<T>
  readonly #clock: Clock
  readonly #random: RandomSource
  readonly #flushMs: number
  readonly #maxBatch: number
  readonly #retry: { readonly baseMs: number; readonly maxMs: number; readonly maxAttempts: number }
  readonly #closeTimeoutMs: number
  #flushes: Flush[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #timerAt = 0
  #failures = 0
  /** After a failure, nothing is sent before this time. */
  #retryAt = 0
  #closing: Promise<void> | undefined
  #ended = false

  /**
   * @param write - Writes a batch, which contains each key once. After a failure, it can be called with the
   * same values again, so it must be able to write them twice.
   * @throws InvalidOptionError
   */
  constructor(
    private readonly write: (entries: readonly WriteBehindEntry<T>[]) => Promise<void> | void,
    private readonly options: WriteBehindOptions<T> = {},
  ) {
    if (typeof write !== 'function') throw new InvalidArgumentError('write', 'a function', write)
    checkWriteBehindOptions(options)
    const { retry } = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    this.#flushMs = options.flushMs ?? 100
    this.#maxBatch = options.maxBatch ?? 100
    this.#closeTimeoutMs = options.closeTimeoutMs ?? 30_000
    this.#retry = {
      baseMs: retry?.baseMs ?? 100,
      maxMs: retry?.maxMs ?? 30_000,
      maxAttempts: retry?.maxAttempts ?? Number.POSITIVE_INFINITY,
    }
    this.#backlog = new WriteBacklog(options.maxBacklog ?? 10_000, () => this.#clock.now())
  }

  /**
   * Resolves when the value is accepted: immediately, unless the backlog is full.
   *
   * @throws SluiceError `SLUICE_CLOSED` after `close()`; UnwrittenError if `close()` gave up before there was
   * capacity.
   */
  set(key: string, value: T): Promise<void> {
    if (typeof key !== 'string') return Promise.reject(new InvalidArgumentError('key', 'a string', key))
    if (this.#closing !== undefined)
      return Promise.reject(
        new SluiceError(
          'SLUICE_CLOSED',
          'This write-behind is closed. Close it after the last entry is added.',
        ),
      )
    const accepted = this.#backlog.add(key, value)
    this.#schedule()
    return accepted
  }

  /**
   * The last value of a key that is accepted but not written yet, if any. Reads must see it instead of the
   * stored value.
   */
  get(key: string): T | undefined {
    return this.#backlog.get(key)?.value
  }

  lag(): WriteBehindLag {
    const oldest = this.#backlog.oldest()
    return {
      entries: this.#backlog.size,
      oldestMs: oldest === undefined ? 0 : this.#clock.now() - oldest.since,
    }
  }

  /**
   * Tries to write immediately. Resolves when everything that was accepted before is written, or dropped by
   * `onError`.
   */
  flush(): Promise<void> {
    if (this.#backlog.size === 0) return Promise.resolve()
    this.#retryAt = 0
    return new Promise((done) => {
      this.#flushes.push({ place: this.#backlog.lastPlace, done })
      this.#schedule()
    })
  }

  /**
   * Accepts no more values, writes the remaining ones, and ends. A second call does the same as the first.
   *
   * @throws UnwrittenError with the number of unwritten entries, if that took longer than `closeTimeoutMs`.
   */
  close(): Promise<void> {
    this.#closing ??= this.#drain()
    return this.#closing
  }

  async #drain(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const tooLate = new Promise<'too late'>((resolve) => {
      timer = setLongTimeout(() => resolve('too late'), this.#closeTimeoutMs)
    })
    const result = await Promise.race([this.#flushAll(), tooLate])
    clearTimeout(timer)
    this.#stopTimer()
    this.#ended = true
    this.#flushes = []
    if (result !== 'too late') return
    const error = new FlushIncompleteError(this.#backlog.size)
    this.#backlog.refuseWaiting(error)
    throw error
  }

  async #flushAll(): Promise<void> {
    while (this.#backlog.size > 0) await this.flush()
  }

  #schedule(): void {
    if (this.#ended || this.#backlog.isFlying || this.#backlog.queued === 0) return
    const now = this.#clock.now()
    const { since } = this.#backlog.oldest() ?? { since: now }
    const isDue =
      this.#backlog.queued >= this.#maxBatch || this.#flushes.length > 0 || this.#backlog.hasWaiting
    const at = Math.max(this.#retryAt, isDue ? now : since + this.#flushMs)
    if (at <= now) {
      this.#stopTimer()
      void this.#send()
      return
    }
    if (this.#timer !== undefined && this.#timerAt <= at) return
    this.#stopTimer()
    this.#timerAt = at
    // Not unref'd: accepted values must not be lost because nothing else keeps the process alive.
    this.#timer = setLongTimeout(() => {
      this.#timer = undefined
      this.#schedule()
    }, at - now)
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #send(): Promise<void> {
    const batch = this.#backlog.take(this.#maxBatch)
    try {
      await this.write(batch.map(({ key, value }) => ({ key, value })))
      this.#failures = 0
      this.#backlog.settle()
    } catch (error) {
      await this.#failed(batch, error)
    }
    this.#resolveFlushes()
    this.#schedule()
  }

  async #failed(batch: readonly UnwrittenEntry<T>[], error: unknown): Promise<void> {
    this.#failures += 1
    const tried = batch.map((entry) => ({ ...entry, attempts: entry.attempts + 1 }))
    const isHopeless = (entry: UnwrittenEntry<T>) => entry.attempts >= this.#retry.maxAttempts
    const hopeless = tried.filter(isHopeless)
    const isDropped = hopeless.length > 0 && (await this.#decide(hopeless, error)) === 'drop'
    const unwritten = isDropped
      ? tried.filter((entry) => !isHopeless(entry))
      : tried.map((entry) => (isHopeless(entry) ? { ...entry, attempts: 0 } : entry))
    if (unwritten.length === 0) this.#failures = 0
    else this.#retryAt = this.#clock.now() + backOffMs(this.#retry, this.#failures, this.#random)
    this.#backlog.putBack(unwritten)
  }

  async #decide(entries: readonly UnwrittenEntry<T>[], error: unknown): Promise<'retry' | 'drop'> {
    try {
      return (
        (await this.options.onError?.({
          entries: entries.map(({ key, value }) => ({ key, value })),
          error,
        })) ?? 'retry'
      )
    } catch {
      return 'retry'
    }
  }

  #resolveFlushes(): void {
    const oldest = this.#backlog.oldest()?.place ?? Number.POSITIVE_INFINITY
    const done = this.#flushes.filter(({ place }) => place < oldest)
    if (done.length === 0) return
    this.#flushes = this.#flushes.filter(({ place }) => place >= oldest)
    for (const flush of done) flush.done()
  }
}
