import { describe, SluiceError } from '../shared/errors.ts'
import { defineReasons } from '../shared/reasons.ts'
import {
  TRACE_VERSION,
  type Trace,
  type TracedQuery,
  type TraceEvent,
  type TraceHeader,
  type TraceLine,
} from './trace.ts'

/** A file is not a trace; the message contains the line, the expected and the received value. */
export class InvalidTraceError extends SluiceError {
  constructor(
    /** Number of the line, from 1. */
    readonly line: number,
    expected: string,
    received: unknown,
    cause?: unknown,
  ) {
    super('SLUICE_INVALID_TRACE', `Trace, line ${line}: expected ${expected}, got ${describe(received)}.`, {
      cause,
    })
  }
}

/** A line of a trace file. */
export function traceLine(line: TraceLine): string {
  return `${JSON.stringify(line)}\n`
}

/**
 * Reads the content of a trace file. The last line may be cut off, because the app was terminated.
 *
 * @throws InvalidTraceError
 */
export function readTrace(text: string): Trace {
  const lines = text.split('\n')
  const header = headerOf(parsed(lines[0] ?? '', 1))
  const queries = new Map<number, TracedQuery>()
  const events: TraceEvent[] = []
  for (let at = 1; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    if (line === '') continue
    if (at === lines.length - 1 && !line.endsWith('}')) break
    const value = parsed(line, at + 1)
    // A later release may write other types.
    if (isQuery(value)) queries.set(value.id, value)
    else if (isEvent(value)) events.push(value)
    else if (value.type === 'reason' && typeof value.code === 'string' && typeof value.text === 'string')
      defineReasons({ [value.code]: value.text })
  }
  return { header, queries, events }
}

type Fields = Readonly<Record<string, unknown>>

function parsed(line: string, number: number): Fields {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    throw new InvalidTraceError(number, 'JSON', line, error)
  }
  if (typeof value !== 'object' || value === null) throw new InvalidTraceError(number, 'an object', value)
  return value as Fields
}

function headerOf(value: Fields): TraceHeader {
  const { type, schemaVersion, startedAt, ttlMs } = value
  if (type !== 'trace') throw new InvalidTraceError(1, 'the first line of a trace', value)
  if (schemaVersion !== TRACE_VERSION)
    throw new InvalidTraceError(1, `schemaVersion ${TRACE_VERSION}`, schemaVersion)
  if (typeof startedAt !== 'number' || typeof ttlMs !== 'number')
    throw new InvalidTraceError(1, 'numbers startedAt and ttlMs', value)
  return { type, schemaVersion, startedAt, ttlMs }
}

function isQuery(value: Fields): value is Fields & TracedQuery {
  return value.type === 'query' && typeof value.id === 'number' && typeof value.label === 'string'
}

function isEvent(value: Fields): value is Fields & TraceEvent {
  const { type, at, end, id, query, cache, batch, tags = [], wrote = [] } = value
  if (typeof at !== 'number' || typeof end !== 'number') return false
  if (type === 'statement') return typeof query === 'number' && Array.isArray(tags) && Array.isArray(wrote)
  if (typeof id !== 'number') return false
  return (
    type === 'transaction' || (type === 'operation' && isVerdict(cache, 'key') && isVerdict(batch, 'group'))
  )
}

/** Whether a value is a reason code, or an object with a field that identifies it. */
function isVerdict(value: unknown, field: string): boolean {
  if (typeof value === 'string') return true
  return typeof value === 'object' && value !== null && typeof (value as Fields)[field] === 'string'
}
