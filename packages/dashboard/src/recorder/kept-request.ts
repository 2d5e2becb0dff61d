import type { CallSite, Finding, Mode } from '@sluice/core'
import type { ExecutionGroup, Scope } from '@sluice/core/siblings'
import type { Fill } from '../protocol/request.ts'
import type { OpenRow, RequestTrace } from './request-trace.ts'
import type { KnownShape, ShapeBook } from './shape-book.ts'
import type { SiteMemory } from './site-memory.ts'

/** A row of a waterfall as it is kept. Times are milliseconds since the scope began. */
export interface KeptRow {
  readonly shape: KnownShape
  readonly level: 'operation' | 'statement'
  readonly fill: Fill
  /** The place of its parent in the request's rows; -1: none is known. */
  parent: number
  readonly count: number
  readonly startMs: number
  readonly endMs: number
  readonly databaseMs: number
  readonly rows: number
  readonly failed: number
  readonly parallel: number
  /** Where its ticks begin in those of the request, and how many there are. */
  readonly ticksFrom: number
  readonly ticks: number
  readonly callSite: CallSite | undefined
  /** What the first were asked with; `undefined`: it is not shown. */
  readonly parameters: readonly string[] | undefined
}

/** Numbers of a tick: start, duration, rows, failed. */
export const TICK = 4

/** A scope that has ended, as it is kept. */
export interface KeptRequest {
  readonly id: string
  /** Counts up from 1: what came later has more. */
  readonly sequence: number
  readonly name: string
  readonly mode: Mode
  readonly statusCode: number | undefined
  readonly failed: boolean
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly durationMs: number
  readonly operations: number
  readonly queries: number
  readonly merged: number
  readonly prefetched: number
  readonly answered: number
  readonly databaseMs: number
  readonly findings: readonly Finding[]
  readonly rows: readonly KeptRow[]
  readonly omittedRows: number
  readonly ticks: readonly number[]
  /** An estimate of its heap, without its shapes. */
  readonly bytes: number
}

const REQUEST_BYTES = 420
const ROW_BYTES = 230
const FINDING_BYTES = 700
const NUMBERS_BYTES = 60

/** An estimate of what a request takes. Shapes are shared, and counted where they are kept. */
function bytesOfRequest(name: string, rows: readonly KeptRow[], ticks: number, findings: readonly Finding[]): number {
  let bytes = REQUEST_BYTES + 2 * name.length + rows.length * ROW_BYTES + NUMBERS_BYTES + ticks * TICK * 12
  for (const { parameters, callSite } of rows) {
    if (callSite !== undefined) bytes += 120
    for (const text of parameters ?? []) bytes += 40 + 2 * text.length
  }
  // A budget's finding has groups of its own; texts of shapes are the shapes' own.
  for (const { groups = [], fix = '' } of findings) bytes += FINDING_BYTES + 2 * fix.length + groups.length * 300
  return bytes
}

interface KeepParts {
  readonly id: string
  readonly sequence: number
  /** Monotonic time in milliseconds. */
  readonly now: number
  readonly shapes: ShapeBook
  readonly sites: SiteMemory
  readonly showParameters: boolean
}

/** Parameters of a row that are shown, and characters of each. */
const MAX_SHOWN = 5
const MAX_TEXT = 500

/** What is kept of a scope that has ended. */
export function keepRequest(scope: Scope, trace: RequestTrace, findings: readonly Finding[], parts: KeepParts): KeptRequest {
  const { id, sequence, now, shapes, sites, showParameters } = parts
  const open = trace.rows.filter(({ count }) => count > 0).sort(inOrder)
  // No typed array: it has a buffer beside it, which costs several times as much to make and to free.
  const ticks: number[] = []
  const places = new Map<ExecutionGroup, number>()
  for (const [at, { group }] of open.entries()) if (group !== undefined) places.set(group, at)
  const rows = open.map((row): KeptRow => {
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
  for (const [at, row] of open.entries()) (rows[at] as KeptRow).parent = parentOf(row, at, open, places)
  const { name, counts } = scope
  const durationMs = Math.max(0, now - scope.startedAt)
  // No spread: it costs several times as much, and each request makes one.
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
    merged: counts.merged,
    prefetched: counts.prefetched,
    answered: counts.answered,
    databaseMs: counts.databaseMs,
    findings,
    rows,
    omittedRows: trace.omittedRows,
    ticks,
    bytes: bytesOfRequest(name, rows, ticks.length / TICK, findings),
  }
}

/** What an operation sent may have begun in the same instant. */
function inOrder(a: OpenRow, b: OpenRow): number {
  return a.startedAt - b.startedAt || Number(a.level === 'statement') - Number(b.level === 'statement')
}

/** A finding's place was worked out already. */
function siteOf(scope: Scope, group: ExecutionGroup, findings: readonly Finding[], sites: SiteMemory): CallSite | undefined {
  const found = findings.find(({ fingerprint, callSite }) => callSite !== undefined && fingerprint === group.shape.fingerprint)
  return found?.callSite ?? sites.siteOf(scope.name, group)
}

/** The place of the row that a row belongs under; -1: none is known. */
function parentOf(row: OpenRow, at: number, open: readonly OpenRow[], places: ReadonlyMap<ExecutionGroup, number>): number {
  if (row.under !== undefined) {
    const place = places.get(row.under)
    if (place !== undefined && place !== at) return place
  }
  const { group } = row
  if (group === undefined || group.count < 2) return -1
  // As findings have it: the newest listing that it follows by a relation, otherwise the newest.
  const { shape, listings } = group
  const listing = listings.findLast((one) => shape.follows?.(one.shape) === true) ?? listings.at(-1)
  if (listing === undefined) return -1
  const place = open.findIndex((other) => other.group?.shape === listing.shape)
  return place < at ? place : -1
}

function parametersOf({ samples }: ExecutionGroup): readonly string[] | undefined {
  const shown = samples.slice(0, MAX_SHOWN).flatMap(({ values }) => (values === undefined ? [] : [textOf(values)]))
  return shown.length === 0 ? undefined : shown
}

function textOf(values: unknown): string {
  try {
    const text = JSON.stringify(values, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)) ?? ''
    return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
  } catch {
    return '(cannot be shown)'
  }
}
