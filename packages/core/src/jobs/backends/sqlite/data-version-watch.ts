import type { SqliteDatabase, SqliteStatement } from './sqlite-database.ts'

const POLL_MS = 20
/** Nobody works who was not heard of for so long. */
const IDLE_MS = 60_000

/** Tells when other connections have committed something, while somebody works here who wants to know. */
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

  /** Somebody works here. */
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
