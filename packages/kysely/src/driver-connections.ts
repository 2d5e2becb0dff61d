import type { DatabaseConnection, Driver } from 'kysely'
import type { AbortOptions, Taken } from './connection-stand-in.ts'
import { Mutex } from './mutex.ts'
import { acquired } from './unseen-calls.ts'

/** The connections of the app's driver that are in use. */
export class DriverConnections {
  /** If the database has one connection. */
  readonly #queue: Mutex | undefined
  #used = 0
  /** Maximum number of connections that were in use at one time. */
  mostUsed = 0

  /** @param see - Called with each connection that is taken; `undefined`: there is nothing to wait for. */
  constructor(
    private readonly driver: Driver,
    readonly hasOne: boolean,
    private readonly see: (connection: DatabaseConnection) => Promise<void> | undefined,
  ) {
    this.#queue = hasOne ? new Mutex() : undefined
  }

  async take(options?: AbortOptions): Promise<Taken> {
    const queue = this.#queue
    const end = queue && (queue.take() ?? (await queue.next()))
    try {
      const connection = await acquired(this.driver, options)
      // Awaiting nothing would cost each query a promise.
      const seeing = this.see(connection)
      if (seeing !== undefined) await seeing
      return this.took(connection, options, end)
    } catch (error) {
      end?.()
      throw error
    }
  }

  /**
   * The driver has provided a connection.
   *
   * @param end - Called when it was released.
   */
  took(connection: DatabaseConnection, options: AbortOptions, end?: () => void): Taken {
    this.#used += 1
    this.mostUsed = Math.max(this.mostUsed, this.#used)
    return {
      connection,
      release: () => {
        this.#used -= 1
        return end === undefined
          ? this.driver.releaseConnection(connection, options)
          : this.#releaseBefore(end, connection, options)
      },
    }
  }

  async #releaseBefore(
    end: () => void,
    connection: DatabaseConnection,
    options: AbortOptions,
  ): Promise<void> {
    try {
      await this.driver.releaseConnection(connection, options)
    } finally {
      end()
    }
  }
}
