import type { Sluice } from '@sluice/core'
import type { Dashboard } from '@sluice/dashboard'
import { sluiceHealth, sluiceLoadShed, sluiceMetrics } from '@sluice/express'
import { type RequestHandler, Router } from 'express'

/** More than there are visitors. Additional requests are rejected before any work. */
const MAX_CONCURRENT = 200
/** SQLite runs in this process and blocks it: that alone is not an overload. */
const MAX_EVENT_LOOP_DELAY_MS = 500

/** Health checks, metrics and load shedding. */
export interface Operations {
  readonly handler: RequestHandler
  close(): void
}

export function createOperations(sluice: Sluice, dashboard: Dashboard): Operations {
  const shed = sluiceLoadShed({ maxConcurrent: MAX_CONCURRENT, maxEventLoopDelayMs: MAX_EVENT_LOOP_DELAY_MS })
  const router = Router()
  router.use(sluiceHealth(sluice))
  router.use('/metrics', sluiceMetrics(sluice))
  router.use('/_sluice', dashboard.handler)
  // The dashboard above stays available during an overload.
  router.use(shed)
  return { handler: router, close: () => shed.shedding.close() }
}
