import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Express } from 'express'

export interface RunningServer {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  close(): Promise<void>
}

const DEFAULT_PORT = 4_000

/**
 * Reads a port as the environment has it.
 *
 * @throws Error for anything but a whole number from 0 to 65535.
 */
export function parsePort(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_PORT
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new Error(`PORT: expected a whole number from 0 to 65535, got "${text}"`)
  return port
}

/**
 * Serves the app on the loopback interface.
 *
 * @param port - `0` for any free one.
 * @param prepare - Given the server before it listens.
 * @throws the system's error, for example `EADDRINUSE`.
 */
export async function listen(
  app: Express,
  port: number,
  prepare?: (server: Server) => void,
): Promise<RunningServer> {
  const server = createServer(app)
  prepare?.(server)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const { port: bound } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
