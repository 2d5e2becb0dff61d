import { JobBackendError } from '../../job-errors.ts'
import type { Added, NewTask } from '../job-backend.ts'
import { isAnswer } from './pooled-queries.ts'
import { toText } from './sql/records.ts'

/** Tries to find a task that has a key and is over by the time that it is looked for. */
const TRIES = 5

/** How tasks, as JSON, are added and looked for. */
export interface TaskStore {
  /** @returns The ids of those that were added, and how many were told of it. */
  add(json: string): Promise<string>
  /** @returns The id of each, and of the task that is there in its place, if there is. */
  find(json: string): Promise<readonly string[]>
}

/**
 * Adds tasks, and finds those that were there.
 *
 * @param isRepeated - Whether it is sent once more when the connection breaks. That is safe: a task has its id from its maker.
 */
export async function addTasks(tasks: readonly NewTask[], store: TaskStore, isRepeated = false): Promise<readonly Added[]> {
  const results = new Map<string, Added>()
  let wasRepeated = false
  const add = async (json: string): Promise<string> => {
    try {
      return await store.add(json)
    } catch (error) {
      const isBroken = error instanceof JobBackendError && !isAnswer(error.cause)
      if (!isRepeated || wasRepeated || !isBroken) throw error
      wasRepeated = true
      return await store.add(json)
    }
  }
  let left = tasks
  for (let tries = 0; left.length > 0 && tries < TRIES; tries += 1) {
    const [added] = JSON.parse(await add(JSON.stringify(left.map(rowOf)))) as [readonly string[], number]
    for (const id of added) results.set(id, { id, isDuplicate: false })
    left = left.filter(({ id }) => !results.has(id))
    if (left.length === 0) break
    for (const text of await store.find(JSON.stringify(left.map(rowOf)))) {
      const [id, known] = JSON.parse(text) as [string, string | null]
      // Of a key that was given back since, nothing is known: it is added then.
      if (known !== null) results.set(id, { id: known, isDuplicate: !(wasRepeated && known === id) })
    }
    left = left.filter(({ id }) => !results.has(id))
  }
  const seen = new Set<string>()
  return tasks.map(({ id }) => {
    // One that was given twice is there once.
    if (seen.has(id)) return { id, isDuplicate: true }
    seen.add(id)
    const result = results.get(id)
    if (result !== undefined) return result
    throw new JobBackendError(`The task ${id} was not added: others with its unique key came and went at each of ${TRIES} tries.`)
  })
}

function rowOf(task: NewTask) {
  return {
    id: task.id,
    queue: task.queue,
    level: task.level,
    order_ms: task.order,
    // By how much later than now: the clock that says when that is is the server's.
    delay_ms: task.runAt === 0 ? 0 : task.runAt - task.createdAt,
    created_ms: task.createdAt,
    unique_key: task.uniqueKey === null ? null : toText(task.uniqueKey),
    batch_id: task.batchId,
    chunk: task.chunk,
    items: task.items,
    settings: JSON.stringify(task.settings),
    data: task.data,
  }
}
