import { describeReason } from '../shared/reasons.ts'
import { adviceFor } from './advice.ts'
import { idealSavings } from './ideal.ts'
import { type Simulation, simulate } from './simulation.ts'
import type { Trace, TracedOperation, TracedStatement } from './trace.ts'

/**
 * How many statements of a workload can be saved at most, and how many `optimize` saves. All counts are
 * statements, except for `operations`.
 */
export interface YieldReport {
  /** Recorded time in milliseconds. */
  readonly durationMs: number
  /** Statements that reached the database, with BEGIN and COMMIT. */
  readonly statements: number
  /** Reads of the app that Sluice examined. */
  readonly operations: number
  /** The bound: an ideal cache, ideal batching on top of it, and transactions that these save completely. */
  readonly ideal: {
    readonly cached: number
    /** The part of `cached` within the default time to live. */
    readonly cachedWithinTtl: number
    readonly batched: number
    readonly frames: number
  }
  readonly optimize: {
    readonly cached: number
    readonly batched: number
    readonly prefetched: number
  }
  /** Default time to live of cached results, in seconds. */
  readonly ttl: number
  /** The savings of `optimize` with a longer one. */
  readonly byTtl: readonly { readonly ttl: number; readonly saved: number }[]
  /** The part of the bound that `optimize` does not save, by reason, most statements first. */
  readonly missed: readonly MissedStatements[]
}

export interface MissedStatements {
  /** A reason as in statistics: `cache:IN_TRANSACTION`. */
  readonly reason: string
  readonly text: string
  /** A change that helps; omitted if none is known. */
  readonly advice?: string
  /** The page of the documentation about it: `guides/caching#expiration`. */
  readonly page?: string
  readonly statements: number
  /** The normalized queries with the most statements. */
  readonly examples: readonly { readonly label: string; readonly statements: number }[]
}

const EXAMPLES = 3
/** Factors by which a longer time to live is tried. */
const LONGER_TTLS = [10, 60]

/**
 * Estimates what `optimize` would save, from a trace that was recorded in `observe`.
 *
 * @param from - Statements from this time of the trace on count. Earlier ones fill the cache.
 */
export function estimateYield(trace: Trace, from: number = 0): YieldReport {
  const { ttlMs } = trace.header
  const counted = new CountedStatements(trace, from)
  const ideal = idealSavings(trace, { from })
  const simulated = simulate(trace)
  return {
    durationMs: counted.durationMs,
    statements: counted.statements.length + counted.frames,
    operations: counted.operations.size,
    ideal: {
      cached: ideal.cached,
      cachedWithinTtl: idealSavings(trace, { from, ttlMs }).cached,
      batched: ideal.batched,
      frames: ideal.frames,
    },
    optimize: counted.savedBy(simulated),
    ttl: ttlMs / 1_000,
    byTtl: LONGER_TTLS.map((factor) => {
      const optimize = counted.savedBy(simulate(trace, ttlMs * factor))
      return { ttl: (ttlMs * factor) / 1_000, saved: savedOf({ optimize }) }
    }),
    missed: missedOf(trace, counted, ideal, simulated),
  }
}

