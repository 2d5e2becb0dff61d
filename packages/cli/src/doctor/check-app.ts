import type { DashboardClient } from '../dashboard/dashboard-client.ts'
import { followDashboard } from '../dashboard/follow-dashboard.ts'
import { type LiveSnapshot, readQueueHealth, readStoreStats } from '../dashboard/protocol.ts'
import { count, percent } from '../report/cells.ts'
import { type Check, fail, ok, warn } from './check.ts'

/** What was seen of an app within a time. */
export interface AppWatch {
  readonly snapshot: LiveSnapshot
  /** What reached the database meanwhile, and what of it scopes asked for that ended meanwhile. */
  readonly queries: number
  readonly scopeQueries: number
  /** Scopes that ended. */
  readonly scopes: number
  readonly errors: number
  /** The newest counters since the app was started. */
  readonly totals: LiveSnapshot['totals']
}

/** Fewer queries say nothing. */
const LEAST_QUERIES = 20
/** Of requests that were under way when it began or ended, some queries are counted on one side alone. */
const OUTSIDE_SHARE = 0.25

/**
 * What a running app's dashboard tells of its set-up. What it does not tell, such as versions of packages and how often an adapter wraps, is not checked.
 *
 * @throws DashboardError
 */
export async function checkApp(client: DashboardClient, watchMs: number): Promise<Check[]> {
  const watch = await watchApp(client, watchMs)
  const store = watch.snapshot.engines.cache === true ? readStoreStats(await client.json('api/cache')) : undefined
  const queues = watch.snapshot.engines.jobs === true ? readQueueHealth(await client.json('api/jobs')) : []
  return [
    ...processChecks(watch.snapshot),
    ...scopeChecks(watch, watchMs),
    ...storeChecks(store),
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
    // Those that are not told of one by one ask, on average, what the others do.
    scopeQueries: ended.count === 0 ? 0 : (ended.queries * scopes) / ended.count,
    errors: last.errors,
    totals: last,
  }
}

function processChecks({ app, processes, mode, engines }: LiveSnapshot): Check[] {
  const on = Object.entries(engines).filter(([, is]) => is)
  return [
    ok(`${app.name}: process ${app.pid} on ${app.hostname}${processes > 1 ? `, one of ${processes}` : ''}`),
    ok(`mode: ${mode}${mode === 'observe' ? ', which changes no result' : ''}`),
    on.length === 0
      ? warn('no engine is on', 'createSluice() has all on, unless they are false.')
      : ok(`on: ${on.map(([name]) => name).join(', ')}`),
    ...(engines.detection === false ? [warn('detection is off: nothing is found', 'Leave out detection: false.')] : []),
  ]
}

/** Queries outside of any scope belong to no request: nothing is found in them, and none is merged. */
export function scopeChecks({ snapshot, queries, scopes, scopeQueries }: AppWatch, watchMs: number): Check[] {
  const time = `${Math.round(watchMs / 100) / 10} s`
  const fix = 'Register the middleware before the routes, and run jobs in sluice.run(fn).'
  if (queries < LEAST_QUERIES) {
    const { totals } = snapshot
    if (queries > 0 || totals.queries < LEAST_QUERIES || totals.requests > 0)
      return [
        warn(
          `scopes: not checked, ${queries} queries in ${time}`,
          `Send the app requests meanwhile, or look longer: --seconds ${Math.ceil((watchMs * 6) / 1_000)}`,
        ),
      ]
    return [warn(`scopes: ${count(totals.queries)} queries since the app was started, and no scope`, fix)]
  }
  const outside = Math.max(0, queries - scopeQueries) / queries
  if (scopes === 0) return [warn(`scopes: ${count(queries)} queries in ${time}, and none in a scope`, fix)]
  if (outside > OUTSIDE_SHARE)
    return [warn(`scopes: about ${percent(outside)} of ${count(queries)} queries in ${time} were outside of any`, fix)]
  return [ok(`scopes: ${count(scopes)} in ${time}, and the queries are in them`)]
}

function storeChecks(store: ReturnType<typeof readStoreStats>): Check[] {
  if (store === undefined || store.hits + store.stored + store.errors === 0) return []
  const { hits, stored, errors } = store
  if (errors > 0)
    return [
      warn(
        `shared store: it failed ${count(errors)} times`,
        'See the event error, and whether Redis answers: the cache goes on without it.',
      ),
    ]
  return [ok(`shared store: ${count(stored)} values given to it, ${count(hits)} answers from it`)]
}

/** The engine's own verdict, such as a job store whose disk is full: only the app knows where it is. */
function queueChecks(queues: ReturnType<typeof readQueueHealth>): Check[] {
  const sick = queues.filter(({ health }) => health !== 'healthy')
  if (sick.length === 0)
    return queues.length === 0 ? [] : [ok(`jobs: the queues are healthy: ${queues.map(({ queue }) => queue).join(', ')}`)]
  return sick.map(({ queue, health, reasons }) =>
    (health === 'unhealthy' ? fail : warn)(`jobs: queue "${queue}" is ${health}`, reasons.join(' ')),
  )
}

/** What Sluice's own code takes, by its own measure; nothing where too few requests were timed. */
function overheadChecks({ totals: { timedRequests, overheadMs, timedMs } }: AppWatch): Check[] {
  if (timedRequests === 0) return []
  const us = Math.max(1, Math.round((overheadMs / timedRequests) * 1_000))
  return [
    ok(`overhead: Sluice's own code takes ${count(us)} µs per request, ${percent(overheadMs / Math.max(overheadMs, timedMs))} of its time`),
  ]
}

function errorChecks({ errors }: AppWatch): Check[] {
  if (errors === 0) return []
  return [
    warn(`${count(errors)} errors inside Sluice: those operations were left as they are`, "sluice.on('error', console.error) tells which."),
  ]
}
