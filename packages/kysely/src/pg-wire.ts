/** How a connection of `pg` submits a query: with `bind` if it has values or is read by a cursor. */
const SUBMITTING = ['query', 'bind'] as const

/**
 * Notices queries on a connection of `pg` that Kysely does not send: it exposes no client, but an app can use
 * the client of a transaction through its pool.
 */
export class PgWire {
  /** Queries of Kysely that were not submitted yet. */
  #expected = 0
  #bypassed: (() => void) | undefined

  constructor(connection: object) {
    const methods = connection as Record<string, (...args: unknown[]) => unknown>
    for (const name of SUBMITTING) {
      const submit = methods[name]
      if (submit === undefined) continue
      methods[name] = (...args) => {
        this.#submitted()
        return submit.apply(connection, args)
      }
    }
  }

  /**
   * Follows a transaction.
   *
   * @param bypassed - Called for each query from now on that Kysely has not announced.
   */
  follow(bypassed: () => void): void {
    this.#expected = 0
    this.#bypassed = bypassed
  }

  /** Called right before Kysely passes a query to the client. */
  expects(): void {
    this.#expected += 1
  }

  #submitted(): void {
    if (this.#expected > 0) this.#expected -= 1
    else this.#bypassed?.()
  }
}