/** Adds up the reports of several processes. */
export function sumOfYields(reports: readonly YieldReport[]): YieldReport | undefined {
  const [first] = reports
  if (first === undefined || reports.length === 1) return first
  const sum = (of: (report: YieldReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0)
  const reasons = new Map<string, MissedStatements[]>()
  for (const missed of reports.flatMap((report) => report.missed))
    reasons.set(missed.reason, [...(reasons.get(missed.reason) ?? []), missed])
  return {
    durationMs: Math.max(...reports.map(({ durationMs }) => durationMs)),
    statements: sum(({ statements }) => statements),
    operations: sum(({ operations }) => operations),
    ideal: {
      cached: sum(({ ideal }) => ideal.cached),
      cachedWithinTtl: sum(({ ideal }) => ideal.cachedWithinTtl),
      batched: sum(({ ideal }) => ideal.batched),
      frames: sum(({ ideal }) => ideal.frames),
    },
    optimize: {
      cached: sum(({ optimize }) => optimize.cached),
      batched: sum(({ optimize }) => optimize.batched),
      prefetched: sum(({ optimize }) => optimize.prefetched),
    },
    ttl: first.ttl,
    byTtl: first.byTtl.map(({ ttl }, at) => ({ ttl, saved: sum(({ byTtl }) => byTtl[at]?.saved ?? 0) })),
    missed: byStatements(
      [...reasons.values()].flatMap((same) => {
        const [one] = same
        if (one === undefined) return []
        const examples = new Map<string, number>()
        for (const { label, statements } of same.flatMap((each) => each.examples))
          count(examples, label, statements)
        return [
          {
            ...one,
            statements: same.reduce((total, { statements }) => total + statements, 0),
            examples: examplesOf(examples),
          },
        ]
      }),
    ),
  }
}

/** Number of statements that `optimize` saves. */
export function savedOf({ optimize }: Pick<YieldReport, 'optimize'>): number {
  return optimize.cached + optimize.batched + optimize.prefetched
}

/** Number of statements that can be saved at most. */
export function boundOf({ ideal }: Pick<YieldReport, 'ideal'>): number {
  return ideal.cached + ideal.batched + ideal.frames
}

/** The part of a trace that counts. */
class CountedStatements {
  readonly statements: readonly TracedStatement[]
  readonly operations = new Map<number, TracedOperation>()
  /** BEGIN and COMMIT. */
  readonly frames: number
  readonly durationMs: number

  constructor({ events }: Trace, from: number) {
    const statements: TracedStatement[] = []
    let frames = 0
    let [first, last] = [Number.POSITIVE_INFINITY, from]
    for (const event of events) {
      if (event.at < from) continue
      first = Math.min(first, event.at)
      last = Math.max(last, event.end)
      if (event.type === 'statement') statements.push(event)
      else if (event.type === 'operation') this.operations.set(event.id, event)
      else if (event.isWhole === true) frames += 2
    }
    this.statements = statements
    this.frames = frames
    this.durationMs = Math.max(0, last - first)
  }

  savedBy({ savedBy }: Simulation): YieldReport['optimize'] {
    const counts = { cached: 0, batched: 0, prefetched: 0 }
    for (const { operation } of this.statements) {
      const saved = operation === undefined ? undefined : savedBy.get(operation)
      if (saved !== undefined) counts[saved] += 1
    }
    return counts
  }
}

function missedOf(
  { queries }: Trace,
  { statements, operations }: CountedStatements,
  { savedBy, frames }: ReturnType<typeof idealSavings>,
  simulated: Simulation,
): readonly MissedStatements[] {
  const reasons = new Map<string, Map<string, number>>()
  const add = (reason: string, label: string, statementCount = 1) => {
    const labels = reasons.get(reason) ?? new Map<string, number>()
    reasons.set(reason, labels)
    count(labels, label, statementCount)
  }
  for (const statement of statements) {
    const saved = savedBy.get(statement)
    if (saved === undefined) continue
    const id = statement.operation
    if (id !== undefined && simulated.savedBy.has(id)) continue
    const operation = id === undefined ? undefined : operations.get(id)
    const query = queries.get(operation?.query ?? statement.query)
    add(reasonOf(statement, saved, operation, simulated), query?.label ?? '')
  }
  if (frames > 0) add('TRANSACTION_FRAME', 'BEGIN, COMMIT', frames)
  return byStatements(
    [...reasons].map(([reason, labels]) => ({
      reason,
      text: describeReason(reason),
      ...adviceFor(reason),
      statements: [...labels.values()].reduce((total, each) => total + each, 0),
      examples: examplesOf(labels),
    })),
  )
}

function reasonOf(
  { refused = 'RAW_STATEMENT' }: TracedStatement,
  saved: 'cached' | 'batched',
  operation: TracedOperation | undefined,
  { missed }: Simulation,
): string {
  if (operation === undefined) return refused
  const { id, cache, batch } = operation
  const why = missed.get(id)
  if (why === 'NO_RECENT_GAIN') return why
  if (saved === 'cached')
    return `cache:${typeof cache === 'string' ? cache : (why ?? 'PART_OF_DIFFERENT_READ')}`
  return `batch:${typeof batch === 'string' ? batch : 'SEQUENTIAL'}`
}

function count(counts: Map<string, number>, name: string, times: number): void {
  counts.set(name, (counts.get(name) ?? 0) + times)
}

function examplesOf(labels: ReadonlyMap<string, number>): MissedStatements['examples'] {
  return byStatements([...labels].map(([label, statements]) => ({ label, statements }))).slice(0, EXAMPLES)
}

function byStatements<T extends { readonly statements: number }>(all: readonly T[]): readonly T[] {
  return [...all].sort((one, other) => other.statements - one.statements)
}
