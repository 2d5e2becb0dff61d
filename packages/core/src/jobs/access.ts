import { callSafely } from '../shared/call-safely.ts'
import { NotAuthorizedError } from './job-errors.ts'

/** Actions that `authorize` can deny. */
export type JobAction =
  | 'enqueue'
  | 'retry'
  | 'cancel'
  | 'purge'
  | 'pause'
  | 'resume'
  | 'clear-cache'
  | 'warm-cache'

/** The object of an action. */
export interface JobTarget {
  readonly queue?: string
  readonly taskId?: string
  readonly batchId?: string
  /** Namespace of a cache; omitted for all. */
  readonly namespace?: string
  /** Pattern of a cache's keys, in any namespace; omitted for all. */
  readonly pattern?: string
  /** On whose behalf the task runs. */
  readonly runAs?: string
}

/** An action with its actor, including denied actions. */
export interface AuditEntry extends JobTarget {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly actor: string | undefined
  readonly action: JobAction
  readonly isAllowed: boolean
}

/** Stores audit entries. An error of the sink is emitted as the event `error` and has no other effect. */
export type AuditSink = (entry: AuditEntry) => void | Promise<void>

const MAX_ENTRIES = 1_000

/** The last entries, if there is no sink. */
class AuditLog {
  readonly #entries: AuditEntry[] = []
  #next = 0

  add(entry: AuditEntry): void {
    this.#entries[this.#next % MAX_ENTRIES] = entry
    this.#next += 1
  }

  /** The oldest first. */
  get entries(): readonly AuditEntry[] {
    const at = this.#next % MAX_ENTRIES
    return this.#next <= MAX_ENTRIES
      ? [...this.#entries]
      : [...this.#entries.slice(at), ...this.#entries.slice(0, at)]
  }
}

/**
 * @param actor - User who performs the action; `undefined` if anonymous.
 * @returns Whether the action is allowed.
 */
export type Authorize = (
  actor: string | undefined,
  action: JobAction,
  task: JobTarget,
) => boolean | Promise<boolean>

/** Authorizes actions and logs them. */
export class Gate {
  readonly #log = new AuditLog()

  constructor(
    private readonly authorize: Authorize | undefined,
    private readonly sink: AuditSink | undefined,
    private readonly wall: () => number,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Whether the app reads what passes, or may refuse it. */
  get isWatched(): boolean {
    return this.authorize !== undefined || this.sink !== undefined
  }

  /** The last entries, the oldest first, if there is no sink. */
  get entries(): readonly AuditEntry[] {
    return this.#log.entries
  }

  /** @throws NotAuthorizedError; what the hook throws. */
  async pass(actor: string | undefined, action: JobAction, target: JobTarget): Promise<void> {
    const entry = { at: this.wall(), actor, action, ...target }
    let isAllowed = true
    try {
      if (this.authorize !== undefined) isAllowed = (await this.authorize(actor, action, target)) === true
    } catch (error) {
      this.#record({ ...entry, isAllowed: false })
      throw error
    }
    this.#record({ ...entry, isAllowed })
    if (!isAllowed) throw new NotAuthorizedError(actor, action)
  }

  #record(entry: AuditEntry): void {
    const { sink } = this
    if (sink === undefined) this.#log.add(entry)
    else callSafely(() => sink(entry), this.onError)
  }
}
