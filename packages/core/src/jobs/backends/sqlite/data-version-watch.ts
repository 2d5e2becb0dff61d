import type { SqliteDatabase, SqliteStatement } from './sqlite-database.ts'

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
    this.#timer = setInterval(() => this.#poll(), POLL_MS)
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
