import type { Clock } from '../../shared/clock.ts'
import { setLongTimeout } from '../../shared/timers.ts'

/** A loop that never yields delays everything else. */
const TURN_MS = 5

/** Runs a loop in turns, and yields to the event loop between turns that took long. */
export class Pacer {
  #isScheduled = false
  #startedAt = 0
  #resting: ReturnType<typeof setTimeout> | undefined
  readonly #runs = () => {
    this.#isScheduled = false
    this.run()
  }

  constructor(
    private readonly clock: Clock,
    private readonly run: () => void,
  ) {}

  /** Runs soon, once. */
  schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    if (this.clock.now() - this.#startedAt < TURN_MS) queueMicrotask(this.#runs)
    else {
      setImmediate(() => {
        this.#startedAt = this.clock.now()
        this.#runs()
      })
    }
  }

  /** Runs after `ms`, and not earlier. */
  delay(ms: number): void {
    this.#isScheduled = true
    setLongTimeout(this.#runs, ms)
  }

  /** Calls `wake` after `ms`, unless `rest` or `stop` is called again. */
  rest(ms: number, wake: () => void): void {
    this.stop()
    if (ms !== Number.POSITIVE_INFINITY) this.#resting = setLongTimeout(wake, ms)
  }

  stop(): void {
    clearTimeout(this.#resting)
  }
}
