import type { Dialect } from '../sql/dialect.ts'
import type { WriteOutcome } from './writes.ts'

/**
 * A transaction of this process, with the least by which it raised the server's counter of transactions. A
 * statement outside of transactions is also a transaction.
 */
export class OwnTransaction {
  #hasChanged = false
  #isPartial = false
  #isOver = false

  /**
   * @param sentAt - A time before its first statement was sent.
   * @param ended - Called when it has ended, with the least by which it raised the counter; `undefined`:
   * whether and when it did is unknown.
   */
  constructor(
    private readonly dialect: Dialect,
    readonly sentAt: number,
    private readonly ended: (raised: bigint | undefined) => void,
  ) {}

  /** A statement of it has certainly changed at least one row. */
  changed(): void {
    this.#hasChanged = true
  }

  /** A part of it was rolled back: it may commit nothing. */
  partlyRolledBack(): void {
    this.#isPartial = true
  }

  /** Call it when the database has responded. Later calls do nothing. */
  end(outcome: WriteOutcome): void {
    if (this.#isOver) return
    this.#isOver = true
    this.ended(this.#raised(outcome))
  }

  /**
   * PostgreSQL: its number. MariaDB: the number that it gets with its first change, and that of its commit,
   * which it gets only if it commits changes.
   */
  #raised(outcome: WriteOutcome): bigint | undefined {
    if (outcome === 'unknown') return undefined
    // SQLite counts only the transactions of other connections.
    if (!this.#hasChanged || this.dialect === 'sqlite') return 0n
    return this.dialect === 'mysql' && outcome === 'committed' && !this.#isPartial ? 2n : 1n
  }
}
