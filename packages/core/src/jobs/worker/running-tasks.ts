import type { TaskRun } from './task-run.ts'

/** What a queue runs at the moment. No `Set`: one that is added to and deleted from for long keeps what was in it until the next great collection. */
export class RunningTasks implements Iterable<TaskRun> {
  readonly #runs: TaskRun[] = []

  get size(): number {
    return this.#runs.length
  }

  add(run: TaskRun): void {
    run.place = this.#runs.push(run) - 1
  }

  /** @returns Whether it was there. */
  delete(run: TaskRun): boolean {
    const { place } = run
    if (this.#runs[place] !== run) return false
    const last = this.#runs.pop()
    if (last !== run && last !== undefined) {
      this.#runs[place] = last
      last.place = place
    }
    return true
  }

  find(id: string): TaskRun | undefined {
    return this.#runs.find(({ claim }) => claim.id === id)
  }

  [Symbol.iterator](): IterableIterator<TaskRun> {
    return this.#runs[Symbol.iterator]()
  }
}
