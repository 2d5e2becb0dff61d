import { plainLine } from '@sluice/core/siblings'
import { installCommand } from '../project/install-command.ts'

/** Supported version of the dashboard's protocol. Fields that later releases add are ignored. */
const PROTOCOL_VERSION = 3

/** The displayed part of a dashboard's snapshot. Unknown numbers are `undefined`. */
export interface LiveSnapshot extends LiveFigures {
  readonly app: AppProcess
  readonly processes: number
  readonly engines: Readonly<Record<string, boolean>>
  readonly mode: string
  readonly routes: readonly LiveRoute[]
  readonly ranked: readonly LiveItem[]
  readonly requestLine: readonly number[]
}

/**
 * Changes since the last event. `routes` contains the changed routes; other fields replace their previous
 * values.
 */
export interface LiveDelta extends Partial<LiveFigures> {
  readonly at: number
  readonly mode?: string
  readonly processes?: number
  readonly ranked?: readonly LiveItem[]
  readonly routes: readonly LiveRoute[]
  readonly goneRoutes: readonly string[]
  /** The next value of `requestLine`. */
  readonly requestPoint?: number
  /** Pages of the dashboard whose data has changed. */
  readonly stale: readonly string[]
  /**
   * Scopes that ended: the number of reported ones, their queries, and the number of scopes that were not
   * reported.
   */
  readonly ended: { readonly count: number; readonly queries: number; readonly skipped: number }
}

interface LiveFigures {
  /** Milliseconds since 1970, on the app's clock. */
  readonly at: number
  readonly vitals: LiveVitals
  readonly totals: LiveTotals
}

export interface AppProcess {
  readonly id: string
  readonly name: string
  readonly pid: number
  readonly hostname: string
  readonly startedAt: number
}

export interface LiveVitals {
  readonly requestsPerSecond: number | undefined
  readonly p99: number | undefined
  /** Percent. */
  readonly errorRate: number | undefined
  readonly queriesPerSecond: number | undefined
  /** 0 to 1. */
  readonly cacheShare: number | undefined
  /** Percent. */
  readonly cpu: number | undefined
  readonly memory: number | undefined
  /** Milliseconds. */
  readonly eventLoopDelay: number | undefined
}

export interface LiveTotals {
  readonly requests: number
  readonly operations: number
  readonly queries: number
  /** Requests in which Sluice's code was timed. */
  readonly timedRequests: number
  /** Milliseconds of Sluice's code in the timed requests. */
  readonly overheadMs: number
  /** Total duration of the timed requests, in milliseconds. */
  readonly timedMs: number
  readonly errors: number
}

export interface LiveRoute {
  readonly name: string
  readonly kind: string
  readonly requests: number
  readonly errors: number
  readonly perSecond: number
  readonly sample: number
  readonly queries: number
  readonly databaseMs: number
  readonly repeats: number
  readonly cacheShare: number | undefined
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly budget: number | undefined
  readonly overBudget: number
  readonly flags: readonly string[]
}

/** A problem of the app. */
export interface LiveItem {
  readonly kind: string
  readonly severity: string
  readonly title: string
  readonly detail: string
}

/** A finding of `GET api/findings`. */
export interface LiveFinding {
  readonly id: string
  readonly code: string
  readonly title: string
  readonly severity: string
  readonly scope: string
  readonly label: string
  readonly count: number
  readonly databaseMs: number
  readonly callSite: string | undefined
  readonly parent: string | undefined
  readonly fix: string | undefined
  readonly queries: number
  readonly queriesPossible: number
  readonly occurrences: number
  readonly savedMs: number
  /** The routes with the finding; empty from an earlier version of the dashboard. */
  readonly routes: readonly Pick<
    LiveFinding,
    'scope' | 'count' | 'queries' | 'queriesPossible' | 'occurrences'
  >[]
  readonly isMuted: boolean
  readonly groups: readonly Pick<LiveFinding, 'label' | 'count' | 'databaseMs' | 'callSite' | 'fix'>[]
  /** Id of the latest request with the finding. */
  readonly request: string | undefined
}

/** The data is not that of a supported dashboard. */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError'
}

