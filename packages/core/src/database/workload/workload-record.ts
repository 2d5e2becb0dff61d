import { type CallSite, parseCallSite } from '../../pipeline/call-site.ts'
import type { WatchedShape } from '../../pipeline/statement-watch.ts'
import { copyValue, isCopyable } from '../../shared/copy.ts'
import { DATABASE_BOUNDS_MS, DurationHistogram } from '../../shared/histogram.ts'
import type { RandomSource } from '../../shared/random.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { StatementSummary } from '../../sql/statement.ts'

/** Samples of bindings that a shape keeps. */
const SAMPLES = 5
const CALL_SITES = 5
/**
 * Maximum number of distinguished call sites until they are read; a call site in a helper includes its
 * callers.
 */
const MAX_PLACES = 16
/**
 * The first two calls are traced; then one of 64, and of shapes that are called often fewer, down to one of
 * 1,024.
 */
const FIRST_TRACES = 2
const MIN_TRACE_GAP = 64
const MAX_TRACE_GAP = 1024
const EMPTY_BYTES = 560

/** Counters. */
export class WorkloadCounts {
  calls = 0
  errors = 0
  rows = 0
  totalMs = 0
  maxMs = 0
  readonly times: DurationHistogram = new DurationHistogram(DATABASE_BOUNDS_MS)

  add(ms: number, rows: number, failed: boolean): void {
    this.totalMs += ms
    this.rows += rows
    if (ms > this.maxMs) this.maxMs = ms
    if (failed) this.errors += 1
    this.times.add(ms)
  }

  take(other: WorkloadCounts): void {
    this.calls += other.calls
    this.errors += other.errors
    this.rows += other.rows
    this.totalMs += other.totalMs
    this.maxMs = Math.max(this.maxMs, other.maxMs)
    this.times.take(other.times)
  }
}

/** Statistics of one normalized query. Adapters call it at each statement's end: the hottest path. */
export class WorkloadRecord extends WorkloadCounts implements WatchedShape {
  bytes: number
  /** By the monotonic clock. */
  lastSeen: number
  /** The calls from which on a stack, and a sample, is of use. */
  traceAt = 1
  sampleAt = 1
  summary: StatementSummary = { operation: '', table: '', summary: '' }
  #movedTo: WorkloadCounts | undefined
  /** Calls that one traced call stands for are those since the one before. */
  #tracedAt = 0
  /** By the user's frames as V8 writes them. */
  #places: Map<string, number> | undefined
  #samples: StoredSample[] | undefined
  /** State of Li's Algorithm L (1994). */
  #weight = 1

  constructor(
    readonly fingerprint: string,
    readonly dialect: Dialect,
    readonly sql: string,
    readonly kind: WorkloadEntry['kind'],
    private readonly firstSeenAt: number,
    now: number,
    private readonly random: RandomSource,
  ) {
    super()
    this.bytes = EMPTY_BYTES + sql.length * 2
    this.lastSeen = now
  }

