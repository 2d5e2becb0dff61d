import type { Cron } from 'croner'
import { errorMessage } from '../shared/error-message.ts'
import { InvalidArgumentError } from '../shared/errors.ts'
import { setLongTimeout } from '../shared/timers.ts'
import type { JobContext } from './job-context.ts'
import type { EnqueueOptions } from './job-options.ts'
import { toPayload } from './payload.ts'
import type { TaskPriority } from './task.ts'
import type { TaskEntry } from './task-entry.ts'

const MAX_WAIT_MS = 86_400_000

export interface ScheduleOptions {
  /**
   * The time zone of the pattern: `Europe/Zurich`.
   * @defaultValue the time zone of the process
   */
  readonly timezone?: string
}

type ScheduledTask = EnqueueOptions &
  ScheduleOptions & { readonly queue?: string; readonly priority?: TaskPriority }

/** A task that is enqueued again and again, until the schedule is stopped. */
export interface Schedule {
  readonly name: string
  /** `undefined`: never again. */
  readonly nextAt: Date | undefined
  stop(): void
}

/** Enqueues tasks at the times of cron patterns. */
export class Schedules {
  readonly #timers = new Map<string, { timer: ReturnType<typeof setTimeout> | undefined }>()
  #isClosed = false

  constructor(
    private readonly context: JobContext,
    private readonly entry: TaskEntry,
  ) {}

  /** @throws InvalidArgumentError for an invalid pattern or time zone; otherwise like `enqueueTask`. */
  async add(name: string, pattern: string, data: unknown, options: ScheduledTask): Promise<Schedule> {
    const { open, events, clock } = this.context
    open.assertOpen()
    const { queue = 'default', priority = 'normal', timezone, ...rest } = options
    this.entry.check(priority, queue, rest)
    toPayload(data)
    const cron = await parse(pattern, timezone)
    this.stop(name)
    // The scheduled time can have passed slightly.
    const run = (at: number) => {
      open
        .once(`${name}@${at}`, at, () => this.entry.enqueue(data, priority, queue, rest))
        .catch((error) => events.emit('error', { error }))
    }
    const entry: { timer: ReturnType<typeof setTimeout> | undefined } = { timer: undefined }
    this.#timers.set(name, entry)
    let next = cron.nextRun(new Date(clock.wall()))
    const wait = () => {
      if (next === null || this.#isClosed || this.#timers.get(name) !== entry) return
      const at = next.getTime()
      const ms = at - clock.wall()
      entry.timer = setLongTimeout(
        () => {
          // A timer cannot wait for long, and may be early.
          if (clock.wall() >= at) {
            next = cron.nextRun(new Date(Math.max(at, clock.wall())))
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
