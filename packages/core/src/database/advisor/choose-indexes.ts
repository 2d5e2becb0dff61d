import { isSameColumn } from '../index-definition.ts'
import type { Measurement } from './advice.ts'
import type { Candidate } from './candidates.ts'
import { byWidth, isNarrower, lacksExtreme, walksPast } from './compare-candidates.ts'
import { CostBook, creditsOf } from './cost-book.ts'
import {
  type ChooseOptions,
  type ChosenIndex,
  type IndexCheck,
  isGain,
  type OnAdviceProgress,
} from './index-check.ts'
import { covers } from './index-coverage.ts'
import { noLimits, STAGES, THRESHOLDS, type Thresholds, type TimeLimits } from './limits.ts'
import { tablesOf, type WorkloadStatement, type WriteLoad } from './resolve-workload.ts'
import type { WhatIfPlanner } from './what-if-planner.ts'

/** The selected indexes, and the cost of the statements with them. */
export interface Choice {
  readonly indexes: readonly ChosenIndex[]
  readonly statements: readonly {
    readonly statement: WorkloadStatement
    readonly before: number
    readonly after: number
  }[]
  /** Number of planner calls. */
  readonly planned: number
  /** Statements for which no index was tried, because of the time limit. */
  readonly skipped: readonly WorkloadStatement[]
  /** Statements for which not all indexes were tried, with the reason. */
  readonly cutShort: ReadonlyMap<WorkloadStatement, string>
}

/** If the gains of two indexes differ by at most this, the narrower one is selected. */
const TIE = 0.02
/** How much more an index can cost, by the planner, that reads fewer rows in the worst case. */
const YIELD_TOLERANCE = 0.2
/** Minimum loss without an index, for it to stay: a share of the cost, or of the scan that it saves. */
const MIN_LOSS_SHARE = 0.3

/**
 * Selects indexes for a workload: for each statement those that pay off, narrow ones first; then, over all
 * statements, repeatedly the one that saves most, minus its cost for writes; then removes those that no
 * statement needs.
 *
 * Source: the greedy what-if search of Chaudhuri and Narasayya, "An Efficient, Cost-Driven Index Selection
 * Tool for Microsoft SQL Server" (VLDB 1997), with bundles for plans that need several indexes at the same
 * time.
 *
 * @throws Errors of the planner for sets of indexes, if it could plan the statement without them.
 */
export async function chooseIndexes(
  workload: readonly WorkloadStatement[],
  writes: readonly WriteLoad[],
  planner: WhatIfPlanner,
  thresholds: Thresholds = THRESHOLDS,
  { check, limits = noLimits(), onProgress }: ChooseOptions = {},
): Promise<Choice> {
  // Skipped statements are not part of any cost.
  const considered: WorkloadStatement[] = []
  const book = new CostBook(planner, considered, writes, thresholds)
  const chooser = new Chooser(considered, book, thresholds, limits)
  for (const statement of workload) {
    if (limits.isOver(STAGES.consider)) break
    considered.push(statement)
    await chooser.consider(statement)
    onProgress?.(considered.length, workload.length, 'choose')
  }
  await chooser.grow()
  if (!limits.isOver(STAGES.grow)) await chooser.goOn()
  await chooser.prune()
  await chooser.dropSiblings()
  if (check !== undefined && !limits.isOver()) await chooser.check(check, onProgress)
  return { ...(await chooser.finish()), skipped: workload.slice(considered.length) }
}

class Chooser {
  readonly #pool = new Map<string, Candidate>()
  readonly #bundles: Candidate[][] = []
  #chosen: readonly Candidate[] = []
  #measured: ReadonlyMap<string, readonly Measurement[]> = new Map()
  readonly #cutShort = new Map<WorkloadStatement, string>()

  constructor(
    private readonly workload: readonly WorkloadStatement[],
    private readonly book: CostBook,
    private readonly thresholds: Thresholds,
    private readonly limits: TimeLimits,
  ) {}

