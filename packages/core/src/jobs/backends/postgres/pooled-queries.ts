import { errorMessage } from '../../../shared/error-message.ts'
import { isInstance, readAllThrown, readThrown } from '../../../shared/thrown.ts'
import { within } from '../../../shared/timers.ts'
import { JobBackendError } from '../../job-errors.ts'
import type { PostgresPool, PostgresPoolClient } from './postgres-options.ts'

/** Rows with the server's text representation. */
export type TextRow = Readonly<Record<string, string | null>>

const asText = (value: string): string => value
const TEXTS = { getTypeParser: () => asText }
const READ_COMMITTED = 'read committed'
/** Classes of errors by which a server says that it is going away, or is not there yet. */
const ENDING = /^(?:08|57P)/
const guarded = new WeakSet<PostgresPool>()
/** Milliseconds that an idle connection has to answer when another did not. */
const WEED_MS = 1_000
/** Health check. There is nothing to parse in the response. */
export const NOTHING = 'SELECT'
export const ignore = (): void => {}

/**
 * Sends statements on connections of a pool. No session state is used, so connections can go through
 * PgBouncer. Each statement has a timeout; a connection that does not respond in time is closed.
 */
export class PooledQueries {
  /**
   * Statements that find others' rows changed look at them again. Under stricter levels they would fail
   * instead.
   */
  #isReadCommitted = true
  #weeding: Promise<void> | undefined

  constructor(
    readonly pool: PostgresPool,
    private readonly timeoutMs: number,
  ) {}

  /**
   * Sends one statement.
   *
   * @throws JobBackendError.
   */
  async run(text: string, values: readonly unknown[] = [], extraMs = 0): Promise<readonly TextRow[]> {
    const query = { text, values: [...values], types: TEXTS }
    const { rows } = await this.with(
      (client) =>
        this.#isReadCommitted ? client.query(query) : inReadCommitted(client, () => client.query(query)),
      this.timeoutMs + extraMs,
    )
    return rows as readonly TextRow[]
  }

  /**
   * Learns what the connections are set to.
   *
   * @throws JobBackendError.
   */
  async open(): Promise<void> {
    // A connection that breaks while idle, or while it is being closed, would end the process if the app has
    // no listener.
    if (!guarded.has(this.pool)) this.pool.on('error', ignore)
    guarded.add(this.pool)
    const [row] = await this.run(`SELECT current_setting('default_transaction_isolation') AS level`)
    this.#isReadCommitted = row?.level === READ_COMMITTED
  }

  /**
   * Does something on one connection.
   *
   * @throws JobBackendError.
   */
  async with<T>(
    work: (client: PostgresPoolClient) => Promise<T>,
    timeoutMs: number = this.timeoutMs,
  ): Promise<T> {
    await this.#weeding
    const client = await this.lend()
    let isUsable = false
    // The query also receives the error of a broken connection; the event alone would end the process.
    client.on('error', ignore)
    try {
      const result = await within(timeoutMs, work(client))
      isUsable = true
      return result
    } catch (error) {
      isUsable = isAnswer(error)
      if (!isUsable) this.#weed()
      throw failed(error)
    } finally {
      client.removeListener('error', ignore)
      client.release(!isUsable)
    }
  }

  /**
   * If one connection died silently, others did, too: checks all idle ones concurrently, and closes those
   * that do not respond.
   */
  #weed(): void {
    if (this.#weeding !== undefined) return
    const silent = async () => {
      const client = await this.lend()
      client.on('error', ignore)
      const isUsable = await within(Math.min(WEED_MS, this.timeoutMs), client.query({ text: NOTHING })).then(
        () => true,
        () => false,
      )
      client.removeListener('error', ignore)
      client.release(!isUsable)
    }
    const idle = Array.from({ length: this.pool.idleCount ?? 0 }, silent)
    this.#weeding = Promise.allSettled(idle).then(() => {
      this.#weeding = undefined
    })
  }

  /** @throws JobBackendError when there is none in time. */
  async lend(): Promise<PostgresPoolClient> {
    let isLate = false
    const lending = this.pool.connect()
    try {
      return await within(this.timeoutMs, lending)
    } catch (error) {
      isLate = true
      throw failed(error)
    } finally {
      if (isLate) lending.then((client) => client.release(), ignore)
    }
  }
}

/** Runs `work` in a separate transaction. */
export async function inReadCommitted<T>(client: PostgresPoolClient, work: () => Promise<T>): Promise<T> {
  await client.query({ text: 'BEGIN ISOLATION LEVEL READ COMMITTED' })
  try {
    const result = await work()
    await client.query({ text: 'COMMIT' })
    return result
  } catch (error) {
    await client.query({ text: 'ROLLBACK' })
    throw error
  }
}

/** Whether the server rejected the statement, instead of a broken connection: then it had no effect. */
export function isAnswer(error: unknown): boolean {
  const [code, severity] = readAllThrown(error, ['code', 'severity'])
  return typeof code === 'string' && typeof severity === 'string' && !ENDING.test(code)
}

/** The code of the server's error that an error was made from. */
export function sqlStateOf(error: unknown): string | undefined {
  const cause = isInstance(error, JobBackendError) ? error.cause : error
  const code = readThrown(cause, 'code')
  return typeof code === 'string' ? code : undefined
}

function failed(error: unknown): JobBackendError {
  if (isInstance(error, JobBackendError)) return error
  const message = errorMessage(error)
  return new JobBackendError(
    isAnswer(error)
      ? `PostgreSQL rejected the statement: ${message}`
      : `PostgreSQL does not respond: ${message}`,
    {
      cause: error,
    },
  )
}
