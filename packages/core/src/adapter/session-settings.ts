import type { SessionChange } from '../sql/statement.ts'

/** Settings that `RESET ALL` does not reset; `*` is any setting. */
const BEYOND_RESET: ReadonlySet<string> = new Set(['role', 'session_authorization', '*'])
/** Maximum number of changed connections that are stored. */
const MAX_CONNECTIONS = 1_000

/**
 * The connections of one client whose session has settings that may change results, or the tables that names
 * stand for.
 */
export class SessionSettings {
  readonly #changed = new Map<object, Set<string>>()
  /** A connection was changed that is not among them. */
  #isOverfull = false

  /**
   * @param isClosed - Whether a connection is closed. `undefined`: unknown, so that a changed connection
   *   counts permanently.
   */
  constructor(private readonly isClosed: ((connection: object) => boolean) | undefined) {}

  /**
   * @param isInTransaction - Whether a transaction is open on the connection: its rollback would undo a
   *   reset.
   */
  note(connection: object, changes: readonly SessionChange[], isInTransaction: boolean): void {
    for (const change of changes) {
      const names = this.#changed.get(connection)
      if (change.kind === 'set') {
        if (names !== undefined) names.add(change.name)
        else if (this.#changed.size >= MAX_CONNECTIONS) this.#isOverfull = true
        else this.#changed.set(connection, new Set([change.name]))
      } else if (names !== undefined && !isInTransaction) {
        for (const name of names) if (resets(change, name)) names.delete(name)
        if (names.size === 0) this.#changed.delete(connection)
      }
    }
  }

  /** Whether no connection was changed. */
  get isPlain(): boolean {
    return this.#changed.size === 0 && !this.#isOverfull
  }

  /** Whether any connection that is not closed is changed. */
  get hasChanged(): boolean {
    if (this.isPlain) return false
    for (const connection of this.#changed.keys())
      if (this.isClosed?.(connection) === true) this.#changed.delete(connection)
    return !this.isPlain
  }
}

function resets(change: Exclude<SessionChange, { kind: 'set' }>, name: string): boolean {
  if (change.kind === 'reset') return change.name === name
  return change.kind === 'discard-all' || !BEYOND_RESET.has(name)
}
