import type { CompiledQuery } from 'kysely'

/**
 * Tells for which query Kysely requests a connection: `execute()` compiles a query and requests the
 * connection synchronously. A request without a query reserves a connection.
 */
export class CompiledQueries {
  /** Whether the query of a connection matters. */
  isNeeded: () => boolean = () => true
  #latest: CompiledQuery | undefined
  #isForgetting = false

  compiled(query: CompiledQuery): void {
    if (!this.isNeeded()) return
    this.#latest = query
    if (this.#isForgetting) return
    this.#isForgetting = true
    queueMicrotask(() => {
      this.#isForgetting = false
      this.#latest = undefined
    })
  }

  /** The query that was compiled right before this call, once. */
  take(): CompiledQuery | undefined {
    const latest = this.#latest
    this.#latest = undefined
    return latest
  }
}
