import { isMainThread } from 'node:worker_threads'
import type { Sluice } from '@sluice/core'
import { serveDashboard } from '@sluice/dashboard'
import { guarded } from './guarded.ts'

/** Serves a dashboard of this process, and prints its URL. If the port is in use, at any other. */
export function startDashboard(sluice: Sluice, port: number): void {
  if (!isMainThread) return
  const failed = (error: unknown) =>
    guarded('the dashboard', () => {
      throw error
    })
  serveDashboard(sluice, { port }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') return failed(error)
    return serveDashboard(sluice).catch(failed)
  })
}
