import { isInstance } from '../../../shared/thrown.ts'
import { JobBackendError } from '../../job-errors.ts'
import type { AddedTask, NewTask } from '../job-backend.ts'
import { isAnswer } from './pooled-queries.ts'
import { toText } from './sql/records.ts'

/** Attempts to find a task that has the key, and ends before it is read. */
const TRIES = 5

/** How tasks, as JSON, are added and looked for. */
export interface TaskStore {
  /** @returns The ids of the added tasks, and the number of notifications. */
  add(json: string): Promise<string>
  /** @returns The id of each, and of the existing task with its key, if there is one. */
  find(json: string): Promise<readonly string[]>
}

/**
 * Adds tasks, and finds the existing ones.
 *
 * @param isRepeated - Whether the call is sent again when the connection breaks. That is safe: tasks have
 * their ids already.
 */
export async function addTasks(
  tasks: readonly NewTask[],
  store: TaskStore,
  isRepeated = false,
): Promise<readonly AddedTask[]> {
  const results = new Map<string, AddedTask>()
  let wasRepeated = false
  const add = async (json: string): Promise<string> => {
    try {
      return await store.add(json)
    } catch (error) {
      const isBroken = isInstance(error, JobBackendError) && !isAnswer(error.cause)
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
      // The key was released meanwhile: the next attempt adds the task.
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
    throw new JobBackendError(
      `Task ${id} was not added: in ${TRIES} attempts, other tasks with its unique key were added and ended. Enqueue it again.`,
    )
  })
}

function rowOf(task: NewTask) {
  return {
    id: task.id,
    queue: task.queue,
    level: task.level,
    order_ms: task.order,
    // Relative, because the server's clock applies.
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
