import type { ResolvedControlOptions } from './control-options.ts'
import type { LoadFreeze } from './load-freeze.ts'
import { type LoadNow, LoadRule } from './load-rule.ts'

/** Seconds of work that may wait. */
const QUEUE_SECONDS = 5
/** From this utilization on, requests wait for each other. */
const OVERLOAD = 0.95

/** Model of workers that the rule scales: measures its cost and the overload. */
export class ModelWorkers {
  readonly #options: ResolvedControlOptions
  readonly #rule: LoadRule
  #active: number
  #starting: { readonly at: number; readonly count: number }[] = []
  #backlog = 0

  constructor(options: ResolvedControlOptions, freeze: LoadFreeze, count: number) {
    this.#options = options
    this.#rule = new LoadRule(options, freeze)
    this.#active = count
  }

  /** Workers that run or are starting. */
  get count(): number {
    return this.#starting.reduce((sum, { count }) => sum + count, this.#active)
  }

  /**
   * Serves requests for some seconds.
   *
   * @returns Whether the workers were overloaded.
   */
  pass(now: number, seconds: number, perSecond: number): boolean {
    for (const { at, count } of this.#starting) if (at <= now) this.#active += count
    this.#starting = this.#starting.filter(({ at }) => at > now)
    const capacity = this.#active * this.#options.capacity
    const offered = this.#backlog + perSecond * seconds
    this.#backlog = Math.min(QUEUE_SECONDS * capacity, Math.max(0, offered - capacity * seconds))
    return offered > OVERLOAD * capacity * seconds
  }

  /** Drops the backlog, after a time in which the load was not known. */
  drop(): void {
    this.#backlog = 0
  }

  decide(load: Omit<LoadNow, 'current' | 'backlog'>): void {
    const { minWorkers, maxWorkers, startUpSeconds } = this.#options
    const current = this.count
    const target = this.#rule.follow({ ...load, current, backlog: this.#backlog }, [], [])
    const desired = Math.max(minWorkers, Math.min(maxWorkers, target))
    if (desired > current)
      this.#starting.push({ at: load.now + startUpSeconds * 1000, count: desired - current })
    else this.#stop(current - desired)
  }

  #stop(count: number): void {
    let left = count
    while (left > 0) {
      const last = this.#starting.pop()
      if (last === undefined) break
      const stopped = Math.min(left, last.count)
      if (stopped < last.count) this.#starting.push({ at: last.at, count: last.count - stopped })
      left -= stopped
    }
    this.#active -= left
  }
}
