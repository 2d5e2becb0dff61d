import type { CallSite, Finding, FindingCode } from '@sluice/core'
import type { ExecutionGroup, Scope } from '@sluice/core/siblings'
import type { Fill, RequestSummary } from '../protocol/request.ts'
import type { OpenRow, RequestTrace } from './request-trace.ts'
import type { KnownShape, ShapeBook } from './shape-book.ts'
import type { SiteMemory } from './site-memory.ts'

/** A stored row of a waterfall. Times are milliseconds since the start of the scope. */
export interface RecordedRow {
  readonly shape: KnownShape
  readonly level: 'operation' | 'statement'
  readonly fill: Fill
  /** Index of the parent row; -1 if there is none. */
  parent: number
  readonly count: number
  readonly startMs: number
  readonly endMs: number
  readonly databaseMs: number
  readonly rows: number
  readonly failed: number
  readonly parallel: number
  /** Index of the first tick in the ticks of the request, and number of ticks. */
  readonly ticksFrom: number
  readonly ticks: number
  readonly callSite: CallSite | undefined
  /** Parameters of the first executions; `undefined` if they are not shown. */
  readonly parameters: readonly string[] | undefined
}

/** Numbers per tick: start, duration, rows, failed. */
export const TICK = 4

/** A finished scope as it is stored. */
export interface RecordedRequest
  extends Omit<RequestSummary, 'process' | 'kind' | 'method' | 'route' | 'statusCode' | 'findings'> {
  /** Counts up from 1 in the order of finishing. */
  readonly sequence: number
  readonly statusCode: number | undefined
  readonly findings: readonly Finding[]
  readonly rows: readonly RecordedRow[]
  readonly omittedRows: number
  readonly ticks: readonly number[]
  /** An estimate of the heap size without the normalized queries. */
  readonly bytes: number
}

const REQUEST_BYTES = 420
const ROW_BYTES = 230
const FINDING_BYTES = 700
const NUMBERS_BYTES = 60

/** Estimates the heap size of a request. Normalized queries are shared and counted in `ShapeBook`. */
function bytesOfRequest(
  name: string,
  rows: readonly RecordedRow[],
  ticks: number,
  findings: readonly Finding[],
): number {
  let bytes = REQUEST_BYTES + 2 * name.length + rows.length * ROW_BYTES + NUMBERS_BYTES + ticks * TICK * 12
  for (const { parameters, callSite } of rows) {
    if (callSite !== undefined) bytes += 120
    for (const text of parameters ?? []) bytes += 40 + 2 * text.length
  }
  // The groups of a budget finding are not shared. Labels belong to the shared normalized queries.
  for (const { groups = [], fix = '' } of findings)
    bytes += FINDING_BYTES + 2 * fix.length + groups.length * 300
  return bytes
}

interface RecordParts {
  readonly id: string
  readonly sequence: number
  /** Monotonic time in milliseconds. */
  readonly now: number
  readonly shapes: ShapeBook
  readonly sites: SiteMemory
  readonly showParameters: boolean
}

/** Number of stored parameters per row, and characters of each. */
const MAX_SHOWN = 5
const MAX_TEXT = 500

/** Converts a finished scope to its stored form. */
export function recordedRequest(
  scope: Scope,
  trace: RequestTrace,
  findings: readonly Finding[],
  parts: RecordParts,
): RecordedRequest {
  const { id, sequence, now, shapes, sites, showParameters } = parts
  const open = trace.rows.filter(({ count }) => count > 0).sort(inOrder)
  // A typed array would be several times as expensive to allocate and free, because of its separate buffer.
  const ticks: number[] = []
  const places = new Map<ExecutionGroup, number>()
  for (const [at, { group }] of open.entries()) if (group !== undefined) places.set(group, at)
  const rows = open.map((row): RecordedRow => {
    const ticksFrom = ticks.length / TICK
    for (let at = 0; at < row.ticks.length; at += TICK) {
      ticks.push((row.ticks[at] as number) - scope.startedAt)
      for (let part = 1; part < TICK; part += 1) ticks.push(row.ticks[at + part] as number)
    }
    const { group } = row
    return {
      shape: shapes.hold(row),
      level: row.level,
      fill: row.fill,
      count: row.count,
      databaseMs: row.databaseMs,
      rows: row.rows,
      failed: row.failed,
      parallel: row.parallel,
      parent: -1,
      startMs: row.startedAt - scope.startedAt,
      endMs: row.endedAt - scope.startedAt,
      ticksFrom,
      ticks: row.ticks.length / TICK,
      callSite: group === undefined ? undefined : siteOf(scope, group, findings, sites),
      parameters: showParameters && group !== undefined ? parametersOf(group) : undefined,
    }
  })
  for (const [at, row] of open.entries()) (rows[at] as RecordedRow).parent = parentOf(row, at, open, places)
  const { name, counts } = scope
  const durationMs = Math.max(0, now - scope.startedAt)
  // A spread would be several times as expensive, and this runs for every request.
  return {
    id,
    sequence,
    name,
    mode: scope.mode,
    statusCode: scope.statusCode,
    failed: scope.failed,
    startedAt: Math.round(Date.now() - durationMs),
    durationMs,
    operations: counts.operations,
    queries: counts.queries,
    batched: counts.batched,
    prefetched: counts.prefetched,
    cacheHits: counts.cacheHits,
    databaseMs: counts.databaseMs,
    findings,
    rows,
    omittedRows: trace.omittedRows,
    ticks,
    bytes: bytesOfRequest(name, rows, ticks.length / TICK, findings),
  }
}

