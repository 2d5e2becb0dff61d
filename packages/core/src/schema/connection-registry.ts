import type { Dialect } from '../sql/dialect.ts'
import type { Connection } from './connection.ts'

/** Clients whose connections are kept; of more, the newest. */
const MAX_CONNECTIONS = 64

/** Gives a connection through an attached client; `undefined` once the client is gone. */
export type ConnectionSource = () => Connection | undefined

/** Ways to the databases that the app itself uses, one of each attached client. What is sent on them is none of the app's: it is neither observed nor cached. */
export class ConnectionRegistry {
  readonly #sources = new Map<string, ConnectionSource>()

  attach(sourceId: string, source: ConnectionSource): void {
    this.#sources.set(sourceId, source)
    const [oldest] = this.#sources.keys()
    if (this.#sources.size > MAX_CONNECTIONS && oldest !== undefined) this.#sources.delete(oldest)
  }

  /** The client is no longer instrumented. */
  detach(sourceId: string): void {
    this.#sources.delete(sourceId)
  }

  clear(): void {
    this.#sources.clear()
  }

  /** That of one client; `undefined` when it is not there. */
  of(sourceId: string): Connection | undefined {
    return this.#sources.get(sourceId)?.()
  }

  /** That of the client that was attached first, of a dialect or of any. */
  first(dialect?: Dialect): Connection | undefined {
    return this.all().find((connection) => dialect === undefined || connection.dialect === dialect)
  }

  /** Those of all clients that are there, the first one first. */
  all(): readonly Connection[] {
    return [...this.#sources.values()].flatMap((source) => source() ?? [])
  }
}
