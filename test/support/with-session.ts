import type { Connection } from '@sluice/core'

/** One connection of a driver is a session. */
export function withSession({ dialect, query }: Connection): Connection {
  const connection: Connection = { dialect, query, session: (work) => work(connection) }
  return connection
}
