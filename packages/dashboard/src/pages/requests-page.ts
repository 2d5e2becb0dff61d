import type { Shape } from '@sluice/core/adapter'
import { causeOf, impactOf, savingOf } from '@sluice/core/siblings'
import type { RequestDetail, RequestsPage, RequestsQuery, Tick, WaterfallRow } from '../protocol/request.ts'
import {
  type RecordedRequest,
  type RecordedRow,
  summaryOf,
  TICK,
  thousandths,
} from '../recorder/recorded-request.ts'
import { findingItem } from './findings-page.ts'
import { type PageParts, placeOf } from './page-parts.ts'

export const DEFAULT_LIMIT = 100
export const MAX_LIMIT = 500

/** Statistics of routes, and the latest requests. */
export function requestsPage(
  { recorder, process }: Pick<PageParts, 'recorder' | 'process'>,
  query: RequestsQuery = {},
): RequestsPage {
  const matching = recorder.ring.newestFirst().filter((request) => matches(request, query))
  return {
    routes: recorder.routes.rows(recorder.now()),
    recent: matching.slice(0, query.limit ?? DEFAULT_LIMIT).map((request) => summaryOf(request, process.id)),
    matching: matching.length,
    ring: recorder.ring.state(),
  }
}

function matches(
  request: RecordedRequest,
  { name, status, code, minMs = 0, minQueries = 0 }: RequestsQuery,
): boolean {
  if (request.durationMs < minMs || request.queries < minQueries) return false
  if (name !== undefined && !request.name.toLowerCase().includes(name.toLowerCase())) return false
  if (status !== undefined && !hasStatus(request, status)) return false
  return code === undefined || request.findings.some((finding) => code === 'any' || finding.code === code)
}

function hasStatus(
  { statusCode = 0, failed }: RecordedRequest,
  status: NonNullable<RequestsQuery['status']>,
): boolean {
  if (status === 'error') return failed || statusCode >= 500
  return Math.floor(statusCode / 100) === Number(status[0])
}

/** The waterfall of a request; `undefined` if it is no longer stored. */
export function requestPage(
  { recorder, muted, process }: Pick<PageParts, 'recorder' | 'muted' | 'process'>,
  id: string,
): RequestDetail | undefined {
  const request = recorder.ring.get(id)
  if (request === undefined) return undefined
  return {
    ...summaryOf(request, process.id),
    rows: request.rows.map((row, at) => waterfallRow(row, at, request)),
    omittedRows: request.omittedRows,
    found: request.findings.map((finding) => {
      const { lastAt, request: newest } = recorder.traceOf(causeOf(finding))
      const saving = savingOf(finding)
      const { durationMs: scopeMs } = request
      return findingItem(finding, {
        isMuted: muted.has(finding.id),
        lastAt,
        request: newest,
        saving,
        routes: [],
        impact: impactOf({ occurrences: 1, savedMs: saving.ms, scopeMs, seenMs: 0 }),
      })
    }),
    newest: recorder.routes.newestOf(request.name) ?? id,
  }
}

function waterfallRow(row: RecordedRow, id: number, request: RecordedRequest): WaterfallRow {
  const {
    shape,
    level,
    fill,
    parent,
    count,
    startMs,
    endMs,
    databaseMs,
    rows,
    failed,
    parallel,
    callSite,
    parameters = null,
  } = row
  const { fingerprint, label, kind, table = null, dialect = null } = shape
  const about =
    fill === 'database' ? request.findings.find((finding) => finding.fingerprint === fingerprint) : undefined
  return {
    id,
    parent: parent < 0 ? null : parent,
    level,
    fill,
    label,
    fingerprint,
    kind,
    table,
    dialect,
    count,
    startMs: thousandths(startMs),
    endMs: thousandths(endMs),
    databaseMs: thousandths(databaseMs),
    rows,
    failed,
    parallel,
    ticks: ticksOf(row, request),
    callSite: placeOf(callSite),
    fix: count > 1 ? fixOf(shape.shape, request.rows[parent]?.shape.shape) : null,
    finding: about === undefined ? null : causeOf(about),
    parameters,
  }
}

function ticksOf({ ticksFrom, ticks }: RecordedRow, request: RecordedRequest): Tick[] {
  return Array.from({ length: ticks }, (_, at) => {
    const from = (ticksFrom + at) * TICK
    const [start = 0, duration = 0, rows = 0, failed = 0] = request.ticks.slice(from, from + TICK)
    return [thousandths(start), thousandths(duration), rows, failed === 0 ? 0 : 1] as const
  })
}

function fixOf(shape: Shape | undefined, parent: Shape | undefined): string | null {
  try {
    return shape?.fix?.(parent) ?? null
  } catch {
    return null
  }
}
