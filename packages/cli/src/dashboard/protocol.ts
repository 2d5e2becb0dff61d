import { plainLine } from '@sluice/core/siblings'

/** The version of the dashboard's protocol that is read here. What a later version of the dashboard adds is left aside. */
const PROTOCOL_VERSION = 1

/** What of a dashboard's stream is shown. Numbers that are not known are `undefined`. */
export interface LiveSnapshot extends LiveFigures {
  readonly app: AppProcess
  readonly processes: number
  readonly engines: Readonly<Record<string, boolean>>
  readonly mode: string
  readonly routes: readonly LiveRoute[]
  readonly ranked: readonly LiveItem[]
  readonly requestLine: readonly number[]
}

/** What changed: `routes` are those that did, the rest stands in place of what was there. */
export interface LiveDelta extends Partial<LiveFigures> {
  readonly at: number
  readonly mode?: string
  readonly processes?: number
  readonly ranked?: readonly LiveItem[]
  readonly routes: readonly LiveRoute[]
  readonly goneRoutes: readonly string[]
  /** A new point of the line of requests a second. */
  readonly requestPoint?: number
  /** Pages that have something new. */
  readonly stale: readonly string[]
  /** Scopes that ended: those that are told of one by one, what they asked in all, and how many more there were. */
  readonly ended: { readonly count: number; readonly queries: number; readonly skipped: number }
}

interface LiveFigures {
  /** Milliseconds since 1970, by the app's clock. */
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
  /** Requests in which Sluice's own code was timed. */
  readonly timedRequests: number
  /** Milliseconds that Sluice's own code took in timed requests. */
  readonly overheadMs: number
  /** Milliseconds that timed requests lasted. */
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

/** Something that is wrong. */
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
  readonly isMuted: boolean
  readonly groups: readonly Pick<LiveFinding, 'label' | 'count' | 'databaseMs' | 'callSite' | 'fix'>[]
  /** The newest request that has it. */
  readonly request: string | undefined
}

/** It is not what a dashboard tells. */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError'
}

/** @throws ProtocolError for what is no snapshot, or one of a later version. */
export function readSnapshot(json: unknown): LiveSnapshot {
  const value = objectOf(json)
  const version = value.schemaVersion
  if (typeof version !== 'number') throw new ProtocolError('it tells of no schemaVersion: it is no dashboard of Sluice')
  if (version > PROTOCOL_VERSION)
    throw new ProtocolError(
      `the app's dashboard tells version ${version}, and this command line reads version ${PROTOCOL_VERSION}: npm install --save-dev sluice@latest`,
    )
  if (value.process === undefined || !Array.isArray(value.routes)) throw new ProtocolError('it sent no snapshot')
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
    engines: Object.fromEntries(Object.entries(objectOf(value.engines)).map(([name, is]) => [name, is === true])),
    mode: textOf(value.mode),
    vitals: vitalsOf(value.vitals),
    totals: totalsOf(value.totals),
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
    ...(value.totals === undefined ? {} : { totals: totalsOf(value.totals) }),
    ...(value.ranked === undefined ? {} : { ranked: listOf(value.ranked).map(itemOf) }),
    routes: listOf(value.routes).map(routeOf),
    goneRoutes: listOf(value.goneRoutes).map(textOf),
    ...(typeof point === 'number' ? { requestPoint: point } : {}),
    stale: listOf(value.stale).map(textOf),
    ended: { count: requests.length, queries: requests.reduce((sum, queries) => sum + queries, 0), skipped: numberOf(value.skipped) },
  }
}

/** What of `GET api/cache` tells of a store that processes share; `undefined` where the cache is off. */
export function readStoreStats(json: unknown): { readonly hits: number; readonly stored: number; readonly errors: number } | undefined {
  const { tiered } = objectOf(json)
  if (tiered === undefined || tiered === null) return undefined
  const value = objectOf(tiered)
  return { hits: numberOf(value.storeHits), stored: numberOf(value.stored), errors: numberOf(value.storeErrors) }
}

/** The health of each queue in `GET api/jobs`; empty if jobs are off or not used yet. */
export function readQueueHealth(
  json: unknown,
): readonly { readonly queue: string; readonly health: string; readonly reasons: readonly string[] }[] {
  return listOf(objectOf(json).queues).map((one) => {
    const value = objectOf(one)
    return { queue: textOf(value.queue), health: textOf(value.health), reasons: listOf(value.reasons).map(textOf) }
  })
}

/** Of `GET api/findings`; empty where detection is off. */
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
      parent: parent === undefined ? undefined : `${textOf(parent.label)}${parentLine === undefined ? '' : ` :${parentLine}`}`,
      queries: numberOf(value.queries),
      queriesPossible: numberOf(value.queriesPossible),
      occurrences: numberOf(value.occurrences),
      savedMs: numberOf(value.savedMs),
      isMuted: value.isMuted === true,
      groups: listOf(value.groups).map((group) => groupOf(objectOf(group))),
      request: typeof value.request === 'string' ? plainLine(value.request) : undefined,
    }
  })
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
    requests: numberOf(value.requests),
    errors: numberOf(value.errors),
    perSecond: numberOf(value.perSecond),
    sample: numberOf(value.sample),
    queries: numberOf(value.queries),
    databaseMs: numberOf(value.databaseMs),
    repeats: numberOf(value.repeats),
    cacheShare: maybeNumber(value.cacheShare),
    p50: numberOf(value.p50),
    p95: numberOf(value.p95),
    p99: numberOf(value.p99),
    budget: maybeNumber(value.budget),
    overBudget: numberOf(value.overBudget),
    flags: listOf(value.flags).map(textOf),
  }
}

function itemOf(json: unknown): LiveItem {
  const value = objectOf(json)
  return { kind: textOf(value.kind), severity: textOf(value.severity), title: textOf(value.title), detail: textOf(value.detail) }
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

function totalsOf(json: unknown): LiveTotals {
  const value = objectOf(json)
  return {
    requests: numberOf(value.requests),
    operations: numberOf(value.operations),
    queries: numberOf(value.queries),
    timedRequests: numberOf(value.timedRequests),
    overheadMs: numberOf(value.overheadMs),
    timedMs: numberOf(value.timedMs),
    errors: numberOf(value.errors),
  }
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

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? plainLine(value) : ''
}

function maybeNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function numberOf(value: unknown): number {
  return maybeNumber(value) ?? 0
}
