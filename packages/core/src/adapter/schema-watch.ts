import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import type { Connection } from '../schema/connection.ts'
import { readFingerprint } from '../schema/schema-fingerprint.ts'

/** Checks end this long after the last use of a catalog: an idle app leaves its database alone. */
const IDLE_MS = 30_000
/** Between checks passes at least this many times the time that one takes. */
const REST = 200
/** Slow checks are made at this interval. */
const MAX_CHECK_MS = 10_000

/** What {@link SchemaWatch} needs to know. */
export interface WatchHost {
  readonly catalogs: CatalogRegistry
  /** Milliseconds between checks; `false`: none are made. */
  readonly schemaCheckMs: number | false
  isOptimizing(): boolean
}

export interface WatchedSource {
  readonly id: string
  /** Whether the catalog was read since the last change that is known. */
  isCurrent(): boolean
  /** Calls `work` with a connection; does not call it when the client is gone. */
  ask(work: (connection: Connection) => Promise<void>): Promise<void>
  /**
   * Somebody else changed the schema.
   *
   * @param checkMs - The interval of checks: other processes may take twice as long to notice.
   * @returns Whether all who must know were told.
   */
  changed(checkMs: number): Promise<boolean>
  /** The database does not answer. */
  lost(): void
}

/**
 * Notices changes of a schema that do not pass through this process: asks for its fingerprint while its catalog is used, and compares. A
 * catalog whose last check was sent two intervals ago, in which the process was not blocked, does not count until the next one is answered.
 */
export class SchemaWatch {
  #expected: string | undefined
  /** When the last check that was answered was sent. */
  #checkedAt = 0
  #tookMs = 0
  #dueAt = 0
  #uses = -1
  #usedAt = 0
  #isAsking = false
  #hasFailed = false
  #isUntold = false
  #timer: NodeJS.Timeout | undefined

  constructor(
    private readonly host: WatchHost,
    private readonly source: WatchedSource,
  ) {}

  /** The catalog was read; `askedAt` is when the database was asked for its fingerprint. */
  start(fingerprint: string | undefined, askedAt: number): void {
    if (this.host.schemaCheckMs === false) return
    this.#expected = fingerprint
    this.#usedAt = askedAt
    this.#uses = this.host.catalogs.uses
    this.#checkedAt = askedAt
    this.host.catalogs.setUnchecked(this.source.id, false)
    this.#schedule()
  }

  /** The catalog is dropped. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#expected = undefined
  }

  /** Somebody needs the catalog: checks begin again if they had ended. */
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
    // It keeps neither the process nor the client alive.
    const watch = new WeakRef(this)
    const tick = (living: SchemaWatch | undefined): void => {
      if (living !== undefined) living.#tick()
    }
    this.#timer = setTimeout(() => tick(watch.deref()), intervalMs).unref()
  }

  #tick(): void {
    this.#timer = undefined
    if (this.#expected === undefined) return
    const { catalogs } = this.host
    const now = performance.now()
    // While this process was blocked, nobody got an outdated answer of it.
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

  async #check(): Promise<void> {
    const { generations } = this.host.catalogs
    const generation = generations.current
    const expected = this.#expected
    if (this.#isAsking || !this.source.isCurrent()) return
    const sentAt = performance.now()
    let found: string | undefined
    this.#isAsking = true
    try {
      await this.source.ask(async (connection) => {
        found = await readFingerprint(connection)
      })
      this.#hasFailed = false
      // After a change that this process sent, the catalog is read again.
      if (generations.current !== generation || this.#expected !== expected) return
      if (found === expected && !this.#isUntold) this.#answered(sentAt)
      else this.#isUntold = !(await this.source.changed(this.#intervalMs))
    } catch {
      this.#hasFailed = true
    } finally {
      this.#isAsking = false
    }
  }

  #answered(sentAt: number): void {
    const took = performance.now() - sentAt
    // One check that waited for a connection does not slow down those after it.
    this.#tookMs = Math.min(took, 2 * (this.#tookMs || took))
    this.#checkedAt = sentAt
    this.host.catalogs.setUnchecked(this.source.id, false)
  }
}