  /** Finds what pays for one statement: a wider index must beat the best narrower one. */
  async consider(statement: WorkloadStatement, base: readonly Candidate[] = []): Promise<void> {
    const startedAt = this.limits.now()
    const { cost: whole, scans } = await this.book.answer(statement, base)
    const good: { readonly candidate: Candidate; readonly cost: number }[] = []
    const yields = (one: Candidate, other: Candidate) =>
      walksPast(one, other) || lacksExtreme(one, other, statement)
    for (const candidate of [...statement.candidates].sort(byWidth)) {
      if (base.some((chosen) => covers(chosen.definition, candidate.definition))) continue
      if (this.limits.isStatementOver(startedAt) || this.limits.isOver(STAGES.grow)) {
        const isAll = this.limits.isOver(STAGES.grow)
        this.#cutShort.set(statement, isAll ? this.limits.overText : this.limits.statementOverText)
        break
      }
      const answer = await this.#tryAnswer(statement, [...base, candidate])
      if (answer === undefined || !this.book.uses(answer, candidate)) continue
      const narrower = good.filter(
        (other) => isNarrower(other.candidate, candidate) && !yields(other.candidate, candidate),
      )
      const best = Math.min(whole, ...narrower.map(({ cost }) => cost))
      const isWider = narrower.length > 0
      const maxLeft =
        isWider && candidate.endsInRange
          ? this.thresholds.maxLeftOfRange
          : this.#maxLeft(statement, candidate)
      if (!this.book.matters({ before: best, after: answer.cost, scans }, candidate, maxLeft)) continue
      if (best - answer.cost < this.#minSaving(candidate, isWider)) continue
      good.push({ candidate, cost: answer.cost })
    }
    for (const { candidate, cost } of good) {
      const isWorse = good.some(
        (other) => yields(candidate, other.candidate) && other.cost <= cost * (1 + YIELD_TOLERANCE),
      )
      if (!isWorse) this.#pool.set(candidate.label, this.#pool.get(candidate.label) ?? candidate)
    }
    if (base.length === 0 && !this.#cutShort.has(statement))
      await this.#considerBundle(statement, Math.min(whole, ...good.map(({ cost }) => cost)))
  }

  #minSaving({ carried, definition, found }: Candidate, isWider: boolean): number {
    const { minSaving, minSavingOfWider, minSavingOfCarried } = this.thresholds
    if (carried > 0) return minSavingOfCarried
    const isFound = definition.keys.every(({ column }) => found.has(column))
    return isWider && definition.where === undefined && !isFound ? minSavingOfWider : minSaving
  }

  /** Arms of an OR, and chains of joins, need several indexes before one of them pays. */
  async #considerBundle(statement: WorkloadStatement, bestSingle: number): Promise<void> {
    const narrow = statement.candidates.filter(
      ({ definition }) => definition.keys.length === 1 && definition.where === undefined,
    )
    if (narrow.length < 2) return
    const answer = await this.#tryAnswer(statement, narrow)
    if (answer === undefined) return
    let bundle = narrow.filter((candidate) => this.book.uses(answer, candidate))
    if (bundle.length < 2) return
    let cost = await this.book.cost(statement, bundle)
    for (const member of [...bundle]) {
      const others = bundle.filter((candidate) => candidate !== member)
      const without = await this.book.cost(statement, others)
      if (without > cost * 1.1) continue
      bundle = others
      cost = Math.min(cost, without)
    }
    const { maxLeft, minSaving } = this.thresholds
    if (bundle.length < 2 || cost > bestSingle * maxLeft || bestSingle - cost < minSaving) return
    for (const candidate of bundle)
      this.#pool.set(candidate.label, this.#pool.get(candidate.label) ?? candidate)
    this.#bundles.push(bundle.map((candidate) => this.#pool.get(candidate.label) ?? candidate))
  }

