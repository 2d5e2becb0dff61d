import type { MemoryTask } from './memory-task.ts'

/** Room that is given back once so much of it is unused. */
const SPARE = 1_024

/**
 * Tasks by their id, in the order in which they came. Most of them come and go without being asked for: those are in a list alone, and go into the map of ids
 * when somebody asks for one.
 */
export class TaskIndex {
  readonly #byId = new Map<string, MemoryTask>()
  #recent: (MemoryTask | undefined)[] = []
  #held = 0
  #greatest = ''

  /** @returns Whether it was not there. */
  add(task: MemoryTask): boolean {
    // Ids ascend, as a rule.
    if (task.id > this.#greatest) this.#greatest = task.id
    else if (this.get(task.id) !== undefined) return false
    task.place = this.#recent.push(task) - 1
    this.#held += 1
    return true
  }

  get(id: string): MemoryTask | undefined {
    this.#enter()
    return this.#byId.get(id)
  }

  delete(task: MemoryTask): void {
    if (task.place < 0) {
      this.#byId.delete(task.id)
      return
    }
    this.#recent[task.place] = undefined
    this.#held -= 1
    if (this.#recent.length > SPARE && this.#held * 2 < this.#recent.length) this.#compact()
  }

  /** As if it came now. */
  moveToEnd(task: MemoryTask): void {
    this.#enter()
    this.#byId.delete(task.id)
    this.#byId.set(task.id, task)
  }

  values(): IterableIterator<MemoryTask> {
    this.#enter()
    return this.#byId.values()
  }

  #enter(): void {
    if (this.#recent.length === 0) return
    for (const task of this.#recent) {
      if (task === undefined) continue
      task.place = -1
      this.#byId.set(task.id, task)
    }
    this.#recent = []
    this.#held = 0
  }

  #compact(): void {
    const held: MemoryTask[] = []
    for (const task of this.#recent) if (task !== undefined) task.place = held.push(task) - 1
    this.#recent = held
  }
}
