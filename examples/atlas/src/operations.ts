import type { Sluice } from '@sluice/core'
import type { Dashboard } from '@sluice/dashboard'
import { sluiceHealth, sluiceLoadShed, sluiceMetrics } from '@sluice/express'
import { type RequestHandler, Router } from 'express'

/** More than visitors ever are at once: what comes beyond it is refused before anything is done for it. */
const MAX_CONCURRENT = 200
/** SQLite answers in this very process, which is late meanwhile: that alone is no overload. */
const MAX_EVENT_LOOP_DELAY_MS = 500

/** What those who run the app ask of it, and what protects it. */
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
  // Whoever looks for the reason of an overload is let in above.
  router.use(shed)
  return { handler: router, close: () => shed.shedding.close() }
}
