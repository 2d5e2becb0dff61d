import type { SoleWriter } from '../pipeline/sole-writer.ts'
import type { SchemaCatalog } from '../schema/catalog.ts'
import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import type { Connection } from '../schema/connection.ts'
import { readFingerprint, readFingerprintAndCounter } from '../schema/schema-fingerprint.ts'
import { setBackgroundTimeout } from '../shared/timers.ts'
import { CounterPolls } from './counter-polls.ts'

/** Checks end this long after the last use of a catalog, so that an idle app sends no queries. */
const IDLE_MS = 30_000
/** The interval between checks is at least this many times the duration of one check. */
const REST = 200
/** Maximum interval that results from the duration of a check. */
const MAX_CHECK_MS = 10_000

/** The services that {@link SchemaWatch} needs. */
export interface WatchHost {
  readonly catalogs: CatalogRegistry
  /** Milliseconds between checks; `false`: no checks. */
  readonly schemaCheckMs: number | false
  isOptimizing(): boolean
  now(): number
}

export interface WatchedSource {
  readonly id: string
  /** Whether the catalog was read after the last known change. */
  isCurrent(): boolean
  /** Calls `work` with a connection; does not call it if the client is gone. */
  query(work: (connection: Connection) => Promise<void>): Promise<void>
  /**
   * Called when the schema was changed outside this process.
   *
   * @param checkMs - Interval of checks: other processes may take twice as long to detect the change.
   * @returns Whether all processes that share the cache were notified.
   */
  changed(checkMs: number): Promise<boolean>
  /** Called when the database does not respond. */
  lost(): void
  /** The proof that no other process writes; `undefined`: it is not used. */
  readonly soleWriter?: SoleWriter | undefined
}

/**
 * Detects schema changes that do not pass through this process: queries the schema's fingerprint while its
 * catalog is used, and compares it. If the last answered check was sent at least two intervals ago, without
 * the time in which the process was blocked, the catalog does not count until the next check is answered.
 */
export class SchemaWatch {
  #expected: string | undefined
  #databases: readonly string[] | undefined
  /** When the last check that was answered was sent. */
  #checkedAt = 0
  #tookMs = 0
  #dueAt = 0
  #uses = -1
  #usedAt = 0
  #comparison: Promise<void> | undefined
  #hasFailed = false
  #isUntold = false
  #timer: NodeJS.Timeout | undefined
  readonly #polls: CounterPolls | undefined

  constructor(
    private readonly host: WatchHost,
    private readonly source: WatchedSource,
  ) {
    const { soleWriter } = source
    if (soleWriter === undefined) return
    this.#polls = new CounterPolls(soleWriter, {
      databases: () => this.#databases ?? [],
      query: (work) => source.query(work),
      checkSoon: (withinMs) => this.#checkSoon(withinMs),
      now: () => host.now(),
    })
  }

  /** Called when the catalog was read. `queriedAt` is when its fingerprint was queried. */
  start({ fingerprint, databases }: SchemaCatalog, queriedAt: number): void {
    if (this.host.schemaCheckMs === false) return
    this.#expected = fingerprint
    this.#databases = databases
    this.#usedAt = queriedAt
    this.#uses = this.host.catalogs.uses
    this.#checkedAt = queriedAt
    this.host.catalogs.setUnchecked(this.source.id, false)
    this.#schedule()
    this.#polls?.start()
  }

  /** The check that is in progress. */
  get comparison(): Promise<void> | undefined {
    return this.#comparison
  }

  /** Called when the catalog is dropped. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#expected = undefined
    this.#polls?.stop()
  }

  /** Called when the catalog is needed: restarts the checks if they had ended. */
  wake(): void {
    if (this.#timer !== undefined || this.#expected === undefined) return
    this.#usedAt = performance.now()
    void this.#check()
    this.#schedule()
  }

  get #intervalMs(): number {
    return Math.max(Number(this.host.schemaCheckMs), Math.min(this.#tookMs * REST, MAX_CHECK_MS))
  }

  #schedule(): void {
    if (this.#timer !== undefined) return
    const intervalMs = this.#intervalMs
    this.#dueAt = performance.now() + intervalMs
    // The timer keeps neither the process nor the client alive.
    const watch = new WeakRef(this)
    const tick = (living: SchemaWatch | undefined): void => {
      if (living !== undefined) living.#tick()
    }
    this.#timer = setBackgroundTimeout(() => tick(watch.deref()), intervalMs)
  }

  #tick(): void {
    this.#timer = undefined
    if (this.#expected === undefined) return
    const { catalogs } = this.host
    const now = performance.now()
    // While this process was blocked, no caller got an outdated result from it.
    this.#checkedAt += Math.max(0, now - this.#dueAt)
    if (catalogs.uses !== this.#uses) this.#usedAt = now
    this.#uses = catalogs.uses
    const isIdle = now - this.#usedAt > IDLE_MS || !this.host.isOptimizing()
    if (isIdle || now - this.#checkedAt >= 2 * this.#intervalMs) {
      if (this.#hasFailed) {
        this.source.lost()
        return
      }
      catalogs.setUnchecked(this.source.id, true)
    }
    if (isIdle) return
    void this.#check()
    this.#schedule()
  }

  /** Checks now, with a poll, if the next check is due soon; `undefined`: it is not. */
  #checkSoon(withinMs: number): Promise<void> | undefined {
    if (this.#timer === undefined || this.#dueAt - performance.now() > withinMs) return undefined
    if (this.#comparison !== undefined || !this.source.isCurrent()) return undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
    const checking = this.#check()
    this.#schedule()
    return checking
  }

  async #check(): Promise<void> {
    const { generations } = this.host.catalogs
    const generation = generations.current
    const expected = this.#expected
    if (this.#comparison !== undefined || !this.source.isCurrent()) return
    const sentAt = performance.now()
    let found: string | undefined
    try {
      this.#comparison = this.source.query(async (connection) => {
        found = await this.#fingerprint(connection)
      })
      await this.#comparison
      this.#hasFailed = false
      // After a change that this process sent, the catalog is read again.
      if (generations.current !== generation || this.#expected !== expected) return
      if (found === expected && !this.#isUntold) this.#answered(sentAt)
      else this.#isUntold = !(await this.source.changed(this.#intervalMs))
    } catch {
      // Closing the client ends the check.
      this.#hasFailed = this.#expected !== undefined
    } finally {
      this.#comparison = undefined
    }
  }

  async #fingerprint(connection: Connection): Promise<string> {
    if (this.#polls?.isDue !== true) return readFingerprint(connection, this.#databases)
    const polled = this.#polls.begin()
    const { fingerprint, counter } = await readFingerprintAndCounter(connection, this.#databases)
    polled(counter)
    return fingerprint
  }

  #answered(sentAt: number): void {
    const took = performance.now() - sentAt
    // One check that waited for a connection does not slow down those after it.
    this.#tookMs = Math.min(took, 2 * (this.#tookMs || took))
    this.#checkedAt = sentAt
    this.host.catalogs.setUnchecked(this.source.id, false)
  }
}
