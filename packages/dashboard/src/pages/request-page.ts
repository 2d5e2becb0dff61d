import type { Shape } from '@sluice/core/adapter'
import type { RequestDetail, Tick, WaterfallRow } from '../protocol/request.ts'
import { type KeptRequest, type KeptRow, TICK } from '../recorder/kept-request.ts'
import { findingKey } from '../recorder/request-recorder.ts'
import { summaryOf, thousandths } from '../recorder/summary.ts'
import { findingItem, savingOf } from './finding-item.ts'
import type { PageParts } from './page-parts.ts'
import { placeOf } from './place.ts'

/** Where a request's time went; `undefined`: it is not kept any more. */
export function requestPage({ recorder, muted, process }: PageParts, id: string): RequestDetail | undefined {
  const request = recorder.ring.get(id)
  if (request === undefined) return undefined
  return {
    ...summaryOf(request, process),
    rows: request.rows.map((row, at) => waterfallRow(row, at, request)),
    omittedRows: request.omittedRows,
    found: request.findings.map((finding) => {
      const { lastAt, request: newest } = recorder.traceOf(findingKey(finding))
      return findingItem(finding, { isMuted: muted.has(finding.id), lastAt, request: newest, saving: savingOf(finding) })
    }),
    newest: recorder.routes.newestOf(request.name) ?? id,
  }
}

function waterfallRow(row: KeptRow, id: number, request: KeptRequest): WaterfallRow {
  const { shape, level, fill, parent, count, startMs, endMs, databaseMs, rows, failed, parallel, callSite, parameters = null } = row
  const { fingerprint, label, kind, table = null, dialect = null } = shape
  const about = fill === 'database' ? request.findings.find((finding) => finding.fingerprint === fingerprint) : undefined
  return {
    ...{ id, parent: parent < 0 ? null : parent, level, fill, label, fingerprint, kind, table, dialect },
    ...{ count, startMs: thousandths(startMs), endMs: thousandths(endMs), databaseMs: thousandths(databaseMs), rows, failed, parallel },
    ticks: ticksOf(row, request),
    callSite: placeOf(callSite),
    fix: count > 1 ? fixOf(shape.shape, request.rows[parent]?.shape.shape) : null,
    finding: about === undefined ? null : findingKey(about),
    parameters,
  }
}

function ticksOf({ ticksFrom, ticks }: KeptRow, request: KeptRequest): Tick[] {
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
