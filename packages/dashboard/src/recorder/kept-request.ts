import type { CallSite, Finding, Mode } from '@sluice/core'
import type { Fill } from '../protocol/request.ts'
import type { KnownShape } from './shape-book.ts'

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
export function bytesOfRequest(name: string, rows: readonly KeptRow[], ticks: number, findings: readonly Finding[]): number {
  let bytes = REQUEST_BYTES + 2 * name.length + rows.length * ROW_BYTES + NUMBERS_BYTES + ticks * TICK * 12
  for (const { parameters, callSite } of rows) {
    if (callSite !== undefined) bytes += 120
    for (const text of parameters ?? []) bytes += 40 + 2 * text.length
  }
  // A budget's finding has groups of its own; texts of shapes are the shapes' own.
  for (const { groups = [], fix = '' } of findings) bytes += FINDING_BYTES + 2 * fix.length + groups.length * 300
  return bytes
}
