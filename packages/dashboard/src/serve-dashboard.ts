import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Sluice } from '@sluice/core'
import { checkOptions, markOwnServer, option, printsReports, requireAuthorize } from '@sluice/core/siblings'
import { type Dashboard, SluiceDashboard } from './create-dashboard.ts'
import { type DashboardOptions, resolveDashboardOptions } from './dashboard-options.ts'

const HOST = '127.0.0.1'

export interface ServeDashboardOptions extends Omit<DashboardOptions, 'origin'> {
  /**
   * Port of the server. `0`: any free port.
   * @defaultValue 0
   */
  readonly port?: number
  /**
   * Path of the dashboard.
   * @defaultValue '/'
   */
  readonly path?: string
}

/** A dashboard with its own server. `close` also closes the server. */
export type ServedDashboard = Pick<Dashboard, 'url' | 'close'>

/**
 * Serves a dashboard on a separate port, at 127.0.0.1 only. The server does not keep the process alive.
 *
 * Access is that of `createDashboard`. Without `NODE_ENV`, it needs no `authorize`: no proxy leads to its
 * port.
 *
 * @throws AuthorizeRequiredError in production without `authorize`; InvalidOptionError; the error of
 * `listen`, such as `EADDRINUSE`.
 * @example
 * ```ts
 * const dashboard = await serveDashboard(sluice, { port: 4600 })
 * ```
 */
export async function serveDashboard(
  sluice: Sluice,
  { port = 0, path = '/', ...options }: ServeDashboardOptions = {},
): Promise<ServedDashboard> {
  checkOptions({ port }, { port: option.integer(0, 65_535) })
  const resolved = resolveDashboardOptions({ ...options, path })
  if (!printsReports()) requireAuthorize('A dashboard', resolved.authorize)
  const server = markOwnServer(createServer()).unref()
  server.on('connection', (socket) => socket.unref())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // The primary of a cluster would share the port between all workers.
    server.listen({ port, host: HOST, exclusive: true }, resolve)
  })
  const origin = `http://${HOST}:${(server.address() as AddressInfo).port}`
  const dashboard = new SluiceDashboard(sluice, { ...resolved, origin })
  server.on('request', dashboard.handler)
  return {
    get url() {
      return dashboard.url
    },
    async close() {
      server.close()
      await dashboard.close()
      server.closeAllConnections()
    },
  }
}
