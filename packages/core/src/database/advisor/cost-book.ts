import type { Candidate } from './candidates.ts'
import type { ChosenIndex } from './index-check.ts'
import type { Thresholds } from './limits.ts'
import { tablesOf, type WorkloadStatement, type WriteLoad } from './resolve-workload.ts'
import { type PlannerAnswer, scaled, type WhatIfPlanner } from './what-if-planner.ts'

/** Costs of statements for sets of indexes; each is requested from the planner once. */
export class CostBook {
  readonly #answers = new Map<string, PlannerAnswer>()
  readonly #tables = new Map<WorkloadStatement, ReadonlySet<string>>()
  /** Number of planner calls. */
  calls = 0

  constructor(
    private readonly planner: WhatIfPlanner,
    private readonly workload: readonly WorkloadStatement[],
    private readonly writes: readonly WriteLoad[],
    private readonly thresholds: Thresholds,
  ) {}

  async answer(statement: WorkloadStatement, indexes: readonly Candidate[]): Promise<PlannerAnswer> {
    let tables = this.#tables.get(statement)
    if (tables === undefined) {
      tables = tablesOf(statement)
      this.#tables.set(statement, tables)
    }
    const relevant = indexes.filter(({ definition }) => tables.has(definition.table))
    if (relevant.length === 0) return statement.baseline
    const key = `${statement.planned.id}|${relevant
      .map(({ label }) => label)
      .sort()
      .join('|')}`
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    this.calls += 1
    const answer = scaled(await this.planner.answer(statement.planned, relevant), statement.factor)
    this.#answers.set(key, answer)
    return answer
  }

  async cost(statement: WorkloadStatement, indexes: readonly Candidate[]): Promise<number> {
    return (await this.answer(statement, indexes)).cost
  }

  /** Cost of the whole workload, including the maintenance of the indexes. */
  async total(indexes: readonly Candidate[]): Promise<number> {
    let sum = indexes.reduce((all, index) => all + this.upkeep(index), 0)
    for (const statement of this.workload) sum += statement.calls * (await this.cost(statement, indexes))
    return sum
  }

  /** Additional cost of writes for an index. */
  upkeep({ definition, share }: Candidate): number {
    const { writeCost } = this.thresholds
    return this.writes.reduce((sum, { table, kind, columns, calls }) => {
      if (table !== definition.table) return sum
      const isAffected =
        kind !== 'update' || columns.some((column) => definition.keys.some((key) => key.column === column))
      return isAffected ? sum + share * calls * writeCost * (kind === 'update' ? 2 : 1) : sum
    }, 0)
  }

  /**
   * Whether an index that changes the cost of a statement matters to it.
   *
   * @param scans - Scans of the plan without it.
   */
  matters(
    {
      before,
      after,
      scans,
    }: { readonly before: number; readonly after: number; readonly scans: PlannerAnswer['scans'] },
    { definition, carried }: Candidate,
    maxLeft: number,
  ): boolean {
    const saved = before - after
    if (saved < this.thresholds.minSaving) return false
    const scan = scans.get(definition.table) ?? Number.POSITIVE_INFINITY
    // In a statement of many tables one scan may be little of the whole, and still be saved.
    return after <= before * maxLeft || (carried === 0 && saved >= 0.5 * scan && saved >= 0.1 * before)
  }

  uses(answer: PlannerAnswer, { label }: Candidate): boolean {
    return answer.used.has(label)
  }
}

type Served = ChosenIndex['serves'][number]

/**
 * Divides a statement's saving among the indexes that it uses: each is credited with its marginal saving
 * next to the others, and all together with no more than the statement saves.
 */
export async function creditsOf(
  statement: WorkloadStatement,
  chosen: readonly Candidate[],
  book: CostBook,
): Promise<ReadonlyMap<Candidate, Served>> {
  const present = await book.answer(statement, chosen)
  const without = new Map<Candidate, number>()
  for (const candidate of chosen) {
    if (!book.uses(present, candidate)) continue
    const others = chosen.filter((other) => other !== candidate)
    without.set(candidate, await book.cost(statement, others))
  }
  const savedBy = (cost: number) => Math.max(0, cost - present.cost)
  const whole = Math.max(statement.baseline.cost, Number.MIN_VALUE)
  const sum = [...without.values()].reduce((all, cost) => all + savedBy(cost), 0)
  const scale = sum > 0 ? Math.min(1, savedBy(whole) / sum) : 0
  return new Map(
    [...without].map(([candidate, cost]) => [
      candidate,
      { statement, without: cost, with: present.cost, savedShare: (savedBy(cost) * scale) / whole },
    ]),
  )
}
