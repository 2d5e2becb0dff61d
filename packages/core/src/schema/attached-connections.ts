import type { Connection } from './connection.ts'

/** Clients whose connections are kept; of more, the newest. */
const MAX_CONNECTIONS = 64

/** Gives a connection through an attached client; `undefined` once the client is gone. */
export type ConnectionSource = () => Connection | undefined

/** Ways to ask the databases of attached clients. */
export class AttachedConnections {
  readonly #sources = new Map<string, ConnectionSource>()

  attach(sourceId: string, source: ConnectionSource): void {
    this.#sources.set(sourceId, source)
    const [oldest] = this.#sources.keys()
    if (this.#sources.size > MAX_CONNECTIONS && oldest !== undefined) this.#sources.delete(oldest)
  }

  detach(sourceId: string): void {
    this.#sources.delete(sourceId)
  }

  clear(): void {
    this.#sources.clear()
  }

  /** That of the client attached first. */
  first(): Connection | undefined {
    for (const source of this.#sources.values()) {
      const connection = source()
      if (connection !== undefined) return connection
    }
    return undefined
  }
}
