import { InvalidArgumentError } from '../../../shared/errors.ts'
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
  let missing = tasks
  for (let tries = 0; missing.length > 0 && tries < TRIES; tries += 1) {
    const [added] = JSON.parse(await add(JSON.stringify(missing.map(rowOf)))) as [readonly string[], number]
    for (const id of added) results.set(id, { id, isDuplicate: false })
    missing = missing.filter(({ id }) => !results.has(id))
    if (missing.length === 0) break
    for (const text of await store.find(JSON.stringify(missing.map(rowOf)))) {
      const [id, known] = JSON.parse(text) as [string, string | null]
      // The key was released meanwhile: the next attempt adds the task.
      if (known !== null) results.set(id, { id: known, isDuplicate: !(wasRepeated && known === id) })
    }
    missing = missing.filter(({ id }) => !results.has(id))
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

const EXPECTED = 'an open transaction: of an ORM, with raw() or $queryRawUnsafe(), or a client of pg'

/** Queries rows of one string column in the app's transaction. Its errors are passed to the app unchanged. */
export type AppQuery = (sql: string, values: readonly string[]) => Promise<readonly string[]>

/** A transaction whose statements take `?` for a binding. */
interface RawTransaction {
  raw(sql: string, bindings: readonly unknown[]): PromiseLike<unknown>
  readonly isTransaction?: unknown
  readonly client?: { readonly dialect?: unknown }
}

/** A client that exists for one interactive transaction. */
interface InteractiveTransaction {
  $queryRawUnsafe(sql: string, ...values: unknown[]): PromiseLike<unknown>
}

interface PgClient {
  query(sql: string, values: readonly unknown[]): PromiseLike<unknown>
}

/**
 * Returns the query function for the app's transaction, inferred from its methods.
 *
 * @throws InvalidArgumentError if it is not a transaction on PostgreSQL: the task would be added outside the
 * transaction.
 */
export function appQuery(transaction: unknown): AppQuery {
  if (isRawTransaction(transaction))
    return async (sql, values) => textsOf(await transaction.raw(sql.replace(/\$\d+/g, '?'), values))
  if (isInteractiveTransaction(transaction))
    return async (sql, values) => textsOf(await transaction.$queryRawUnsafe(sql, ...values))
  if (isPgClient(transaction)) return async (sql, values) => textsOf(await transaction.query(sql, values))
  throw new InvalidArgumentError('options.transaction', EXPECTED, transaction)
}

function isRawTransaction(value: unknown): value is RawTransaction {
  if (!has(value, 'raw')) return false
  const { isTransaction, client } = value as unknown as RawTransaction
  // An instance outside a transaction runs each statement on a separate connection.
  return isTransaction === true && (client?.dialect === undefined || client.dialect === 'postgresql')
}

function isInteractiveTransaction(value: unknown): value is InteractiveTransaction {
  // A client that connects is not the one of a transaction.
  return has(value, '$queryRawUnsafe') && !has(value, '$connect')
}

function isPgClient(value: unknown): value is PgClient {
  return (
    has(value, 'query') && !has(value, 'raw') && !has(value, '$queryRawUnsafe') && !('totalCount' in value)
  )
}

function has<K extends string>(
  value: unknown,
  name: K,
): value is Readonly<Record<K, (...args: never[]) => unknown>> {
  const isThing = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return isThing && typeof (value as Readonly<Record<string, unknown>>)[name] === 'function'
}

/** The only column of the rows, regardless of how the app changes its name. */
function textsOf(result: unknown): readonly string[] {
  const rows: unknown = Array.isArray(result) ? result : (result as { readonly rows?: unknown } | null)?.rows
  const texts: unknown[] = Array.isArray(rows)
    ? rows.map((row: object) => Object.values(row)[0])
    : [undefined]
  if (texts.every((text) => typeof text === 'string')) return texts
  throw new InvalidArgumentError('options.transaction', `${EXPECTED}, which returns rows`, result)
}
