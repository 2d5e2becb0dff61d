import { setImmediate as nextTick } from 'node:timers/promises'
import type { Connection } from '../schema/connection.ts'
import { SluiceError } from '../shared/errors.ts'

/**
 * Waits for a connection that Sluice requested for itself, no longer than until the signal is aborted. A
 * connection that arrives later is released immediately.
 *
 * @throws SluiceError `SLUICE_NO_CLIENT` if the signal is aborted first; the error of the request.
 */
export function takeUntil<T>(
  signal: AbortSignal | undefined,
  requested: Promise<T>,
  release: (taken: T) => unknown,
): Promise<T> {
  if (signal === undefined) return requested
  return new Promise((resolve, reject) => {
    const leave = () => reject(closedError())
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    requested
      .then((taken) => (signal.aborted ? release(taken) : resolve(taken)))
      .finally(() => signal.removeEventListener('abort', leave))
      .catch(reject)
  })
}

/** A connection that sends nothing after the signal was aborted, so that its holder releases it. */
export function sendingUntil(signal: AbortSignal, connection: Connection): Connection {
  const { session } = connection
  return {
    dialect: connection.dialect,
    isBesidePool: connection.isBesidePool === true,
    query: (sql, params) => (signal.aborted ? Promise.reject(closedError()) : connection.query(sql, params)),
    ...(session !== undefined && {
      session: <T>(work: (own: Connection) => Promise<T>) =>
        session.call(connection, (own) => work(sendingUntil(signal, own))) as Promise<T>,
    }),
  }
}

/** Ignores the error of own statements if the app has closed its client in the meantime. */
export async function unlessClosed(
  client: { connection(): Connection | undefined },
  work: Promise<void>,
): Promise<void> {
  try {
    await work
  } catch (error) {
    if (client.connection() !== undefined) throw error
  }
}

/** Callers of the current tick request a connection of the pool before Sluice does. */
export function afterTheApp(connection: Connection): Connection {
  const { dialect, query } = connection
  // Most drivers of SQLite end a statement before its caller continues.
  if (dialect === 'sqlite') return connection
  return {
    dialect,
    async query(sql, params) {
      await nextTick()
      return query(sql, params)
    },
  }
}

/**
 * Each statement of Sluice uses a separate connection of the pool, so statements of the app can run in
 * between.
 */
export function statementByStatement(connection: Connection): Connection {
  return { dialect: connection.dialect, query: connection.query.bind(connection) }
}

function closedError(): SluiceError {
  return new SluiceError(
    'SLUICE_NO_CLIENT',
    'The client was closed while Sluice read the schema. Sluice reads it again when the client is used.',
  )
}
