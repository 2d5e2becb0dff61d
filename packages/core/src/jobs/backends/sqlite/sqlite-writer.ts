import { setLongInterval, setLongTimeout } from '../../../shared/timers.ts'
import { JobBackendError } from '../../job-errors.ts'
import { backendError, isBusy, type SqliteDatabase, type SqliteStatement } from './sqlite-database.ts'

/** Time after which it yields to the event loop. */
const MAX_TICK_MS = 5
const MAX_PAUSE_MS = 10

interface Write {
  readonly run: () => unknown
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
  readonly until: number
}

/**
 * Commits the writes of each event-loop tick as a group, in order, and yields to the event loop between
 * groups. While another process writes, it retries: SQLite's own waiting would block the process.
 */
export class SqliteWriter {
  readonly #begin: SqliteStatement
  readonly #commit: SqliteStatement
  readonly #rollback: SqliteStatement
  readonly #waiting: Write[] = []
  #isScheduled = false
  #pauseMs = 1
  #isClosed = false

  constructor(
    private readonly database: SqliteDatabase,
    private readonly lockTimeoutMs: number,
    /** A database that the app uses, too. */
    private readonly isForeign: boolean,
    /** Called when a write was rolled back. */
    private readonly onRollback: () => void,
  ) {
    // A deferred transaction fails immediately if another process has written before its first write.
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    this.#rollback = database.prepare('ROLLBACK')
  }

  /**
   * Runs what writes, in a transaction; maybe more than once, so it may do nothing else.
   *
   * @throws JobBackendError.
   */
  write<T>(run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#isClosed) {
        reject(new JobBackendError(`The SQLite file "${this.database.name}" was closed.`))
        return
      }
      this.#waiting.push({ run, resolve, reject, until: performance.now() + this.lockTimeoutMs })
      this.#schedule()
    })
  }

  /** Once all that came before is written, or has failed. */
  async close(): Promise<void> {
    if (this.#waiting.length > 0) await this.write(() => {}).catch(() => {})
    this.#isClosed = true
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#isScheduled = false
    if (this.#waiting.length === 0) return
    const values: unknown[] = []
    let current: Write | undefined
    try {
      this.#transact(() => {
        const end = performance.now() + MAX_TICK_MS
        do {
          current = this.#waiting[values.length]
          values.push(current?.run())
        } while (values.length < this.#waiting.length && performance.now() < end)
        current = undefined
      })
    } catch (error) {
      this.#failed(error, current, values.length)
      return
    }
    this.#pauseMs = 1
    for (const [at, { resolve }] of this.#waiting.splice(0, values.length).entries())
      resolve(values[at] as never)
    if (this.#waiting.length > 0) this.#schedule()
  }

  #transact(run: () => void): void {
    const { database, isForeign } = this
    // The app has an open transaction.
    if (database.inTransaction)
      throw Object.assign(new Error('a transaction is open'), { code: 'SQLITE_BUSY' })
    const timeout = isForeign ? Number(database.pragma('busy_timeout', { simple: true })) : 0
    try {
      if (timeout > 0) database.pragma('busy_timeout = 0')
      this.#begin.run()
      run()
      this.#commit.run()
    } catch (error) {
      if (database.inTransaction) this.#rollback.run()
      this.onRollback()
      throw error
    } finally {
      if (timeout > 0) database.pragma(`busy_timeout = ${timeout}`)
    }
  }

  /** @param current - The write that failed; omitted: `BEGIN` or `COMMIT`, for all. */
  #failed(error: unknown, current: Write | undefined, count: number): void {
    const { name } = this.database
    if (isBusy(error)) {
      const now = performance.now()
      const late = this.#waiting.filter(({ until }) => until <= now)
      for (const write of late) this.#refuse(write, backendError(name, error))
      if (this.#waiting.length === 0) return
      this.#isScheduled = true
      setLongTimeout(() => this.#flush(), this.#pauseMs * (0.5 + Math.random()))
      this.#pauseMs = Math.min(MAX_PAUSE_MS, this.#pauseMs * 2)
      return
    }
    const failed = current === undefined ? this.#waiting.slice(0, Math.max(1, count)) : [current]
    for (const write of failed) this.#refuse(write, backendError(name, error))
    if (this.#waiting.length > 0) this.#schedule()
  }

  #refuse(write: Write, error: unknown): void {
    this.#waiting.splice(this.#waiting.indexOf(write), 1)
    write.reject(error)
  }
}

const POLL_MS = 20
/** A worker that has not called for this long has stopped. */
const IDLE_MS = 60_000

/** Detects commits of other connections, while a worker of this process needs to know. */
export class DataVersionWatch {
  readonly #version: SqliteStatement
  #timer: ReturnType<typeof setInterval> | undefined
  #last: unknown
  #until = 0

  constructor(
    database: SqliteDatabase,
    private readonly onChange: () => void,
  ) {
    this.#version = database.prepare('PRAGMA data_version')
    this.#version.pluck()
  }

  /** A worker is active. */
  keep(): void {
    this.#until = performance.now() + IDLE_MS
    if (this.#timer !== undefined) return
    this.#last = this.#read()
    this.#timer = setLongInterval(() => this.#poll(), POLL_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #poll(): void {
    const version = this.#read()
    if (version !== undefined && version !== this.#last) {
      this.#last = version
      this.onChange()
    }
    if (performance.now() > this.#until) this.stop()
  }

  /** @returns `undefined` when it cannot be read now. */
  #read(): unknown {
    try {
      return this.#version.get()
    } catch {
      return undefined
    }
  }
}
