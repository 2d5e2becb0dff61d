import type { Candidate } from './candidates.ts'
import type { CostBook } from './cost-book.ts'
import type { ChosenIndex } from './index-check.ts'
import type { WorkloadStatement } from './resolve-workload.ts'

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
