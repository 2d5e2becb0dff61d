import { userFrames } from '../../pipeline/call-site.ts'
import type { Stack } from '../../pipeline/execution-group.ts'
import type { StatementCaller, StatementWatch } from '../../pipeline/statement-watch.ts'
import { type Clock, systemClock } from '../../shared/clock.ts'
import { checkOptions, option } from '../../shared/options.ts'
import type { RandomSource } from '../../shared/random.ts'
import { setBackgroundTimeout } from '../../shared/timers.ts'
import type { AnalyzedSql } from '../../sql/analyze.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { type Statement, summarizeStatement } from '../../sql/statement.ts'
import { storedSample, WorkloadCounts, type WorkloadEntry, WorkloadRecord } from './workload-record.ts'

/** Longer SQL is stored in its normalized form. */
const MAX_TEXT = 20_000
/** Number of stored stack frames of the app: in a bundled app, the first one can belong to a package. */
const FRAMES = 3
/** The period of `onPeriod`: so many statements, and at least so many milliseconds. */
const PERIOD = 32
const PERIOD_MS = 20
/** Calls until others are tried, where bindings were too many to keep. */
const UNKEPT_GAP = 64
/**
 * Stacks that wait to be read, at most, and how long. A stack keeps what its functions use alive: with many,
 * garbage collection takes longer.
 */
const MAX_WAITING = 4
const WAIT_MS = 250
const WRITES: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE', 'MERGE', 'TRUNCATE'])
const READS: ReadonlySet<string> = new Set(['SELECT', 'WITH', 'VALUES', 'TABLE'])

/** Counters of normalized queries that were removed to make room. */
export interface OtherWorkload {
  /** Times that a shape was forgotten. */
  readonly forgotten: number
  readonly calls: number
  readonly errors: number
  readonly totalMs: number
  readonly rows: number
}

/** Normalized queries of a log. Above it, those with the least total time are counted together. */
const MAX_FINGERPRINTS = 1_000

export interface WorkloadLogParts {
  /** For tests. */
  readonly maxFingerprints?: number
  readonly clock?: Clock
  readonly random?: RandomSource
  readonly onError?: (error: unknown) => void
  /** Called at every 32nd statement, but at most 50 times a second. */
  readonly onPeriod?: () => void
  /** Called with the first statement of a shape that only reads. */
  readonly onRead?: (fingerprint: string, dialect: Dialect) => void
}

/**
 * The query workload of an app, by normalized query: counts, times, call sites, and sample parameter values.
 */
