import type { DashboardClient } from '../dashboard/dashboard-client.ts'
import { followDashboard } from '../dashboard/follow-dashboard.ts'
import {
  type LiveSnapshot,
  readQueueHealth,
  readStoreStats,
  readSynchronousReads,
} from '../dashboard/protocol.ts'
import { count, counted, percent } from '../report/cells.ts'
import { type Check, fail, ok, warn } from './check.ts'

/** Observation of an app over a period. */
export interface AppWatch {
  readonly snapshot: LiveSnapshot
  /** Queries sent to the database in the period. */
  readonly queries: number
  /** Queries of the scopes that ended in the period. */
  readonly scopeQueries: number
  /** Scopes that ended. */
  readonly scopes: number
  readonly errors: number
  /** Latest counters since the app started. */
  readonly totals: LiveSnapshot['totals']
}

const LEAST_QUERIES = 20
/** Tolerance, because requests in flight at the start or the end are counted only in part. */
const OUTSIDE_SHARE = 0.25

/**
 * Checks the setup of a running app through its dashboard. The dashboard reports neither package versions nor
 * how often an adapter is wrapped, so these are not checked.
 *
 * @throws DashboardError
 */
export async function checkApp(client: DashboardClient, watchMs: number): Promise<Check[]> {
  const watch = await watchApp(client, watchMs)
  const cache = watch.snapshot.engines.cache === true ? await client.json('api/cache') : undefined
  const queues = watch.snapshot.engines.jobs === true ? readQueueHealth(await client.json('api/jobs')) : []
  return [
    ...processChecks(watch.snapshot),
    ...clientChecks(cache),
    ...scopeChecks(watch, watchMs),
    ...storeChecks(readStoreStats(cache)),
    ...queueChecks(queues),
    ...overheadChecks(watch),
    ...errorChecks(watch),
  ]
}

async function watchApp(client: DashboardClient, watchMs: number): Promise<AppWatch> {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), watchMs + 10_000)
  let snapshot: LiveSnapshot | undefined
  let last: LiveSnapshot['totals'] | undefined
  let endsAt = Number.POSITIVE_INFINITY
  const ended = { count: 0, queries: 0, skipped: 0 }
  let ending: ReturnType<typeof setTimeout> | undefined
  try {
    for await (const event of followDashboard(client, { signal: abort.signal })) {
      if (event.kind === 'snapshot' && snapshot === undefined) {
        snapshot = event.snapshot
        last = event.snapshot.totals
        endsAt = performance.now() + watchMs
        ending = setTimeout(() => abort.abort(), watchMs)
      } else if (event.kind === 'delta') {
        last = event.delta.totals ?? last
        ended.count += event.delta.ended.count
        ended.queries += event.delta.ended.queries
        ended.skipped += event.delta.ended.skipped
      }
      if (performance.now() >= endsAt) abort.abort()
    }
  } finally {
    clearTimeout(timer)
    clearTimeout(ending)
  }
  if (snapshot === undefined || last === undefined) throw new Error('the app sent no snapshot')
  const scopes = ended.count + ended.skipped
  return {
    snapshot,
    queries: last.queries - snapshot.totals.queries,
    scopes,
    // Skipped scopes are estimated by the average of the others.
    scopeQueries: ended.count === 0 ? 0 : (ended.queries * scopes) / ended.count,
    errors: last.errors,
    totals: last,
  }
}

function processChecks({ app, processes, mode, engines }: LiveSnapshot): Check[] {
  const on = Object.entries(engines).filter(([, is]) => is)
  return [
    ok(`${app.name}: process ${app.pid} on ${app.hostname}${processes > 1 ? `, one of ${processes}` : ''}`),
    ok(`mode: ${mode}${mode === 'observe' ? ', which does not change results' : ''}`),
    on.length === 0
      ? warn(
          'no engine is enabled',
          'Remove the engines with the value false from the options of createSluice().',
        )
      : ok(`enabled: ${on.map(([name]) => name).join(', ')}`),
    ...(engines.detection === false
      ? [warn('detection is disabled, so Sluice reports no findings', 'Remove detection: false.')]
      : []),
  ]
}

