import { LRUCache } from 'lru-cache'
import type { Clock } from '../shared/clock.ts'
import { isInstance } from '../shared/thrown.ts'
import { setBackgroundTimeout } from '../shared/timers.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { QueryAnalysis } from './checks/analyze-query.ts'
import { queryShapeOf } from './checks/query-shape.ts'
import type { ExplainOptions } from './explain/explain-statement.ts'
import { NotExplainableError } from './explain/explainable.ts'
import type { DatabaseSnapshot } from './inspectors/database-snapshot.ts'
import { callSiteOf, isRunnable, type WorkloadEntry } from './workload/workload-record.ts'
import type { WorkloadRecorder } from './workload-recorder.ts'

/** Number of plan requests, by outcome. */
export interface PlanWatchCounts {
  readonly explained: number
  /** Shapes that wait for their turn. */
  readonly waiting: number
  /**
   * Skipped normalized queries, because too many waited, or because they cannot be explained.
   */
  readonly skipped: number
  readonly failed: number
}

export interface PlanWatchParts {
  readonly clock: Clock
  /** Entry of the workload; `undefined` if it was removed. */
  readonly entry: (fingerprint: string, dialect: Dialect) => WorkloadEntry | undefined
  readonly explain: (entry: WorkloadEntry) => Promise<QueryAnalysis>
  readonly onPlan: (analysis: QueryAnalysis, entry: WorkloadEntry) => void
  readonly onError: (error: unknown) => void
}

/** From one request to the next: 12 in a minute. */
const INTERVAL_MS = 5_000
const MAX_WAITING = 200
const MAX_QUERIES = 1_000
/** Delay before new normalized queries are selected together, so that the most expensive one comes first. */
const SETTLE_MS = 1_000
/** Pause of requests after the database did not respond. */
const PAUSE_MS = 60_000

/**
 * Asks for the plans of shapes that are new: one at a time, what takes most time first, and not more often
 * than it may.
 */
export class PlanWatch {
  readonly #waiting = new Map<string, Dialect>()
  readonly #plans = new LRUCache<string, QueryAnalysis>({ max: MAX_QUERIES })
  /** Also contains normalized queries that were removed from the workload. */
  readonly #known = new LRUCache<string, true>({ max: MAX_QUERIES })
  #timer: ReturnType<typeof setTimeout> | undefined
  #nextAt = Number.NEGATIVE_INFINITY
  #isBusy = false
  #isClosed = false
  #counts = { explained: 0, skipped: 0, failed: 0 }

  constructor(private readonly parts: PlanWatchParts) {}

  /** A shape was seen for the first time. Never throws. */
  offer(fingerprint: string, dialect: Dialect): void {
    const key = `${dialect}:${fingerprint}`
    if (this.#isClosed || this.#known.has(key)) return
    this.#known.set(key, true)
    if (this.#waiting.size >= MAX_WAITING) {
      this.#counts.skipped += 1
      return
    }
    this.#waiting.set(fingerprint, dialect)
    this.#schedule()
  }

  /** Results, full scans first, then by total time. */
  plans(): QueryAnalysis[] {
    return [...this.#plans.values()].sort(
      (a, b) => Number(b.fullTableScan) - Number(a.fullTableScan) || (b.totalTime ?? 0) - (a.totalTime ?? 0),
    )
  }

  get counts(): PlanWatchCounts {
    return { ...this.#counts, waiting: this.#waiting.size }
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting.clear()
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#isBusy || this.#isClosed || this.#waiting.size === 0) return
    const wait = Math.max(SETTLE_MS, this.#nextAt - this.parts.clock.now())
    this.#timer = setBackgroundTimeout(() => {
      this.#timer = undefined
      void this.#explainOne()
    }, wait)
  }

  async #explainOne(): Promise<void> {
    const entry = this.#next()
    if (entry !== undefined) {
      this.#isBusy = true
      this.#nextAt = this.parts.clock.now() + INTERVAL_MS
      try {
        const analysis = await this.parts.explain(entry)
        if (this.#isClosed) return
        this.#counts.explained += 1
        this.#plans.set(entry.fingerprint, analysis)
        this.parts.onPlan(analysis, entry)
      } catch (error) {
        this.#failed(error)
      } finally {
        this.#isBusy = false
      }
    }
    this.#schedule()
  }

  #failed(error: unknown): void {
    if (this.#isClosed) return
    if (isInstance(error, NotExplainableError)) {
      this.#counts.skipped += 1
      return
    }
    this.#counts.failed += 1
    this.#nextAt = this.parts.clock.now() + PAUSE_MS
    this.parts.onError(error)
  }

  /** The waiting query with the most total time; removed ones are skipped. */
  #next(): WorkloadEntry | undefined {
    let most: WorkloadEntry | undefined
    for (const [fingerprint, dialect] of this.#waiting) {
      const entry = this.parts.entry(fingerprint, dialect)
      if (entry === undefined) this.#waiting.delete(fingerprint)
      else if (most === undefined || entry.totalMs > most.totalMs) most = entry
    }
    if (most !== undefined) this.#waiting.delete(most.fingerprint)
    return most
  }
}

/** Full scans of tables with fewer rows are not reported. */
const MANY_ROWS = 1_000

interface Engine {
  readonly snapshot: DatabaseSnapshot | undefined
  inspect(): Promise<DatabaseSnapshot>
  explain(
    query: string,
    bindings: readonly unknown[] | undefined,
    options: ExplainOptions,
  ): Promise<QueryAnalysis>
}

interface NewPlansParts extends Pick<PlanWatchParts, 'clock' | 'onError'> {
  readonly onFullScan: (analysis: QueryAnalysis) => void
}

/** Requests the plans of new normalized queries, and reports full scans of tables with many rows. */
export function watchNewPlans(
  engine: Engine,
  recorder: WorkloadRecorder,
  { onFullScan, ...parts }: NewPlansParts,
): PlanWatch {
  const watch = new PlanWatch({
    ...parts,
    entry: (...of) => recorder.log?.entry(...of),
    explain: (entry) => explainEntry(engine, entry),
    onPlan: (analysis, { dialect }) => {
      if (readsManyRows(engine, analysis, dialect)) onFullScan(analysis)
    },
  })
  recorder.onRead = (fingerprint, dialect) => watch.offer(fingerprint, dialect)
  return watch
}

async function explainEntry(
  engine: Engine,
  { sql, samples, calls, totalMs, maxMs, callSites }: WorkloadEntry,
): Promise<QueryAnalysis> {
  // How many rows a table has, plans do not always say.
  const { tables, defaultSchema } = engine.snapshot ?? (await engine.inspect())
  const analysis = await engine.explain(sql, samples.find(isRunnable), { tables, defaultSchema })
  const observed = { executionTime: totalMs / Math.max(1, calls), calls, totalTime: totalMs, maxTime: maxMs }
  const callSite = callSiteOf({ callSites })
  return { ...analysis, ...observed, ...(callSite === undefined ? {} : { callSite }) }
}

function readsManyRows(
  { snapshot }: Engine,
  { plan, query }: QueryAnalysis,
  dialect: WorkloadEntry['dialect'],
): boolean {
  const { hasWhere, hasLimit, orderBy } = queryShapeOf(query, dialect)
  // The limit ends the scan.
  if (hasLimit && !hasWhere && orderBy.length === 0) return false
  return (plan?.steps ?? []).some(({ access, table, rows = 0 }) => {
    if (access !== 'full-scan') return false
    const known = snapshot?.tables.find(({ id }) => id === table)?.rows ?? 0
    return Math.max(rows, known) >= MANY_ROWS
  })
}
