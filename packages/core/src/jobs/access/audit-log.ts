import type { JobAction, JobTarget } from './job-action.ts'

/** Who did what, or was refused. */
export interface AuditEntry extends JobTarget {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly actor: string | undefined
  readonly action: JobAction
  readonly isAllowed: boolean
}

/** Keeps entries somewhere. What it throws is told as an event `error`, and hinders nothing. */
export type AuditSink = (entry: AuditEntry) => void | Promise<void>

const MAX_ENTRIES = 1_000

/** The last entries, where no sink is given. */
export class AuditLog {
  readonly #entries: AuditEntry[] = []
  #next = 0

  readonly add = (entry: AuditEntry): void => {
    this.#entries[this.#next % MAX_ENTRIES] = entry
    this.#next += 1
  }

  /** The oldest first. */
  get entries(): readonly AuditEntry[] {
    const at = this.#next % MAX_ENTRIES
    return this.#next <= MAX_ENTRIES ? [...this.#entries] : [...this.#entries.slice(at), ...this.#entries.slice(0, at)]
  }
}