/** Orders rows by start. A statement can start in the same instant as its operation. */
function inOrder(a: OpenRow, b: OpenRow): number {
  return a.startedAt - b.startedAt || Number(a.level === 'statement') - Number(b.level === 'statement')
}

/** Reuses the call site of a finding, if it has one. */
function siteOf(
  scope: Scope,
  group: ExecutionGroup,
  findings: readonly Finding[],
  sites: SiteMemory,
): CallSite | undefined {
  const found = findings.find(
    ({ fingerprint, callSite }) => callSite !== undefined && fingerprint === group.shape.fingerprint,
  )
  return found?.callSite ?? sites.siteOf(scope.name, group)
}

/** Returns the index of the parent row; -1 if there is none. */
function parentOf(
  row: OpenRow,
  at: number,
  open: readonly OpenRow[],
  places: ReadonlyMap<ExecutionGroup, number>,
): number {
  if (row.under !== undefined) {
    const place = places.get(row.under)
    if (place !== undefined && place !== at) return place
  }
  const { group } = row
  if (group === undefined || group.count < 2) return -1
  // Same rule as for findings: the newest parent query with a matching relation, otherwise the newest one.
  const { shape, listings } = group
  const listing = listings.findLast((one) => shape.follows?.(one.shape) === true) ?? listings.at(-1)
  if (listing === undefined) return -1
  const place = open.findIndex((other) => other.group?.shape === listing.shape)
  return place < at ? place : -1
}

function parametersOf({ samples }: ExecutionGroup): readonly string[] | undefined {
  const shown = samples
    .slice(0, MAX_SHOWN)
    .flatMap(({ values }) => (values === undefined ? [] : [textOf(values)]))
  return shown.length === 0 ? undefined : shown
}

function textOf(values: unknown): string {
  try {
    const text = JSON.stringify(values, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)) ?? ''
    return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
  } catch {
    return '(not serializable)'
  }
}

/** Converts a request to a row of a list. */
export function summaryOf(request: RecordedRequest, process: string): RequestSummary {
  const { id, name, mode, statusCode, failed, startedAt, durationMs } = request
  const { operations, queries, batched, prefetched, cacheHits, databaseMs, findings } = request
  const codes = new Set<FindingCode>(findings.map(({ code }) => code))
  return {
    id,
    process,
    name,
    kind: kindOfName(name),
    ...partsOfName(name),
    statusCode: statusCode ?? null,
    failed,
    mode,
    startedAt,
    durationMs: thousandths(durationMs),
    operations,
    queries,
    batched,
    prefetched,
    cacheHits,
    databaseMs: thousandths(databaseMs),
    findings: [...codes],
  }
}

/** Rounds milliseconds to 3 decimals, the resolution of the clock. */
export function thousandths(ms: number): number {
  return Math.round(ms * 1_000) / 1_000
}

const REQUEST = /^([A-Z]{1,20}) (\/.*|\((?:unmatched|other)\))$/s

/**
 * Returns the kind of a scope by its name, as adapters format it: `GET /cities`, `GET (unmatched)`, `job
 * mail`.
 */
export function kindOfName(name: string): RequestSummary['kind'] {
  if (REQUEST.test(name)) return 'request'
  return name.startsWith('job ') ? 'job' : 'other'
}

/** Returns the method and route in the name of a request. */
function partsOfName(name: string): { readonly method: string | null; readonly route: string | null } {
  const [, method = null, route = null] = REQUEST.exec(name) ?? []
  return { method, route: route === '(unmatched)' ? null : route }
}
