/** States of a `mysql` connection that is closed. */
const CLOSED: readonly unknown[] = ['disconnected', 'protocol_error']

/** Whether a connection is closed, or the pool is about to close it. */
export function isClosed(connection: object): boolean {
  // In this order, properties of `pg` and `pg-native`, `mysql2`, `mysql`, both drivers of SQLite, and Knex.
  const { _ending, _closing, state, open, __knex__disposed } = connection as Readonly<Record<string, unknown>>
  return (
    _ending === true ||
    _closing === true ||
    CLOSED.includes(state) ||
    open === false ||
    __knex__disposed !== undefined
  )
}

/**
 * Marks a connection of the pool as unusable: the pool closes it instead of handing it to the next caller.
 */
export function discard(connection: object): void {
  Object.assign(connection, { __knex__disposed: 'Sluice used this connection for a session.' })
}

interface DriverConnection {
  readonly stream?: { destroy?(): void }
}

/**
 * Closes a connection that may hang, without sending anything: pending calls fail, and the pool creates a
 * replacement.
 */
export function abandon(connection: object): void {
  discard(connection)
  // `pg` has a connection within its client; a `mysql2` client is the connection itself.
  const { connection: inner, stream = inner?.stream } = connection as DriverConnection & {
    readonly connection?: DriverConnection
  }
  if (typeof stream?.destroy === 'function') stream.destroy()
}
