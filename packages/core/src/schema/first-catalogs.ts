import { setLongTimeout } from '../shared/timers.ts'

/**
 * The catalogs that are read for the first time in this process. Reads can wait for them, but no longer than
 * a limited time after the first read that waits for a catalog.
 */
export class FirstCatalogs {
  /**
   * The timers of the waits, by source; `undefined` before the first read waits, `'over'` if no read waits
   * for the source.
   */
  readonly #expected = new Map<string, NodeJS.Timeout | 'over' | undefined>()
  #awaited = 0
  #areReadsWaiting = false
  /** @internal The limit in milliseconds. Tests change it. */
  waitMs = 50

  /** @internal Called when the reads that wait must be sent. */
  settled: (() => void) | undefined = undefined

  /** Whether reads wait for a catalog. */
  get isAwaited(): boolean {
    return this.#awaited > 0
  }

  /** The catalog of a source will be read soon. Call it once for each source. */
  expect(sourceId: string): void {
    if (this.#expected.has(sourceId)) return
    this.#expected.set(sourceId, undefined)
    this.#awaited += 1
    if (this.#areReadsWaiting) this.wait()
  }

  /** A read waits for the catalogs that are expected. */
  wait(): void {
    this.#areReadsWaiting = true
    for (const [sourceId, timer] of this.#expected) {
      if (timer === undefined) this.#expected.set(sourceId, this.#limit(sourceId))
    }
  }

  /** The catalog of a source was read, or will not be. */
  end(sourceId: string): void {
    const timer = this.#expected.get(sourceId)
    if (!this.#expected.delete(sourceId) || timer === 'over') return
    clearTimeout(timer)
    this.#awaited -= 1
    if (this.#awaited === 0) this.#settle()
  }

  clear(): void {
    for (const sourceId of [...this.#expected.keys()]) this.end(sourceId)
  }

  #limit(sourceId: string): NodeJS.Timeout {
    return setLongTimeout(() => {
      this.#expected.set(sourceId, 'over')
      this.#awaited -= 1
      // A read that still waited for another catalog would wait longer than the limit.
      this.#settle()
    }, this.waitMs)
  }

  #settle(): void {
    this.#areReadsWaiting = false
    this.settled?.()
  }
}
