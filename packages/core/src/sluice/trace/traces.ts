import type { TraceSlot } from '../../pipeline/workload-trace.ts'
import { setLongTimeout } from '../../shared/timers.ts'
import type { SluiceWarningCode } from '../../shared/warning-codes.ts'
import { TRACE_VERSION, type Trace, type TraceHeader, type TraceLine } from '../../yield/trace.ts'
import type { TraceRecorder } from './trace-recorder.ts'
import type { TraceWindow } from './trace-window.ts'

/** Milliseconds after which a window that is not read is closed. */
const IDLE_MS = 300_000

export interface TracesParts {
  /** Default time to live of cached results, in milliseconds. */
  readonly ttlMs: number
  createRecorder(write: (line: TraceLine) => void): Promise<TraceRecorder>
  readonly now: () => number
  readonly wall: () => number
  readonly warn: (message: string, code: SluiceWarningCode) => void
  readonly onError: (error: unknown) => void
}

/** Receives the lines of a trace. */
interface TraceSink {
  add(line: TraceLine): void
  close?(): void
}

/**
 * Records traces of a Sluice, in a file or in memory. While nothing is recorded, an operation only checks
 * `current`.
 */
export class Traces implements TraceSlot {
  current: TraceRecorder | undefined
  readonly #sinks = new Set<TraceSink>()
  #starting: Promise<TraceRecorder> | undefined
  #window: TraceWindow | undefined
  #idle: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(private readonly parts: TracesParts) {}

  /** Whether the last events are recorded in memory. */
  get hasWindow(): boolean {
    return this.#window !== undefined
  }

  /** Records to a file in a folder. Never rejects. */
  async writeTo(folder: string): Promise<void> {
    const { now, wall, warn, onError } = this.parts
    try {
      const { TraceFile } = await import('./trace-file.ts')
      const recorder = await this.#recorder()
      const file = new TraceFile(folder, {
        now,
        wall,
        onError,
        onComplete: (path) => {
          this.#remove(file)
          warn(`The trace ${path} is complete. Run npx sluice yield ${folder}.`, 'SLUICE_TRACE')
        },
      })
      file.add(this.#headerOf(recorder))
      this.#add(file, recorder)
      warn(
        `Recording a trace to ${file.path}, up to 64 MB or 1 hour. Unset SLUICE_TRACE to switch it off.`,
        'SLUICE_TRACE',
      )
    } catch (error) {
      onError(error)
    }
  }

  /** Records the last events in memory, until `read` is not called for 5 minutes. */
  async openWindow(): Promise<void> {
    if (this.#window !== undefined) return
    const { TraceWindow } = await import('./trace-window.ts')
    const recorder = await this.#recorder()
    if (this.#window !== undefined) return
    const window = new TraceWindow(this.#headerOf(recorder), recorder.names.queries)
    this.#window = window
    this.#add(window, recorder)
    this.#idle = setLongTimeout(() => this.closeWindow(), IDLE_MS).unref()
  }

  closeWindow(): void {
    if (this.#window === undefined) return
    clearTimeout(this.#idle)
    const window = this.#window
    this.#window = undefined
    this.#remove(window)
  }

  /** The events in memory; `undefined`: nothing is recorded there. */
  read(): Trace | undefined {
    this.#idle?.refresh()
    return this.#window?.read()
  }

  /** Ends all recordings. */
  close(): void {
    this.#isClosed = true
    this.closeWindow()
    for (const sink of this.#sinks) this.#remove(sink)
  }

  #recorder(): Promise<TraceRecorder> {
    this.#starting ??= this.parts.createRecorder((line) => {
      for (const sink of this.#sinks) sink.add(line)
    })
    return this.#starting
  }

  #headerOf({ startedAt }: TraceRecorder): TraceHeader {
    return { type: 'trace', schemaVersion: TRACE_VERSION, startedAt, ttlMs: this.parts.ttlMs }
  }

  #add(sink: TraceSink, recorder: TraceRecorder): void {
    for (const line of [...recorder.names.queries.values(), ...recorder.names.reasons.values()])
      sink.add(line)
    this.#sinks.add(sink)
    this.current = recorder
    if (this.#isClosed) this.#remove(sink)
  }

  #remove(sink: TraceSink): void {
    this.#sinks.delete(sink)
    sink.close?.()
    if (this.#sinks.size > 0) return
    this.current = undefined
    // A later recording has other hashes.
    this.#starting = undefined
  }
}
