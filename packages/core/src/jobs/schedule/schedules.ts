import type { Cron } from 'croner'
import { errorMessage } from '../../shared/error-message.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import { setLongTimeout } from '../../shared/timers.ts'

const MAX_WAIT_MS = 86_400_000

export interface ScheduleOptions {
  /**
   * The time zone of the pattern: `Europe/Zurich`.
   * @defaultValue the time zone of the process
   */
  readonly timezone?: string
}

/** Something that is done again and again, until it is stopped. */
export interface Schedule {
  readonly name: string
  /** `undefined`: never again. */
  readonly nextAt: Date | undefined
  stop(): void
}

/** Calls at the times of cron patterns. */
export class Schedules {
  readonly #timers = new Map<string, { timer: ReturnType<typeof setTimeout> | undefined }>()
  #isClosed = false

  constructor(private readonly now: () => number) {}

  /**
   * @param run - Receives the scheduled time, which can have passed slightly.
   * @throws InvalidArgumentError for an invalid pattern or time zone.
   */
  async add(
    name: string,
    pattern: string,
    { timezone }: ScheduleOptions,
    run: (at: number) => void,
  ): Promise<Schedule> {
    const cron = await parse(pattern, timezone)
    this.stop(name)
    const entry: { timer: ReturnType<typeof setTimeout> | undefined } = { timer: undefined }
    this.#timers.set(name, entry)
    let next = cron.nextRun(new Date(this.now()))
    const wait = () => {
      if (next === null || this.#isClosed || this.#timers.get(name) !== entry) return
      const at = next.getTime()
      const ms = at - this.now()
      entry.timer = setLongTimeout(
        () => {
          // A timer cannot wait for long, and may be early.
          if (this.now() >= at) {
            next = cron.nextRun(new Date(Math.max(at, this.now())))
            run(at)
          }
          wait()
        },
        Math.max(0, Math.min(ms, MAX_WAIT_MS)),
      )
      entry.timer.unref()
    }
    wait()
    return {
      name,
      get nextAt() {
        return next ?? undefined
      },
      stop: () => {
        if (this.#timers.get(name) === entry) this.stop(name)
      },
    }
  }

  stop(name: string): void {
    clearTimeout(this.#timers.get(name)?.timer)
    this.#timers.delete(name)
  }

  close(): void {
    this.#isClosed = true
    for (const name of [...this.#timers.keys()]) this.stop(name)
  }
}

async function parse(pattern: string, timezone: string | undefined): Promise<Cron> {
  // Not loaded by who has no schedules.
  const { Cron } = await import('croner')
  try {
    const cron = new Cron(pattern, { paused: true, ...(timezone === undefined ? {} : { timezone }) })
    // An unknown time zone is found out only by asking.
    cron.nextRun()
    return cron
  } catch (error) {
    const expected = `a cron pattern${timezone === undefined ? '' : ` and a time zone in which it is valid`} (${errorMessage(error)})`
    throw new InvalidArgumentError('pattern', expected, pattern)
  }
}
