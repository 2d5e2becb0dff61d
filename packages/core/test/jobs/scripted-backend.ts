import type {
  JobBackend,
  NewTask,
  StepResult,
  TaskClaim,
  TaskOutcome,
} from '../../src/jobs/backends/job-backend.ts'
import { MemoryBackend } from '../../src/jobs/backends/memory/memory-backend.ts'

const settings = { maxRetries: 3, maxCrashes: 5, timeoutMs: 0, backoff: 1_000, runAs: null }

/** A claim as a backend returns it. */
export function claimOf(id: string, rest: Partial<TaskClaim> = {}): TaskClaim {
  const task: Omit<NewTask, 'runAt'> = {
    id,
    queue: 'default',
    level: 2,
    order: 0,
    data: JSON.stringify(id),
    createdAt: Date.now(),
    settings,
    uniqueKey: null,
    batchId: null,
    chunk: 0,
    items: 0,
  }
  return { ...task, token: 1, attempts: 0, crashes: 0, ...rest }
}

/** A call of `step`, which the test answers. */
export interface Step {
  readonly outcomes: readonly TaskOutcome[]
  readonly want: number
  answer(claims: readonly TaskClaim[], rest?: Partial<StepResult>): void
  fail(error?: Error): void
}

/** A shared backend whose steps a test answers individually; otherwise like the memory backend. */
export class ScriptedBackend extends MemoryBackend {
  override readonly isShared = true as never
  readonly steps: Step[] = []
  /** The result of `renew`. */
  renewed: Awaited<ReturnType<JobBackend['renew']>> = { lost: [], cancelled: [] }
  renewals = 0
  #waiting: ((step: Step) => void)[] = []

  override step(_queue: string, outcomes: readonly TaskOutcome[], want: number): never {
    return new Promise<StepResult>((resolve, reject) => {
      const step: Step = {
        outcomes,
        want,
        answer: (claims, rest = {}) => resolve({ claims, lost: [], batches: [], ...rest }),
        fail: (error = new Error('down')) => reject(error),
      }
      const next = this.#waiting.shift()
      if (next === undefined) this.steps.push(step)
      else next(step)
    }) as never
  }

  override renew(): never {
    this.renewals += 1
    return this.renewed as never
  }

  /** The next call of `step`. */
  next(): Promise<Step> {
    const step = this.steps.shift()
    if (step !== undefined) return Promise.resolve(step)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