  /** A hypothetical index that the database rejects is not a candidate. */
  async #tryAnswer(statement: WorkloadStatement, indexes: readonly Candidate[]) {
    try {
      return await this.book.answer(statement, indexes)
    } catch {
      return undefined
    }
  }

  /** Adds the index that saves most, or replaces the indexes that it covers, until no index saves enough. */
  async grow(): Promise<void> {
    let total = await this.book.total(this.#chosen)
    for (;;) {
      const step = await this.#bestStep(total)
      if (step === undefined) return
      this.#chosen = step.chosen
      total = step.total
    }
  }

  /** A small share of a statement with several tables can become a large one when the rest is fast. */
  async goOn(): Promise<void> {
    const known = this.#pool.size
    for (const statement of this.workload)
      if (tablesOf(statement).size > 1) await this.consider(statement, this.#chosen)
    if (this.#pool.size > known) await this.grow()
  }

  async #bestStep(
    total: number,
  ): Promise<{ readonly chosen: readonly Candidate[]; readonly total: number } | undefined> {
    let best:
      | {
          readonly chosen: readonly Candidate[]
          readonly total: number
          readonly gain: number
          readonly width: number
        }
      | undefined
    for (const bundle of [...[...this.#pool.values()].map((candidate) => [candidate]), ...this.#bundles]) {
      const added = bundle.filter(
        (candidate) => !this.#chosen.some((chosen) => covers(chosen.definition, candidate.definition)),
      )
      const [first] = added
      if (first === undefined) continue
      if (this.limits.isOver(STAGES.grow)) break
      const retained = this.#chosen.filter(
        (chosen) => !added.some((candidate) => covers(candidate.definition, chosen.definition)),
      )
      const chosen = [...retained, ...added]
      if (!(await this.#helpsSomewhere(chosen, first))) continue
      const after = await this.book.total(chosen)
      const dropped = this.#chosen.filter((index) => !retained.includes(index))
      const gain = dropped.length > 0 ? await this.#gainOfReplacing(chosen, dropped, added) : total - after
      const width = Math.max(...added.map(({ definition }) => definition.keys.length))
      if (gain <= total * this.thresholds.minShare) continue
      const isBetter =
        best === undefined ||
        gain > best.gain * (1 + TIE) ||
        (gain > best.gain * (1 - TIE) && width < best.width)
      if (isBetter) best = { chosen, total: after, gain, width }
    }
    return best
  }

  /**
   * Gain of replacing narrower indexes by wider ones. The rows that a statement finds by the same first
   * columns are the same, with the same locality, regardless of the planner's estimate for several columns:
   * this is not a loss. The additional pages of a wider index are counted as if they were read from disk.
   * Elsewhere, too, a cost increase below the minimum saving of an index does not count.
   */
  async #gainOfReplacing(
    chosen: readonly Candidate[],
    dropped: readonly Candidate[],
    added: readonly Candidate[],
  ): Promise<number> {
    const upkeep = (indexes: readonly Candidate[]) =>
      indexes.reduce((sum, index) => sum + this.book.upkeep(index), 0)
    let gain = upkeep(this.#chosen) - upkeep(chosen)
    for (const statement of this.workload) {
      const before = await this.book.answer(statement, this.#chosen)
      const after = await this.book.answer(statement, chosen)
      const saved = before.cost - after.cost
      const isReplaced = dropped.some((old) =>
        added.some(
          (index) =>
            this.book.uses(before, old) &&
            this.book.uses(after, index) &&
            covers(index.definition, old.definition),
        ),
      )
      const isLoss =
        !isReplaced &&
        -saved >= this.thresholds.minSaving &&
        before.cost <= after.cost * this.thresholds.maxLeft
      if (saved >= 0 || isLoss) gain += statement.calls * saved
    }
    return gain
  }

  async #helpsSomewhere(chosen: readonly Candidate[], added: Candidate): Promise<boolean> {
    for (const statement of this.workload) {
      const { cost: before, scans } = await this.book.answer(statement, this.#chosen)
      const after = await this.book.cost(statement, chosen)
      if (this.book.matters({ before, after, scans }, added, this.#maxLeft(statement, added))) return true
    }
    return false
  }

  #maxLeft({ planned: { use } }: WorkloadStatement, { isOrdered, definition, carried }: Candidate): number {
    if (carried > 0) return this.thresholds.maxLeftOfCarried
    const isServed =
      isOrdered &&
      use.uses.some(
        ({ table, order, isLimited }) => isLimited && order.length > 0 && table.id === definition.table,
      )
    return isServed ? this.thresholds.maxLeftOfOrder : this.thresholds.maxLeft
  }

  /** Removes indexes that no statement needs, or that cost writes more than they save. */
  async prune(): Promise<void> {
    for (const candidate of [...this.#chosen]) {
      const others = this.#chosen.filter((other) => other !== candidate)
      const isMissed = await this.#isMissed(candidate, others)
      const isCheaper = (await this.book.total(others)) <= (await this.book.total(this.#chosen))
      if (!isMissed || isCheaper) this.#chosen = others
    }
  }

  async #isMissed(candidate: Candidate, others: readonly Candidate[]): Promise<boolean> {
    for (const statement of this.workload) {
      const { cost: without, scans } = await this.book.answer(statement, others)
      const present = await this.book.cost(statement, this.#chosen)
      const scan = scans.get(candidate.definition.table) ?? Number.POSITIVE_INFINITY
      const saved = without - present
      if (
        saved >= this.thresholds.minSaving &&
        (present <= without * (1 - MIN_LOSS_SHARE) || saved >= MIN_LOSS_SHARE * scan)
      )
        return true
    }
    return false
  }

  /**
   * Removes indexes that save little and begin with the same column as another index, those without an order
   * first.
   */
  async dropSiblings(): Promise<void> {
    for (;;) {
      const total = await this.book.total(this.#chosen)
      let worst:
        | { readonly candidate: Candidate; readonly loss: number; readonly ordered: number }
        | undefined
      for (const candidate of this.#chosen) {
        if (!this.#hasSibling(candidate)) continue
        const loss = (await this.book.total(this.#chosen.filter((other) => other !== candidate))) - total
        const ordered = candidate.isOrdered ? 1 : 0
        if (loss >= total * this.thresholds.minShareOfSibling) continue
        if (
          worst === undefined ||
          ordered < worst.ordered ||
          (ordered === worst.ordered && loss < worst.loss)
        )
          worst = { candidate, loss, ordered }
      }
      if (worst === undefined) return
      const dropped = worst.candidate
      this.#chosen = this.#chosen.filter((candidate) => candidate !== dropped)
    }
  }

  #hasSibling({ label, definition, table }: Candidate): boolean {
    const isSibling = (other: Candidate['definition']) =>
      other.table === definition.table &&
      (other.where === undefined) === (definition.where === undefined) &&
      isSameColumn(other.keys[0], definition.keys[0])
    return (
      this.#chosen.some((other) => other.label !== label && isSibling(other.definition)) ||
      table.indexes.some(isSibling)
    )
  }

  /** Removes indexes that do not pay off when statements are executed. */
  async check(check: IndexCheck, onProgress: OnAdviceProgress | undefined): Promise<void> {
    const { indexes } = await this.finish()
    const measured = await check(indexes, (done) => onProgress?.(done, indexes.length, 'measure'))
    this.#chosen = this.#chosen.filter(({ label }) => {
      const measurements = measured.get(label)
      return measurements === undefined || measurements.length === 0 || measurements.some(isGain)
    })
    this.#measured = measured
  }

  async finish(): Promise<Omit<Choice, 'skipped'>> {
    const serves = new Map<Candidate, ChosenIndex['serves'][number][]>()
    for (const statement of this.workload)
      for (const [candidate, served] of await creditsOf(statement, this.#chosen, this.book))
        serves.set(candidate, [...(serves.get(candidate) ?? []), served])
    const indexes = this.#chosen.map((candidate): ChosenIndex => {
      const served = serves.get(candidate) ?? []
      const upkeep = this.book.upkeep(candidate)
      const saved = served.reduce(
        (sum, { statement, savedShare }) => sum + statement.calls * statement.baseline.cost * savedShare,
        0,
      )
      const measured = this.#measured.get(candidate.label) ?? []
      return { candidate, serves: served, gain: saved - upkeep, upkeep, measured }
    })
    const statements: { statement: WorkloadStatement; before: number; after: number }[] = []
    for (const statement of this.workload)
      statements.push({
        statement,
        before: statement.baseline.cost,
        after: await this.book.cost(statement, this.#chosen),
      })
    return { indexes, statements, planned: this.book.calls, cutShort: this.#cutShort }
  }
}
