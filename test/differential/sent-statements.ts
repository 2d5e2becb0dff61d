import type { Knex } from 'knex'
import type { OnSent } from '../support/on-sent.ts'

/** The statements that builders sent. */
interface Sent {
  readonly count: number
  /** The maximum number of values in one select. */
  readonly widest: number
}

/** Counts the statements of builders. */
export class SentStatements {
  #count = 0
  #widest = 0

  readonly onSent: OnSent = (sql, values) => {
    this.#count += 1
    if (/^\(?select/i.test(sql)) this.#widest = Math.max(this.#widest, values)
  }

  watch(db: Knex): void {
    db.on('query', ({ sql, bindings }: { readonly sql: string; readonly bindings?: readonly unknown[] }) =>
      this.onSent(sql, bindings?.length ?? 0),
    )
  }

  /** The statements since the last call. */
  take(): Sent {
    const taken = { count: this.#count, widest: this.#widest }
    this.#count = 0
    this.#widest = 0
    return taken
  }
}
