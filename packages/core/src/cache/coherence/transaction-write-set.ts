import { WriteSet } from '../../pipeline/write-set.ts'
import type { AnnouncedWrite, TransactionWrites, WriteOutcome } from '../../pipeline/writes.ts'
import type { WriteEffect } from '../../schema/catalog.ts'

/** Maximum number of savepoints of a transaction that are distinguished. */
const MAX_FRAMES = 1_000

/** The effects of one transaction, by savepoint. Nothing is announced before the commit. */
export class TransactionWriteSet implements TransactionWrites {
  readonly #frames: { readonly name: string; readonly writes: WriteSet }[] = [
    { name: '', writes: new WriteSet() },
  ]
  /** There were too many savepoints: writes that are rolled back to one of them count as written. */
  #isFlat = false
  #announced: AnnouncedWrite | undefined

  constructor(private readonly announce: (effect: WriteEffect) => AnnouncedWrite) {}

  add(effect: WriteEffect): void {
    this.#frames.at(-1)?.writes.add(effect)
  }

  savepoint(name: string): void {
    if (this.#isFlat) return
    this.#frames.push({ name, writes: new WriteSet() })
    if (this.#frames.length <= MAX_FRAMES) return
    this.#isFlat = true
    this.#join(1)
  }

  release(name: string): void {
    const at = this.#find(name)
    if (at > 0) this.#join(at)
  }

  rollbackTo(name: string): void {
    const at = this.#find(name)
    if (at <= 0) return
    // The savepoint itself remains: later writes belong to it.
    this.#frames.splice(at)
    this.#frames.push({ name, writes: new WriteSet() })
  }

  beforeCommit(): Promise<void> | undefined {
    if (this.#announced === undefined) {
      const all = new WriteSet()
      for (const { writes } of this.#frames) all.add(writes)
      if (!all.isEmpty) this.#announced = this.announce(all)
    }
    return this.#announced?.ready
  }

  end(outcome: WriteOutcome): Promise<void> | undefined {
    // A commit that was not announced (its adapter saw only the end) counts anyway.
    if (outcome !== 'rolled-back') this.beforeCommit()
    const announced = this.#announced
    this.#announced = undefined
    this.#isFlat = false
    this.#frames.splice(0, this.#frames.length, { name: '', writes: new WriteSet() })
    return announced?.end(outcome)
  }

  /** Merges the frames from `at` on into the frame before it. */
  #join(at: number): void {
    const joined = this.#frames.splice(at)
    for (const { writes } of joined) this.#frames.at(-1)?.writes.add(writes)
  }

  #find(name: string): number {
    return this.#frames.findLastIndex((frame) => frame.name === name)
  }
}
