import type { Sluice } from '@sluice/core'
import { createDashboard } from '@sluice/dashboard'
import { type GracefulShutdown, gracefulShutdown, sluiceResponseCache } from '@sluice/express'
import type { DatabaseTarget } from './database-target.ts'
import { createOperations } from './operations.ts'
import { openSession, type Session, untilInterrupted } from './session.ts'
import { createSluicedApp } from './sluice.ts'
import { startVisitors } from './visitors.ts'

/** 50% of the requests are only observed, to show the effect of batching. */
const ROLLOUT = 0.5
const MANY_REQUESTS = 12
const FEW_REQUESTS = 6
const MANY_REVIEWS = 1.5
/** No load balancer is involved that would need longer to notice. */
const DRAIN_DELAY_MS = 1_000

export interface ServeOptions {
  readonly loaded: DatabaseTarget
  readonly port: number
  readonly hasVisitors: boolean
}

/**
 * Serves the app, with the dashboard and GraphiQL, until it is interrupted; then it finishes requests in
 * flight.
 */
export async function serve({ loaded, port, hasVisitors }: ServeOptions): Promise<void> {
  // The demo runs on the user's machine: the dashboard and the metrics are for this machine only.
  process.env.NODE_ENV ??= 'development'
  const monitor = { collect: {}, scaling: { maxWorkers: 6 } }
  const sluiced = createSluicedApp({
    kind: loaded.kind,
    mode: 'optimize',
    report: false,
    more: { rollout: ROLLOUT, monitor },
  })
  const { sluice } = sluiced
  watch(sluice)
  mailReviewers(sluice)
  const dashboard = createDashboard(sluice, { name: 'atlas', announce: false })
  const operations = createOperations(sluice, dashboard)
  let closing: GracefulShutdown | undefined
  let session: Session | undefined
  try {
    session = await openSession({
      loaded,
      sluiced,
      port,
      operations: operations.handler,
      // No route depends on the user, so a response to one visitor may be served to all.
      keptResponses: sluiceResponseCache(sluice),
      prepare: (server) => {
        closing = gracefulShutdown(server, sluice, {
          drainDelayMs: DRAIN_DELAY_MS,
          signals: [],
          close: () => session?.close(),
        })
      },
    })
    const visitors = hasVisitors ? await startVisitors(session, sluice) : undefined
    const { origin } = session
    process.stderr.write(
      `
Serving with Sluice. Press Ctrl-C to stop.
  the app        ${origin}/regions/GB.ENG/cities
  the dashboard  ${origin}/_sluice/
  GraphiQL       ${origin}/graphql
  operations     ${origin}/metrics, ${origin}/readyz
${hasVisitors ? 'Half of the requests of the simulated visitors are only observed.\n' : ''}`,
    )
    await untilInterrupted()
    await visitors?.stop()
  } finally {
    if (session !== undefined) await closing?.shutdown()
    operations.close()
    await dashboard.close()
    await sluice.close()
  }
}

/** Decisions are only recorded, because there is one process. */
function watch({ monitor }: Sluice): void {
  if (monitor === undefined) return
  monitor.registerMetric('reviews', {
    unit: 'reviews/s',
    warning: MANY_REVIEWS,
    description: 'Reviews that visitors leave',
  })
  monitor.createScalingPolicy('many requests', 'requests', MANY_REQUESTS, 'up', 50, 30)
  monitor.createScalingPolicy('few requests', 'requests', FEW_REQUESTS, 'down', 34, 30)
}

/** Authors of reviews receive an email; some mailboxes do not exist. */
function mailReviewers({ jobs }: Sluice): void {
  jobs?.createQueue('thanks', 2)
  jobs?.registerProcessor('thanks', async ({ userId }: { readonly userId: number }) => {
    await new Promise((resolve) => setTimeout(resolve, 30))
    if (userId % 9 === 0) throw new Error(`550 no such mailbox: reader${userId}@example.org`)
  })
  jobs?.start()
}
