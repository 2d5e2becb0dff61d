import { appendFile, appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setLongInterval } from '../../shared/timers.ts'
import type { TraceLine } from '../../yield/trace.ts'
import { traceLine } from '../../yield/trace-lines.ts'

/** Maximum size of a file, and how long it is written. */
const MAX_BYTES = 64 * 1024 * 1024
const MAX_MS = 3_600_000
/** Size from which lines are written before the next second. */
const CHUNK = 256 * 1024
const FLUSH_MS = 1_000

let count = 0

export interface TraceFileParts {
  readonly now: () => number
  readonly wall: () => number
  /** Called once, when the file is complete. */
  readonly onComplete: (path: string) => void
  readonly onError: (error: unknown) => void
}

/**
 * Writes a trace to a file in a folder. Each process, and each Sluice in it, has a separate file. Only its
 * user can read it.
 */
export class TraceFile {
  readonly path: string
  readonly #startedAt: number
  readonly #timer: NodeJS.Timeout
  readonly #onExit = () => this.close()
  #lines = ''
  #size = 0
  #isWriting = false
  #isClosed = false

  constructor(
    private readonly folder: string,
    private readonly parts: TraceFileParts,
  ) {
    count += 1
    const time = new Date(parts.wall()).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')
    this.path = join(folder, `${time}-${process.pid}-${count}.jsonl`)
    this.#startedAt = parts.now()
    this.#timer = setLongInterval(() => this.#flush(), FLUSH_MS).unref()
    process.once('exit', this.#onExit)
  }

  add(line: TraceLine): void {
    if (this.#isClosed) return
    const text = traceLine(line)
    this.#lines += text
    this.#size += text.length
    if (this.#size >= MAX_BYTES) this.#complete()
    else if (this.#lines.length >= CHUNK) this.#flush()
  }

  /** Writes the rest. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#timer)
    process.off('exit', this.#onExit)
    if (this.#lines === '') return
    this.#safely(() => appendFileSync(this.#created(), this.#taken(), { mode: 0o600 }))
  }

  #flush(): void {
    if (this.parts.now() - this.#startedAt >= MAX_MS) this.#complete()
    if (this.#isWriting || this.#isClosed || this.#lines === '') return
    this.#safely(() => {
      const path = this.#created()
      this.#isWriting = true
      appendFile(path, this.#taken(), { mode: 0o600 }, (error) => {
        this.#isWriting = false
        if (error !== null) this.#fail(error)
      })
    })
  }

  #created(): string {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
    return this.path
  }

  #taken(): string {
    const lines = this.#lines
    this.#lines = ''
    return lines
  }

  #complete(): void {
    this.close()
    this.parts.onComplete(this.path)
  }

  #safely(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.parts.onError(error)
    this.#lines = ''
    this.#complete()
  }
}
