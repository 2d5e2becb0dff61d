/** A statement of transaction control that was sent, and is not answered yet. */
interface InFlight {
  /** Whether the app has sent a write on the same connection without waiting for the answer. */
  readonly isWritten: boolean
  answered(): void
}

interface Connection {
  count: number
  isWritten: boolean
}

/**
 * The statements of transaction control in flight. As long as a connection has one, the transaction in which
 * its next statement will run is unknown.
 */
export class ControlsInFlight {
  readonly #connections = new WeakMap<object, Connection>()

  has(connection: object): boolean {
    return this.#connections.has(connection)
  }

  /** The app sends a write. Returns whether the transaction that it belongs to is unknown. */
  wrote(connection: object): boolean {
    const known = this.#connections.get(connection)
    if (known !== undefined) known.isWritten = true
    return known !== undefined
  }

  sent(connection: object): InFlight {
    const known = this.#connections.get(connection) ?? { count: 0, isWritten: false }
    known.count += 1
    this.#connections.set(connection, known)
    return {
      get isWritten() {
        return known.isWritten
      },
      answered: () => {
        known.count -= 1
        if (known.count === 0) this.#connections.delete(connection)
      },
    }
  }
}