/** @throws ProtocolError if the value is not a snapshot, or has a later version. */
export function readSnapshot(json: unknown): LiveSnapshot {
  const value = objectOf(json)
  const version = value.schemaVersion
  if (typeof version !== 'number')
    throw new ProtocolError('expected a Sluice dashboard, got data without a schemaVersion: check the URL')
  if (version > PROTOCOL_VERSION)
    throw new ProtocolError(
      `the dashboard uses protocol version ${version}, but this command line supports version ${PROTOCOL_VERSION}: ${installCommand('sluice@latest', { isDev: true })}`,
    )
  if (value.process === undefined || !Array.isArray(value.routes))
    throw new ProtocolError('expected a snapshot, got other data')
  const app = objectOf(value.process)
  return {
    at: numberOf(value.at),
    app: {
      id: textOf(app.id),
      name: textOf(app.name),
      pid: numberOf(app.pid),
      hostname: textOf(app.hostname),
      startedAt: numberOf(app.startedAt),
    },
    processes: Math.max(1, listOf(value.processes).length),
    engines: Object.fromEntries(
      Object.entries(objectOf(value.engines)).map(([name, is]) => [name, is === true]),
    ),
    mode: textOf(value.mode),
    vitals: vitalsOf(value.vitals),
    totals: liveTotals(value.totals),
    routes: listOf(value.routes).map(routeOf),
    ranked: listOf(value.ranked).map(itemOf),
    requestLine: requestLineOf(value.sparklines),
  }
}

export function readDelta(json: unknown): LiveDelta {
  const value = objectOf(json)
  const point = listOf(objectOf(value.points).requests)[1]
  const requests = listOf(value.requests).map((request) => numberOf(objectOf(request).queries))
  return {
    at: numberOf(value.at),
    ...(value.mode === undefined ? {} : { mode: textOf(value.mode) }),
    ...(value.processes === undefined ? {} : { processes: Math.max(1, listOf(value.processes).length) }),
    ...(value.vitals === undefined ? {} : { vitals: vitalsOf(value.vitals) }),
    ...(value.totals === undefined ? {} : { totals: liveTotals(value.totals) }),
    ...(value.ranked === undefined ? {} : { ranked: listOf(value.ranked).map(itemOf) }),
    routes: listOf(value.routes).map(routeOf),
    goneRoutes: listOf(value.goneRoutes).map(textOf),
    ...(typeof point === 'number' ? { requestPoint: point } : {}),
    stale: listOf(value.stale).map(textOf),
    ended: {
      count: requests.length,
      queries: requests.reduce((sum, queries) => sum + queries, 0),
      skipped: numberOf(value.skipped),
    },
  }
}

/**
 * Statistics of the shared store in `GET api/cache`; `undefined` if the cache is disabled or has no store.
 */
export function readStoreStats(
  json: unknown,
): { readonly hits: number; readonly stored: number; readonly errors: number } | undefined {
  const { results, tiered } = objectOf(json)
  if (tiered === undefined || tiered === null) return undefined
  const sum = (field: string) => numberOf(objectOf(results)[field]) + numberOf(objectOf(tiered)[field])
  return { hits: sum('storeHits'), stored: sum('stored'), errors: sum('storeErrors') }
}

/** Reads of synchronous clients in `GET api/cache` that `optimize` passed through; 0 if it saved a query. */
export function readSynchronousReads(json: unknown): number {
  const page = objectOf(json)
  const saved = numberOf(page.cacheHits) + numberOf(page.batched) + numberOf(page.prefetched)
  const reasons = listOf(page.passedThrough).map(objectOf)
  return saved > 0 ? 0 : numberOf(reasons.find(({ reason }) => reason === 'SYNCHRONOUS_CLIENT')?.count)
}

/** The health of each queue in `GET api/jobs`; empty if jobs are disabled or not used yet. */
export function readQueueHealth(
  json: unknown,
): readonly { readonly queue: string; readonly health: string; readonly reasons: readonly string[] }[] {
  return listOf(objectOf(json).queues).map((one) => {
    const value = objectOf(one)
    return {
      queue: textOf(value.queue),
      health: textOf(value.health),
      reasons: listOf(value.reasons).map(textOf),
    }
  })
}