/** Sluice cannot wait for other queries while a synchronous client runs one. */
function clientChecks(cache: unknown): Check[] {
  const reads = readSynchronousReads(cache)
  if (reads === 0) return []
  return [
    warn(
      `optimize has no effect: ${counted(reads, 'read')} used a synchronous client, such as better-sqlite3 with Drizzle`,
      "Use an asynchronous client, or set mode: 'observe'.",
    ),
  ]
}

/** Sluice cannot assign queries outside scopes to a request, so it neither reports nor batches them. */
export function scopeChecks({ snapshot, queries, scopes, scopeQueries }: AppWatch, watchMs: number): Check[] {
  const time = `${Math.round(watchMs / 100) / 10} s`
  const fix = 'Register the middleware before the routes, and run jobs in sluice.run(fn).'
  if (queries < LEAST_QUERIES) {
    const { totals } = snapshot
    if (queries > 0 || totals.queries < LEAST_QUERIES || totals.requests > 0)
      return [
        warn(
          `scopes: not checked, ${counted(queries, 'query', 'queries')} in ${time}`,
          `Send requests to the app meanwhile, or observe it longer: --seconds ${Math.ceil((watchMs * 6) / 1_000)}`,
        ),
      ]
    return [warn(`scopes: ${count(totals.queries)} queries since the app started, and no scope`, fix)]
  }
  const outside = Math.max(0, queries - scopeQueries) / queries
  if (scopes === 0)
    return [warn(`scopes: ${count(queries)} queries in ${time}, none of them in a scope`, fix)]
  if (outside > OUTSIDE_SHARE)
    return [
      warn(
        `scopes: about ${percent(outside)} of ${count(queries)} queries in ${time} were outside scopes`,
        fix,
      ),
    ]
  return [ok(`scopes: ${count(scopes)} in ${time}, which contain the queries`)]
}

function storeChecks(store: ReturnType<typeof readStoreStats>): Check[] {
  if (store === undefined || store.hits + store.stored + store.errors === 0) return []
  const { hits, stored, errors } = store
  if (errors > 0)
    return [
      warn(
        `shared store: ${counted(errors, 'failure')}`,
        'Check that Redis responds, and listen to the event error. The cache continues without the store.',
      ),
    ]
  return [ok(`shared store: ${counted(stored, 'value')} stored, ${counted(hits, 'hit')}`)]
}

/**
 * The engine reports the health, because only the app knows the path of its job store and whether its disk is
 * full.
 */
function queueChecks(queues: ReturnType<typeof readQueueHealth>): Check[] {
  const sick = queues.filter(({ health }) => health !== 'healthy')
  if (sick.length === 0)
    return queues.length === 0
      ? []
      : [ok(`jobs: all queues are healthy: ${queues.map(({ queue }) => queue).join(', ')}`)]
  return sick.map(({ queue, health, reasons }) =>
    (health === 'unhealthy' ? fail : warn)(`jobs: queue "${queue}" is ${health}`, reasons.join(' ')),
  )
}

/** The CPU time that Sluice adds to a request, as Sluice estimates it. Empty if no request was timed. */
function overheadChecks({ totals: { timedRequests, overheadMs, timedMs } }: AppWatch): Check[] {
  if (timedRequests === 0) return []
  const us = Math.max(1, Math.round((overheadMs / timedRequests) * 1_000))
  return [
    ok(
      `overhead: Sluice adds ${count(us)} µs per request, ${percent(overheadMs / Math.max(overheadMs, timedMs))} of its duration`,
    ),
  ]
}

function errorChecks({ errors }: AppWatch): Check[] {
  if (errors === 0) return []
  return [
    warn(
      `${counted(errors, 'error')} inside Sluice: it passed these operations through`,
      "Log them: sluice.on('error', console.error)",
    ),
  ]
}
