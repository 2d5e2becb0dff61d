import { isInstance } from '../../../shared/thrown.ts'
import { JobBackendError } from '../../job-errors.ts'
import type { BatchRow, StepResult, TaskClaim, TaskOutcome } from '../job-backend.ts'
import { isAnswer, type PooledQueries, type TextRow } from './pooled-queries.ts'
import { batchOf, claimOf } from './sql/records.ts'
import type { Statements } from './sql/statements.ts'

/** Milliseconds between the first two looks, doubled for each. */
const FIRST_WAIT_MS = 250
/**
 * A step can wait on the server for a row lock, or because the server was stopped, long after its connection
 * was closed.
 */
const LATE_MS = 60_000

/**
 * Steps of one queue whose responses were lost. They may have been executed, or will be: later steps check
 * for their results several times. Their claims are released, and each batch job that they ended is reported
 * once.
 */
class UnacknowledgedSteps {
  readonly #names = new Set<string>()
  readonly #found = new Set<string>()
  #batches: BatchRow[] = []
  #lookAt = 0
  #waitMs = FIRST_WAIT_MS
  #until = 0

  constructor(
    private readonly queries: PooledQueries,
    private readonly sql: Statements,
    private readonly queue: string,
  ) {}

  add(name: string): void {
    this.#names.add(name)
    this.#lookAt = 0
    this.#waitMs = FIRST_WAIT_MS
    this.#until = performance.now() + LATE_MS
  }

  /**
   * Looks, if it is time to.
   *
   * @throws JobBackendError.
   */
  async look(): Promise<void> {
    const now = performance.now()
    if (now < this.#lookAt) return
    const names = [...this.#names]
    await this.queries.run(this.sql.release, [this.queue, names])
    for (const { batch } of await this.queries.run(this.sql.endedBy, [names])) {
      const row = batchOf(batch ?? '')
      if (!this.#found.has(row.id)) this.#batches.push(row)
      this.#found.add(row.id)
    }
    // Steps that were added meanwhile were not checked.
    if (names.length < this.#names.size) return
    this.#lookAt = now >= this.#until ? Number.POSITIVE_INFINITY : performance.now() + this.#waitMs
    this.#waitMs *= 2
  }

  /** Returns the batch jobs to report, once. */
  takeBatches(): BatchRow[] {
    const batches = this.#batches
    this.#batches = []
    return batches
  }

  /** Whether these steps can have no more results. */
  get isOver(): boolean {
    return this.#lookAt === Number.POSITIVE_INFINITY && this.#batches.length === 0
  }
}

/** Result of a step, with the cancelled ones of its claims. */
interface Stepped extends StepResult {
  readonly cancelled: readonly string[]
}

/**
 * The steps of the workers of this process. A step may have been executed although its response was lost: the
 * next steps of its queue release its claims, report the batch jobs that it ended, and assume that its
 * outcomes were counted.
 */
export class Steps {
  #count = 0
  /** By queue. */
  readonly #unacknowledged = new Map<string, UnacknowledgedSteps>()
  readonly #sentBefore = new WeakSet<TaskOutcome>()

  constructor(
    private readonly queries: PooledQueries,
    private readonly sql: Statements,
  ) {}

  /** @throws JobBackendError. */
  async step(
    queue: string,
    outcomes: readonly TaskOutcome[],
    want: number,
    owner: string,
    leaseMs: number,
  ): Promise<Stepped> {
    const counting = onePerTask(outcomes)
    await this.#unacknowledged.get(queue)?.look()
    this.#count += 1
    const name = `${owner}/${this.#count}`
    const isNeeded = counting.length > 0 || want > 0
    let rows: readonly TextRow[] = []
    try {
      if (isNeeded) rows = await this.#query(queue, counting, want, name, leaseMs)
    } catch (error) {
      if (!(isInstance(error, JobBackendError) && isAnswer(error.cause))) {
        this.#unacknowledgedOf(queue).add(name)
        for (const outcome of outcomes) this.#sentBefore.add(outcome)
      }
      throw error
    }
    return this.#resultOf(rows, outcomes, new Set(counting), this.#recovered(queue))
  }

  #unacknowledgedOf(queue: string): UnacknowledgedSteps {
    let unacknowledged = this.#unacknowledged.get(queue)
    if (unacknowledged === undefined) {
      unacknowledged = new UnacknowledgedSteps(this.queries, this.sql, queue)
      this.#unacknowledged.set(queue, unacknowledged)
    }
    return unacknowledged
  }

  #recovered(queue: string): BatchRow[] {
    const unacknowledged = this.#unacknowledged.get(queue)
    const batches = unacknowledged?.takeBatches() ?? []
    if (unacknowledged?.isOver === true) this.#unacknowledged.delete(queue)
    return batches
  }

  #query(
    queue: string,
    outcomes: readonly TaskOutcome[],
    want: number,
    name: string,
    leaseMs: number,
  ): Promise<readonly TextRow[]> {
    return this.queries.run(this.sql.step, [name, queue, want, leaseMs, Date.now(), ...columnsOf(outcomes)])
  }

  #resultOf(
    rows: readonly TextRow[],
    outcomes: readonly TaskOutcome[],
    counting: ReadonlySet<TaskOutcome>,
    batches: BatchRow[],
  ): Stepped {
    const claims: TaskClaim[] = []
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
    const lost: TaskClaim[] = []
    for (const outcome of outcomes) {
      const { claim } = outcome
      if (!counting.has(outcome) || !(taken.has(claim.id) || this.#sentBefore.has(outcome))) lost.push(claim)
    }
    const result = { claims, lost, batches, cancelled }
    return untilNext === Number.POSITIVE_INFINITY ? result : { ...result, nextAt: Date.now() + untilNext }
  }
}

/**
 * If this process has had a task twice, returns the outcome that counts: `done`, or the later one. Sorted,
 * because all statements lock tasks in the same order.
 */
function onePerTask(outcomes: readonly TaskOutcome[]): readonly TaskOutcome[] {
  if (outcomes.length < 2) return outcomes
  const counting = new Map<string, TaskOutcome>()
  for (const outcome of outcomes) {
    const known = counting.get(outcome.claim.id)
    if (known === undefined || rank(outcome) > rank(known)) counting.set(outcome.claim.id, outcome)
  }
  return [...counting.values()].sort((left, right) => (left.claim.id < right.claim.id ? -1 : 1))
}

function rank({ kind, claim }: TaskOutcome): number {
  return kind === 'done' ? Number.POSITIVE_INFINITY : Number(claim.token)
}

/** The arrays that a step takes, in its order. */
function columnsOf(outcomes: readonly TaskOutcome[]): readonly unknown[][] {
  return [
    outcomes.map(({ claim }) => claim.id),
    outcomes.map(({ claim }) => claim.batchId),
    outcomes.map(({ claim }) => claim.token),
    outcomes.map(({ kind }) => kind),
    outcomes.map(({ at }) => at),
    // Relative, because the server's clock applies.
    outcomes.map(({ at, runAt }) => Math.max(0, runAt - at)),
    outcomes.map(({ failure }) => (failure === null ? null : JSON.stringify(failure))),
    outcomes.map(({ isStored }) => isStored),
    outcomes.map(({ doneItems }) => doneItems),
    outcomes.map(({ failedItems }) => failedItems),
    outcomes.map(({ data }) => data),
  ]
}
