import cluster from 'node:cluster'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/**
 * For workers: once the worker gets nothing new, answers on connections that are open already say that they are closed afterwards. Clients then come back
 * by a new connection, to a worker that stays, and this one can end as soon as it has answered. Connections that are idle are left to their
 * `keepAliveTimeout`: a client that asks just as its connection is closed would get an error.
 *
 * @returns The server.
 */
export function closeConnectionsOnDisconnect<T extends Pick<Server, 'prependListener' | 'closeIdleConnections'>>(server: T): T {
  // Of the process, the event `disconnect` comes when all connections are closed.
  const isLeaving = () => cluster.worker?.exitedAfterDisconnect === true
  server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
    if (isLeaving() && !response.headersSent) response.setHeader('connection', 'close')
  })
  const closeIdle = server.closeIdleConnections.bind(server)
  // Node calls it for each server of a worker that is to leave.
  server.closeIdleConnections = () => {
    if (!isLeaving()) closeIdle()
  }
  return server
}