export class WorkloadLog implements StatementWatch {
  readonly #isRedacted: boolean
  readonly #maxFingerprints: number
  readonly #maxBytes: number
  readonly #clock: Clock
  readonly #random: RandomSource
  readonly #onError: (error: unknown) => void
  readonly #onPeriod: () => void
  readonly #onRead: ((fingerprint: string, dialect: Dialect) => void) | undefined
  #untilPeriod = PERIOD
  #periodAt = Number.NEGATIVE_INFINITY
  readonly #records: Readonly<Record<Dialect, Map<string, WorkloadRecord>>> = {
    postgresql: new Map(),
    mysql: new Map(),
    sqlite: new Map(),
  }
  /** By the analysis of an SQL string, for as long as it is cached. */
  #byText = new WeakMap<AnalyzedSql, WorkloadRecord>()
  #waiting: { readonly record: WorkloadRecord; readonly stack: Stack; readonly calls: number }[] = []
  #others = new WorkloadCounts()
  #forgotten = 0
  /** All of them: to look for the least among a thousand in a map takes several times longer. */
  readonly #list: WorkloadRecord[] = []
  #bytes = 0

  /** @throws InvalidOptionError for an unknown option, or one out of its bounds. */
  constructor(options: WorkloadOptions = {}, parts: WorkloadLogParts = {}) {
    checkWorkloadOptions(options)
    this.#isRedacted = options.redact ?? false
    this.#maxFingerprints = parts.maxFingerprints ?? MAX_FINGERPRINTS
    this.#maxBytes = options.maxBytes ?? 4_194_304
    this.#clock = parts.clock ?? systemClock
    this.#random = parts.random ?? Math.random
    this.#onError = parts.onError ?? (() => {})
    this.#onPeriod = parts.onPeriod ?? (() => {})
    this.#onRead = parts.onRead
  }

  now(): number {
    return this.#clock.now()
  }

  mayTrace(analyzed: AnalyzedSql): boolean {
    if (this.#waiting.length >= MAX_WAITING) return false
    const record = this.#byText.get(analyzed)
    return record === undefined || record.isMoved || record.calls + 1 >= record.traceAt
  }

  begin(
    sql: string,
    dialect: Dialect,
    analyzed: AnalyzedSql,
    bindings: readonly unknown[],
    caller: StatementCaller | undefined,
  ): WorkloadRecord | undefined {
    if (analyzed.statement.isOwn === true) return undefined
    try {
      let record = this.#byText.get(analyzed)
      if (record === undefined || record.isMoved) record = this.#recordOf(sql, dialect, analyzed)
      record.calls += 1
      this.#untilPeriod -= 1
      if (this.#untilPeriod === 0) {
        this.#untilPeriod = PERIOD
        this.#periodEnded()
      }
      if (record.calls >= record.sampleAt || (caller !== undefined && record.calls >= record.traceAt)) {
        this.#lookAt(record, analyzed.text ?? sql, bindings, caller)
      }
      return record
    } catch (error) {
      this.#onError(error)
      return undefined
    }
  }

  /** Every shape, those that took the most time first. Call sites are looked up in source maps here. */
  snapshot(): WorkloadEntry[] {
    this.#readStacks()
    const wallOffset = this.#clock.wall() - this.#clock.now()
    const entries = this.#list.map((record) => record.entry(wallOffset))
    return entries.sort((a, b) => b.totalMs - a.totalMs)
  }

  /** About what a share of a shape's executions took at most, in milliseconds; `undefined` as for `entry`. */
  quantile(fingerprint: string, dialect: Dialect, share: number): number | undefined {
    const record = this.#records[dialect].get(fingerprint)
    return record === undefined || record.times.count === 0
      ? undefined
      : Math.min(record.maxMs, record.times.quantile(share))
  }

  /** One shape; `undefined` where none of it was seen, or it was forgotten. */
  entry(fingerprint: string, dialect: Dialect): WorkloadEntry | undefined {
    this.#readStacks()
    return this.#records[dialect].get(fingerprint)?.entry(this.#clock.wall() - this.#clock.now())
  }

  /** Those that are in no entry; with them totals are right. */
  get others(): OtherWorkload {
    const { calls, errors, totalMs, rows } = this.#others
    return { forgotten: this.#forgotten, calls, errors, totalMs, rows }
  }

  /**
   * Counters of each normalized query, and of all removed ones, without the data that `snapshot` looks up.
   */
  get counters(): {
    readonly shapes: readonly Readonly<WorkloadRecord>[]
    readonly others: Readonly<WorkloadCounts>
  } {
    return { shapes: this.#list, others: this.#others }
  }

  /** Bytes that are held, as an estimate. */
  get bytes(): number {
    return this.#bytes
  }

  /** Forgets everything. */
  reset(): void {
    for (const records of Object.values(this.#records)) records.clear()
    this.#byText = new WeakMap()
    this.#waiting = []
    this.#others = new WorkloadCounts()
    this.#forgotten = 0
    this.#list.length = 0
    this.#bytes = 0
  }

  #periodEnded(): void {
    const now = this.#clock.now()
    if (now - this.#periodAt < PERIOD_MS) return
    this.#periodAt = now
    this.#onPeriod()
  }

  #recordOf(sent: string, dialect: Dialect, analyzed: AnalyzedSql): WorkloadRecord {
    const sql = analyzed.text ?? sent
    const records = this.#records[dialect]
    const { fingerprint, shape, statement } = analyzed
    let record = records.get(fingerprint)
    if (record === undefined) {
      const isShape = this.#isRedacted || sql.length > MAX_TEXT
      const { wall, now } = { wall: this.#clock.wall(), now: this.#clock.now() }
      record = new WorkloadRecord(
        fingerprint,
        dialect,
        isShape ? shape : sql,
        kindOf(statement),
        wall,
        now,
        this.#random,
      )
      record.summary = summarizeStatement(statement)
      if (isShape) record.sampleAt = Number.POSITIVE_INFINITY
      while (this.#list.length >= this.#maxFingerprints) this.#forget()
      records.set(fingerprint, record)
      this.#list.push(record)
      this.#bytes += record.bytes
      this.#makeRoom(record)
      if (record.kind === 'read') this.#onRead?.(fingerprint, dialect)
    }
    this.#byText.set(analyzed, record)
    return record
  }

  #lookAt(
    record: WorkloadRecord,
    sql: string,
    bindings: readonly unknown[],
    caller: StatementCaller | undefined,
  ): void {
    const before = record.bytes
    if (caller !== undefined && record.calls >= record.traceAt) this.#trace(record, caller)
    // Bindings fit the very text: lists of other lengths are of the same shape.
    if (record.calls >= record.sampleAt && record.sql === sql) {
      const sample = storedSample(bindings)
      if (sample === undefined) record.sampleAt = record.calls + UNKEPT_GAP
      else record.sampled(sample)
    }
    this.#bytes += record.bytes - before
    this.#makeRoom(record)
  }

  #trace(record: WorkloadRecord, caller: StatementCaller): void {
    // Too many at the moment: a later call of the shape is traced.
    if (this.#waiting.length >= MAX_WAITING) return
    const calls = record.traced()
    const stack = caller.stack()
    if (stack === undefined) return
    this.#waiting.push({ record, stack, calls })
    // Capturing a stack is cheap. Formatting it costs a multiple: no statement waits for that, and only some
    // are formatted per second.
    if (this.#waiting.length === 1) setBackgroundTimeout(() => this.#readStacks(), WAIT_MS)
  }

  #readStacks(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const { record, stack, calls } of waiting) {
      try {
        const before = record.bytes
        const frames = userFrames(stack.stack, FRAMES)
        // Without any, others of the calls will tell.
        if (frames !== undefined) record.addCallSite(frames, calls)
        this.#bytes += record.bytes - before
      } catch (error) {
        this.#onError(error)
      }
    }
    this.#makeRoom()
  }

  #makeRoom(newest?: WorkloadRecord): void {
    while (this.#bytes > this.#maxBytes && this.#list.length > 1) this.#forget(newest)
  }

  /** Forgets what took the least time. */
  #forget(retained?: WorkloadRecord): void {
    const list = this.#list
    let at = -1
    let leastMs = Number.POSITIVE_INFINITY
    for (let i = 0; i < list.length; i += 1) {
      const record = list[i] as WorkloadRecord
      if (record === retained || record.totalMs >= leastMs) continue
      at = i
      leastMs = record.totalMs
    }
    const least = list[at]
    const last = list.pop()
    if (least === undefined || last === undefined) return
    if (least !== last) list[at] = last
    this.#bytes -= least.bytes
    this.#forgotten += 1
    this.#records[least.dialect].delete(least.fingerprint)
    least.leave(this.#others)
  }
}

function kindOf({ kinds, writes }: Statement): WorkloadEntry['kind'] {
  if (writes.length > 0 || kinds.some((kind) => WRITES.has(kind))) return 'write'
  return kinds.length > 0 && kinds.every((kind) => READS.has(kind)) ? 'read' : 'other'
}

export interface WorkloadOptions {
  /**
   * Estimated bytes for the SQL, parameter values and call sites of all normalized queries. Those with the
   * least time are removed first. Minimum: `1024`.
   * @defaultValue 4194304
   */
  readonly maxBytes?: number
  /**
   * Keeps no value of the app's: no bindings, and of each text its shape, without the values that are written
   * into it.
   * @defaultValue false
   */
  readonly redact?: boolean
}

const rules = { maxBytes: option.integer(1024), redact: option.boolean }

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
export function checkWorkloadOptions(options: WorkloadOptions, prefix = ''): void {
  checkOptions(options, rules, prefix)
}
