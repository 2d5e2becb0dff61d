import type { SessionChange } from '../sql/statement.ts'

/**
 * The connections of one client whose session has settings that may change results, or the tables that names
 * stand for.
 */
export class SessionSettings {
  readonly #changed = new Map<object, Set<string>>()

  /**
   * @param isClosed - Whether a connection is closed. `undefined`: unknown, so that a changed connection
   *   counts permanently.
   */
  constructor(private readonly isClosed: ((connection: object) => boolean) | undefined) {}

  note(connection: object, changes: readonly SessionChange[]): void {
    for (const change of changes) {
      const names = this.#changed.get(connection)
      if (change.kind === 'set') {
        if (names === undefined) this.#changed.set(connection, new Set([change.name]))
        else names.add(change.name)
      } else if (change.kind === 'reset-all') this.#changed.delete(connection)
      else if (names?.delete(change.name) === true && names.size === 0) this.#changed.delete(connection)
    }
  }

  /** Whether no connection was changed. */
  get isPlain(): boolean {
    return this.#changed.size === 0
  }

  /** Whether any connection that is not closed is changed. */
  get hasChanged(): boolean {
    if (this.#changed.size === 0) return false
    for (const connection of this.#changed.keys())
      if (this.isClosed?.(connection) === true) this.#changed.delete(connection)
    return this.#changed.size > 0
  }
}