  ended(startedAt: number, endedAt: number, rows: number, failed: boolean): void {
    this.lastSeen = endedAt
    ;(this.#movedTo ?? this).add(endedAt - startedAt, rows, failed)
  }

  get isMoved(): boolean {
    return this.#movedTo !== undefined
  }

  /** Removed from the workload: its counters, and those of statements in flight, go elsewhere. */
  leave(others: WorkloadCounts): void {
    others.take(this)
    this.#movedTo = others
    this.#places = undefined
    this.#samples = undefined
  }

  /** The present call is traced. Returns how many calls it stands for. */
  traced(): number {
    const stands = this.calls - this.#tracedAt
    const gap =
      this.calls < FIRST_TRACES ? 1 : Math.min(MAX_TRACE_GAP, Math.max(MIN_TRACE_GAP, this.calls / 64))
    // Randomly: alternating call sites would otherwise be sampled at one place only.
    this.traceAt = this.calls + (gap === 1 ? 1 : 1 + Math.floor(this.random() * (2 * gap - 1)))
    this.#tracedAt = this.calls
    return stands
  }

  /**
   * Some calls came from a place.
   *
   * @param frames - The user's frames, as V8 writes them.
   */
  addCallSite(frames: string, calls: number): void {
    if (this.isMoved) return
    this.#places ??= new Map()
    const known = this.#places.get(frames)
    if (known === undefined) {
      if (this.#places.size >= MAX_PLACES) return
      this.bytes += 64 + frames.length * 2
    }
    this.#places.set(frames, (known ?? 0) + calls)
  }

  /** Each call's parameter values are stored with the same probability, regardless of the number of calls. */
  sampled(sample: StoredSample): void {
    const { random } = this
    this.#samples ??= []
    if (this.#samples.length < SAMPLES) {
      this.#samples.push(sample)
      this.bytes += sample.bytes
      this.sampleAt = this.calls + 1
      if (this.#samples.length < SAMPLES) return
    } else {
      const at = Math.floor(random() * SAMPLES)
      this.bytes += sample.bytes - (this.#samples[at]?.bytes ?? 0)
      this.#samples[at] = sample
    }
    this.#weight *= Math.exp(Math.log(1 - random()) / SAMPLES)
    this.sampleAt = this.calls + 1 + Math.floor(Math.log(1 - random()) / Math.log(1 - this.#weight))
  }

  /** @param wallOffset - Difference between wall-clock time and monotonic time. */
  entry(wallOffset: number): WorkloadEntry {
    const { fingerprint, dialect, sql, kind, calls, errors, totalMs, maxMs, rows, firstSeenAt } = this
    return {
      fingerprint,
      dialect,
      sql,
      kind,
      calls,
      errors,
      totalMs,
      maxMs,
      rows,
      firstSeenAt,
      callSites: this.#callSites(),
      samples: (this.#samples ?? []).map(({ values }) => values),
      lastSeenAt: Math.max(firstSeenAt, Math.round(this.lastSeen + wallOffset)),
      source: 'app',
    }
  }

  #callSites(): WorkloadEntry['callSites'] {
    const sites = new Map<string, CallSite & { count: number }>()
    let attributed = 0
    for (const count of this.#places?.values() ?? []) attributed += count
    // Calls since the latest traced one are as those before: a short loop can end before its next trace.
    const scale = 1 + (this.calls - this.#tracedAt) / attributed
    for (const [frames, calls] of this.#places ?? []) {
      const site = parseCallSite(frames)
      if (site === undefined) continue
      const count = Math.round(calls * scale)
      const key = `${site.file}:${site.line}:${site.column}`
      const known = sites.get(key)
      if (known === undefined) sites.set(key, { ...site, count })
      else known.count += count
    }
    return [...sites.values()].sort((a, b) => b.count - a.count).slice(0, CALL_SITES)
  }
}

/** Statistics of one normalized query. Plain data: it can be written to a file and read again. */
export interface WorkloadEntry {
  readonly fingerprint: string
  readonly dialect: Dialect
  /**
   * One text as it was sent: with placeholders, and with values where the app writes them into it. A redacted
   * text, and one over 20,000 characters, has the shape here.
   */
  readonly sql: string
  readonly kind: 'read' | 'write' | 'other'
  readonly calls: number
  /** Number of failed calls. Omitted if it is unknown. */
  readonly errors?: number
  readonly totalMs: number
  readonly maxMs: number
  /** Rows returned, over all calls. */
  readonly rows: number
  /** Call sites, most frequent first; at most 5. Calls are sampled: `count` is an estimate. */
  readonly callSites: readonly (CallSite & { readonly count: number })[]
  /**
   * Parameter values of `sql`: at most 5 sets, selected evenly over time. A value that was too long is an
   * `OmittedValue`. Empty if the workload is redacted.
   */
  readonly samples: readonly (readonly unknown[])[]
  /** Milliseconds since 1970. */
  readonly firstSeenAt: number
  readonly lastSeenAt: number
  /** `app`: seen on the app's connections; `server`: counted by the database. */
  readonly source: 'app' | 'server'
}

/** The most frequent call site of an entry. */
export function callSiteOf(entry: Pick<WorkloadEntry, 'callSites'> | undefined): CallSite | undefined {
  const [site] = entry?.callSites ?? []
  if (site === undefined) return undefined
  const { count: _, ...callSite } = site
  return callSite
}

/**
 * Replaces a value that was not stored in a sample of parameter values. A statement cannot be executed with
 * it.
 */
export class OmittedValue {
  constructor(
    readonly what: 'text' | 'bytes' | 'list' | 'object',
    /** Characters, bytes, items or fields that it has. */
    readonly length: number,
    /** Beginning of a string. */
    readonly start?: string,
  ) {}
}

const MAX_TEXT = 500
const START = 60
const MAX_BYTES = 64
const MAX_ITEMS = 100
const MAX_DEPTH = 4
/** Bytes of one sample. */
const MAX_SAMPLE = 8_000

/** A sample and its memory. */
interface StoredSample {
  readonly values: readonly unknown[]
  /** An estimate. */
  readonly bytes: number
}

/**
 * An independent copy of parameter values, without long ones: strings over 500 characters, bytes over 64.
 * `undefined`: there are too many.
 */
export function storedSample(bindings: readonly unknown[]): StoredSample | undefined {
  if (bindings.length * 8 > MAX_SAMPLE) return undefined
  let bytes = 16
  const values: unknown[] = []
  for (const binding of bindings) {
    const value = keepValue(binding, 0)
    bytes += sizeOf(value)
    if (bytes > MAX_SAMPLE) return undefined
    values.push(value)
  }
  return { values, bytes }
}

/** Whether a statement can be run with a sample of its bindings. */
export function isRunnable(sample: readonly unknown[]): boolean {
  return sample.every(
    (value) => !(value instanceof OmittedValue) && (!Array.isArray(value) || isRunnable(value)),
  )
}

function keepValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string')
    return value.length <= MAX_TEXT
      ? detached(value)
      : new OmittedValue('text', value.length, detached(value.slice(0, START)))
  if (typeof value === 'function' || typeof value === 'symbol') return new OmittedValue('object', 0)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return new Date(value.getTime())
  if (value instanceof Uint8Array)
    return value.length <= MAX_BYTES ? Buffer.from(value) : new OmittedValue('bytes', value.length)
  if (Array.isArray(value)) {
    const isStored = value.length <= MAX_ITEMS && depth < MAX_DEPTH
    return isStored ? value.map((item) => keepValue(item, depth + 1)) : new OmittedValue('list', value.length)
  }
  return isSmall(value) ? copyValue(value) : new OmittedValue('object', Object.keys(value).length)
}

/** Plain, and short as JSON. */
function isSmall(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  if (
    (prototype !== Object.prototype && prototype !== null) ||
    Object.keys(value).length > MAX_ITEMS ||
    !isCopyable(value)
  )
    return false
  try {
    return JSON.stringify(value).length <= MAX_TEXT
  } catch {
    return false
  }
}

/** A part of a string keeps the whole string in memory, unless it is copied. */
function detached(text: string): string {
  return text.length < 13 ? text : Buffer.from(text, 'utf16le').toString('utf16le')
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return 24 + value.length * 2
  if (Buffer.isBuffer(value)) return 100 + value.length
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + sizeOf(item), 32)
  return typeof value === 'object' && value !== null ? 200 : 8
}
