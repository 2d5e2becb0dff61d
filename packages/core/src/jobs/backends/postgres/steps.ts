import { JobBackendError } from '../../job-errors.ts'
import type { BatchRow, Claim, Outcome, StepResult } from '../job-backend.ts'
import { isAnswer, type PooledQueries, type TextRow } from './pooled-queries.ts'
import { batchOf, claimOf } from './sql/records.ts'
import type { Statements } from './sql/statements.ts'
import { UnheardSteps } from './unheard-steps.ts'

/** What a step gave, and which of its claims are cancelled already. */
export interface Stepped extends StepResult {
  readonly cancelled: readonly string[]
}

/**
 * The steps of the workers of this process. A step whose answer was not heard may have been taken: those that follow in its queue give back what it claimed, tell
 * of the batches that it ended, and take its outcomes for counted.
 */
export class Steps {
  #count = 0
  /** By queue. */
  readonly #unheard = new Map<string, UnheardSteps>()
  readonly #sentBefore = new WeakSet<Outcome>()

  constructor(
    private readonly queries: PooledQueries,
    private readonly sql: Statements,
  ) {}

  /** @throws JobBackendError. */
  async step(queue: string, outcomes: readonly Outcome[], want: number, owner: string, leaseMs: number): Promise<Stepped> {
    const counting = onePerTask(outcomes)
    await this.#unheard.get(queue)?.look()
    this.#count += 1
    const name = `${owner}/${this.#count}`
    const isAsked = counting.length > 0 || want > 0
    let rows: readonly TextRow[] = []
    try {
      if (isAsked) rows = await this.#ask(queue, counting, want, name, leaseMs)
    } catch (error) {
      if (!(error instanceof JobBackendError && isAnswer(error.cause))) {
        this.#unheardOf(queue).add(name)
        for (const outcome of outcomes) this.#sentBefore.add(outcome)
      }
      throw error
    }
    return this.#resultOf(rows, outcomes, new Set(counting), this.#recovered(queue))
  }

  #unheardOf(queue: string): UnheardSteps {
    let unheard = this.#unheard.get(queue)
    if (unheard === undefined) {
      unheard = new UnheardSteps(this.queries, this.sql, queue)
      this.#unheard.set(queue, unheard)
    }
    return unheard
  }

  #recovered(queue: string): BatchRow[] {
    const unheard = this.#unheard.get(queue)
    const batches = unheard?.takeBatches() ?? []
    if (unheard?.isOver === true) this.#unheard.delete(queue)
    return batches
  }

  #ask(queue: string, outcomes: readonly Outcome[], want: number, name: string, leaseMs: number): Promise<readonly TextRow[]> {
    return this.queries.run(this.sql.step, [name, queue, want, leaseMs, Date.now(), ...columnsOf(outcomes)])
  }

  #resultOf(rows: readonly TextRow[], outcomes: readonly Outcome[], counting: ReadonlySet<Outcome>, batches: BatchRow[]): Stepped {
    const claims: Claim[] = []
    const cancelled: string[] = []
    const taken = new Set<string>()
    let untilNext = Number.POSITIVE_INFINITY
    for (const { kind, id, info, data } of rows) {
      if (kind === 'claim') {
        const { claim, isCancelled } = claimOf(info ?? '', data ?? '')
        claims.push(claim)
        if (isCancelled) cancelled.push(claim.id)
      } else if (kind === 'taken') taken.add(id ?? '')
      else if (kind === 'batch') batches.push(batchOf(info ?? ''))
      else if (info !== null && info !== undefined) untilNext = Number(info)
    }
    claims.sort((left, right) => left.order - right.order || (left.id < right.id ? -1 : 1))
    const lost: Claim[] = []
    for (const outcome of outcomes) {
      const { claim } = outcome
      if (!counting.has(outcome) || !(taken.has(claim.id) || this.#sentBefore.has(outcome))) lost.push(claim)
    }
    const result = { claims, lost, batches, cancelled }
    return untilNext === Number.POSITIVE_INFINITY ? result : { ...result, nextAt: Date.now() + untilNext }
  }
}

/** Of a task that this process has had twice, the outcome that may count: that it is done, or the later one. Sorted, as all lock tasks in one order. */
function onePerTask(outcomes: readonly Outcome[]): readonly Outcome[] {
  if (outcomes.length < 2) return outcomes
  const kept = new Map<string, Outcome>()
  for (const outcome of outcomes) {
    const known = kept.get(outcome.claim.id)
    if (known === undefined || rank(outcome) > rank(known)) kept.set(outcome.claim.id, outcome)
  }
  return [...kept.values()].sort((left, right) => (left.claim.id < right.claim.id ? -1 : 1))
}

function rank({ kind, claim }: Outcome): number {
  return kind === 'done' ? Number.POSITIVE_INFINITY : Number(claim.token)
}

/** The arrays that a step takes, in its order. */
function columnsOf(outcomes: readonly Outcome[]): readonly unknown[][] {
  return [
    outcomes.map(({ claim }) => claim.id),
    outcomes.map(({ claim }) => claim.batchId),
    outcomes.map(({ claim }) => claim.token),
    outcomes.map(({ kind }) => kind),
    outcomes.map(({ at }) => at),
    // By how much later: the clock that says when that is is the server's.
    outcomes.map(({ at, runAt }) => Math.max(0, runAt - at)),
    outcomes.map(({ failure }) => (failure === null ? null : JSON.stringify(failure))),
    outcomes.map(({ isKept }) => isKept),
    outcomes.map(({ doneItems }) => doneItems),
    outcomes.map(({ failedItems }) => failedItems),
    outcomes.map(({ data }) => data),
  ]
}