/** The findings in `GET api/findings`; empty if detection is disabled. */
export function readFindings(json: unknown): readonly LiveFinding[] {
  return listOf(objectOf(json).findings).map((one) => {
    const value = objectOf(one)
    const parent = value.parent === null || value.parent === undefined ? undefined : objectOf(value.parent)
    const parentLine = parent === undefined ? undefined : maybeNumber(objectOf(parent.callSite).line)
    return {
      ...groupOf(value),
      id: textOf(value.id),
      code: textOf(value.code),
      title: textOf(value.title),
      severity: textOf(value.severity),
      scope: textOf(value.scope),
      parent:
        parent === undefined
          ? undefined
          : `${textOf(parent.label)}${parentLine === undefined ? '' : ` :${parentLine}`}`,
      ...numbersOf(value, ['queries', 'queriesPossible', 'occurrences', 'savedMs']),
      routes: listOf(value.routes).map((route) => findingRouteOf(objectOf(route))),
      isMuted: value.isMuted === true,
      groups: listOf(value.groups).map((group) => groupOf(objectOf(group))),
      request: typeof value.request === 'string' ? plainLine(value.request) : undefined,
    }
  })
}

function findingRouteOf(value: Readonly<Record<string, unknown>>): LiveFinding['routes'][number] {
  return {
    scope: textOf(value.scope),
    ...numbersOf(value, ['count', 'queries', 'queriesPossible', 'occurrences']),
  }
}

function groupOf(value: Readonly<Record<string, unknown>>): LiveFinding['groups'][number] {
  const site = objectOf(value.callSite).text
  return {
    label: textOf(value.label),
    count: numberOf(value.count),
    databaseMs: numberOf(value.databaseMs),
    callSite: typeof site === 'string' ? plainLine(site) : undefined,
    fix: typeof value.fix === 'string' ? plainLine(value.fix) : undefined,
  }
}

function routeOf(json: unknown): LiveRoute {
  const value = objectOf(json)
  return {
    name: textOf(value.name),
    kind: textOf(value.kind),
    ...numbersOf(value, ['requests', 'errors', 'perSecond', 'sample', 'queries', 'databaseMs', 'repeats']),
    ...numbersOf(value, ['p50', 'p95', 'p99', 'overBudget']),
    cacheShare: maybeNumber(value.cacheShare),
    budget: maybeNumber(value.budget),
    flags: listOf(value.flags).map(textOf),
  }
}

function itemOf(json: unknown): LiveItem {
  const value = objectOf(json)
  return {
    kind: textOf(value.kind),
    severity: textOf(value.severity),
    title: textOf(value.title),
    detail: textOf(value.detail),
  }
}

function vitalsOf(json: unknown): LiveVitals {
  const value = objectOf(json)
  return {
    requestsPerSecond: maybeNumber(value.requestsPerSecond),
    p99: maybeNumber(value.p99),
    errorRate: maybeNumber(value.errorRate),
    queriesPerSecond: maybeNumber(value.queriesPerSecond),
    cacheShare: maybeNumber(value.cacheShare),
    cpu: maybeNumber(value.cpu),
    memory: maybeNumber(value.memory),
    eventLoopDelay: maybeNumber(value.eventLoopDelay),
  }
}

function liveTotals(json: unknown): LiveTotals {
  return numbersOf(objectOf(json), [
    'requests',
    'operations',
    'queries',
    'timedRequests',
    'overheadMs',
    'timedMs',
    'errors',
  ])
}

function requestLineOf(json: unknown): readonly number[] {
  const line = listOf(json)
    .map(objectOf)
    .find(({ id }) => id === 'requests')
  return listOf(line?.points).flatMap((point) => {
    const value = listOf(point)[1]
    return typeof value === 'number' ? [value] : []
  })
}

/** Returns an object of received JSON; an empty one for any other value. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}

/** Returns a list of received JSON; an empty one for any other value. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? plainLine(value) : ''
}

function maybeNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

export function numberOf(value: unknown): number {
  return maybeNumber(value) ?? 0
}

export function numbersOf<K extends string>(
  value: Readonly<Record<string, unknown>>,
  fields: readonly K[],
): Record<K, number> {
  return Object.fromEntries(fields.map((field) => [field, numberOf(value[field])])) as Record<K, number>
}
