import type { ReplicaAttempt } from '../pipeline/read-routing.ts'

/** The connections of replicas, as their driver provides them. */
export interface ReplicaDriver<TConnection extends object> {
  /** @param index - Index of the replica. */
  acquire(index: number): Promise<TConnection>
  release(connection: TConnection): void | Promise<void>
  /** Identifies a connection of the server. Default: the object that `acquire` returned. */
  identityOf?(connection: TConnection): object
  query(connection: TConnection, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /**
   * Closes a connection that may hang, without sending anything. Default: it stays in use until the driver
   * gives up.
   */
  abandon?(connection: TConnection): void
}

/** Takes connections of replicas for reads. Each is verified before its first read. */
export class ReplicaConnections<TConnection extends object> {
  readonly #admitted = new WeakSet()

  constructor(private readonly driver: ReplicaDriver<TConnection>) {}

  /** Runs a read on a connection of the replica that was chosen for it. */
  async use<T>(attempt: ReplicaAttempt, read: (connection: TConnection) => Promise<T>): Promise<T> {
    const { driver } = this
    let used: TConnection | undefined
    let isAbandoned = false
    attempt.onAbandoned(() => {
      isAbandoned = true
      if (used !== undefined) driver.abandon?.(used)
    })
    const connection = await driver.acquire(attempt.index)
    used = connection
    try {
      if (isAbandoned) throw new Error('This read was abandoned.')
      const identity = driver.identityOf?.(connection) ?? connection
      if (!this.#admitted.has(identity)) await attempt.admit((sql) => driver.query(connection, sql))
      this.#admitted.add(identity)
      return await read(connection)
    } finally {
      used = undefined
      await driver.release(connection)
    }
  }
}
