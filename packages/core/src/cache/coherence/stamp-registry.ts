import { WriteSet } from '../../pipeline/write-set.ts'
import type { TransactionWrites, WriteIntent, WriteOutcome, WriteTracker } from '../../pipeline/writes.ts'
import type { WriteEffect } from '../../schema/catalog.ts'
import type { TableId } from '../../schema/catalog-data.ts'
import type { Clock } from '../../shared/clock.ts'

/**
 * How long the tables of a write with an unknown outcome stay out of memory. A database that has not carried out
 * a lost COMMIT by then is assumed to have dropped it.
 */
export const LEASE_MS = 30_000

/**
 * The state of each table, in one process. A table's stamp is a number that is never used twice; it is absent while a write
 * to the table is under way. What was read under a stamp is current as long as that stamp is the live one.
 */
export class StampRegistry implements WriteTracker {
  #lastStamp = 0
  #epoch = 0
  /** Writes under way that may touch any table. */
  #openEverywhere = 0
  #leaseEverywhereUntil = 0
  readonly #stamps = new Map<TableId, number>()
  readonly #open = new Map<TableId, number>()
  readonly #leases = new Map<TableId, number>()

  constructor(
    private readonly clock: Clock,
    private readonly leaseMs: number = LEASE_MS,
  ) {}

  /** The live stamps of tables, in their order; `undefined` while a write to any of them is under way. */
  stampsOf(tables: readonly TableId[]): readonly number[] | undefined {
    if (this.#openEverywhere > 0 || this.#leased()) return undefined
    const stamps: number[] = []
    for (const table of tables) {
      if (this.#open.has(table) || this.#leasedTable(table)) return undefined
      stamps.push(this.#stampOf(table))
    }
    return stamps
  }

  stateOf(tables: readonly TableId[]): string | undefined {
    return this.stampsOf(tables)?.join()
  }

  begin(effect: WriteEffect): WriteIntent {
    if (effect.everything) this.#openEverywhere += 1
    else for (const table of effect.tables) this.#open.set(table, (this.#open.get(table) ?? 0) + 1)
    let ended = false
    return {
      end: (outcome) => {
        if (ended) return
        ended = true
        this.#end(effect, outcome)
      },
    }
  }

  transaction(): TransactionWrites {
    return new GatheredWrites(this)
  }

  /** A write that somebody else made is known to have ended. */
  invalidate(effect: WriteEffect): void {
    if (effect.everything) this.#renewAll()
    else for (const table of effect.tables) this.#renew(table)
  }

  #end(effect: WriteEffect, outcome: WriteOutcome): void {
    const leaseUntil = outcome === 'unknown' ? this.clock.now() + this.leaseMs : 0
    if (effect.everything) {
      this.#openEverywhere -= 1
      this.#leaseEverywhereUntil = Math.max(this.#leaseEverywhereUntil, leaseUntil)
      this.#renewAll()
      return
    }
    for (const table of effect.tables) {
      const open = (this.#open.get(table) ?? 1) - 1
      if (open === 0) this.#open.delete(table)
      else this.#open.set(table, open)
      if (leaseUntil > 0) this.#leases.set(table, leaseUntil)
      this.#renew(table)
    }
  }

  #stampOf(table: TableId): number {
    const stamp = this.#stamps.get(table)
    // A stamp from before the last renewal of everything is dead.
    return stamp !== undefined && stamp > this.#epoch ? stamp : this.#renew(table)
  }

  #renew(table: TableId): number {
    this.#lastStamp += 1
    this.#stamps.set(table, this.#lastStamp)
    return this.#lastStamp
  }

  #renewAll(): void {
    this.#lastStamp += 1
    this.#epoch = this.#lastStamp
  }

  #leased(): boolean {
    if (this.#leaseEverywhereUntil === 0) return false
    if (this.clock.now() < this.#leaseEverywhereUntil) return true
    this.#leaseEverywhereUntil = 0
    this.#renewAll()
    return false
  }

  #leasedTable(table: TableId): boolean {
    const until = this.#leases.get(table)
    if (until === undefined) return false
    if (this.clock.now() < until) return true
    this.#leases.delete(table)
    this.#renew(table)
    return false
  }
}

/** Savepoints of a transaction that are told apart. */
const MAX_FRAMES = 1_000

/** The effects of one transaction, by savepoint. Nothing is announced before the commit. */
class GatheredWrites implements TransactionWrites {
  readonly #frames: { readonly name: string; readonly writes: WriteSet }[] = [{ name: '', writes: new WriteSet() }]
  /** There were too many savepoints: what is rolled back to one of them counts as written. */
  #isFlat = false
  #intent: WriteIntent | undefined

  constructor(private readonly registry: StampRegistry) {}

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
    // The savepoint itself stays: what comes next is written after it.
    this.#frames.splice(at)
    this.#frames.push({ name, writes: new WriteSet() })
  }

  beforeCommit(): void {
    if (this.#intent !== undefined) return
    const all = new WriteSet()
    for (const { writes } of this.#frames) all.add(writes)
    if (!all.isEmpty) this.#intent = this.registry.begin(all)
  }

  end(outcome: WriteOutcome): void {
    // A commit that was not announced (its adapter saw only the end) counts all the same.
    if (outcome !== 'rolled-back') this.beforeCommit()
    this.#intent?.end(outcome)
    this.#intent = undefined
    this.#isFlat = false
    this.#frames.splice(0, this.#frames.length, { name: '', writes: new WriteSet() })
  }

  /** Joins the frames from one on to the frame before it. */
  #join(at: number): void {
    const joined = this.#frames.splice(at)
    for (const { writes } of joined) this.#frames.at(-1)?.writes.add(writes)
  }

  #find(name: string): number {
    return this.#frames.findLastIndex((frame) => frame.name === name)
  }
}
