import { LRUCache } from 'lru-cache'
import { captureStack } from '../../pipeline/call-site.ts'
import type { ExecutionGroup, Sample, Stack } from '../../pipeline/execution-group.ts'
import type { Shape } from '../../pipeline/operation.ts'
import {
  passedStatement,
  type RepetitionLimits,
  repetitionAmong,
  savedTime,
} from '../../pipeline/repetition.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { Detector, type InspectedScope } from '../detect/detector.ts'
import { causeOf, type Finding } from '../detect/finding.ts'
import type { CountedFinding } from '../detect/finding-book.ts'
import {
  compareFindings,
  type FindingImpact,
  impactOf,
  savingOf,
  severityOf,
  sumOfImpacts,
} from '../detect/severity.ts'

/** The scopes of one name that have a finding. */
export interface FindingRoute
  extends Pick<Finding, 'scope' | 'count' | 'queries' | 'queriesPossible' | 'occurrences'> {
  readonly impact: FindingImpact
}

/** A finding of scopes with one name. */
export type RouteFinding = Omit<NPlusOnePattern, 'routes'>

/** A finding, with the savings of its fix. */
export interface NPlusOnePattern extends Finding {
  /** Number of saved queries, and their time in milliseconds. */
  readonly estimatedSaving: { readonly queries: number; readonly ms: number }
  /** The savings over all occurrences. The severity is derived from it. */
  readonly impact: FindingImpact
  /**
   * The scope names with this normalized query from this call site after this parent query. The other fields
   * are those of the first one, except for `occurrences`, `severity` and `impact`.
   */
  readonly routes: readonly FindingRoute[]
}

/** A statement that was passed to the engine. */
export interface PassedStatement {
  readonly sql: string
  readonly dialect: Dialect
  readonly fingerprint: string
  readonly label: string
}

/** Facts about the normalized queries of a log. */
export interface ShapeKnowledge {
  meanMs(fingerprint: string): number | undefined
  /** Returns one query that replaces repeated executions. `sql` is a sample of the normalized query. */
  fix(sql: string): string | undefined
}

export interface LogScope {
  readonly id: number
  readonly name: string
}

/** Executions without a long pause. */
interface Loop {
  count: number
  isReported: boolean
  readonly samples: Sample[]
}

interface Run {
  readonly statement: PassedStatement
  readonly scope: string
  readonly parent: PassedStatement | undefined
  current: Loop
  longest: Loop
  /** Loops with something to report, and their executions. */
  loops: number
  looped: number
  /** Time at which the first of them was found. */
  firstAt: number | undefined
  lastAt: number
  stack: Stack | undefined
}

/**
 * Maximum number of normalized queries that are counted. Those that were not seen for the longest time are
 * evicted first.
 */
const MAX_RUNS = 1_000
const MAX_SAMPLES = 64
/** After a longer pause, a new loop begins. */
const PAUSE_MS = 1_000
/** The scope name of statements that were passed outside any scope. */
const NO_SCOPE = 'outside any scope'

/** Counts statements that were passed individually, for the detector. */
export class NPlusOneLog {
  readonly #runs = new LRUCache<string, Run>({ max: MAX_RUNS })
  readonly #last = new LRUCache<number, PassedStatement>({ max: MAX_RUNS })
  readonly #detector: Detector
  #writes = 0
  /** Time of the latest statement. */
  #latestAt = 0

  constructor(
    private readonly clock: Clock,
    private readonly limits: RepetitionLimits,
    private readonly knowledge: ShapeKnowledge,
  ) {
    this.#detector = new Detector(limits)
  }

  /** A write: reads after it are no duplicates of those before it. */
  write(): void {
    this.#writes += 1
  }

  /**
   * Counts a read. A statement of a scope with another name, or after a pause of more than 1 second, begins a
   * new loop.
   */
  read(statement: PassedStatement, scope: LogScope | undefined): void {
    const { sql, dialect, fingerprint } = statement
    const scopeId = scope?.id ?? 0
    const key = `${scope?.name ?? ''}\n${fingerprint}`
    const now = this.clock.now()
    this.#latestAt = now
    const before = this.#last.get(scopeId)
    this.#last.set(scopeId, statement)
    const parent = before?.fingerprint === fingerprint ? undefined : before
    const run = this.#runs.get(key) ?? newRun(statement, scope?.name ?? NO_SCOPE, parent, now)
    this.#runs.set(key, run)
    if (now - run.lastAt > PAUSE_MS) run.current = newLoop()
    run.lastAt = now
    const { current } = run
    current.count += 1
    if (current.count > run.longest.count) run.longest = current
    // Captured from the second execution on: most statements have only one.
    if (current.count > 1) run.stack ??= captureStack()
    if (current.samples.length < MAX_SAMPLES)
      current.samples.push(passedStatement(sql, dialect, this.#writes))
    this.#count(run, now)
  }

  #count(run: Run, now: number): void {
    const { current } = run
    if (current.isReported) run.looped += 1
    else if (repetitionAmong(current, this.limits) !== undefined) {
      current.isReported = true
      run.loops += 1
      run.looped += current.count
      run.firstAt ??= now
    }
  }

  patterns(): RouteFinding[] {
    return [...this.#runs.values()].flatMap((run) =>
      this.#detector.peek(this.#scopeOf(run)).map((finding) => this.#describe(run, finding)),
    )
  }

  /** Statements are passed sequentially, even if they ran in parallel. */
  #describe({ statement, loops, looped, firstAt }: Run, finding: Finding): RouteFinding {
    const occurrences = Math.max(1, loops)
    const meanMs = this.knowledge.meanMs(statement.fingerprint) ?? 0
    const savedMs = savedTime(finding.code, looped - loops, meanMs)
    const seenMs = this.#latestAt - (firstAt ?? this.#latestAt)
    // The durations of the scopes are unknown here.
    const impact = impactOf({ occurrences, savedMs, scopeMs: 0, seenMs })
    return withSaving({
      finding: { ...finding, pattern: 'sequential', severity: severityOf(impact), occurrences },
      impact,
    })
  }

  /** Returns the longest loop of a run, in the form that the detector inspects. */
  #scopeOf({ statement, scope, parent, longest, stack }: Run): InspectedScope {
    const { fingerprint, sql } = statement
    const { count } = longest
    const databaseMs = (this.knowledge.meanMs(fingerprint) ?? 0) * count
    const [first, ...others] = longest.samples
    const group: ExecutionGroup = {
      shape: { ...readOf(statement), fix: () => this.knowledge.fix(sql) },
      listings: parent === undefined ? [] : [{ shape: readOf(parent), stack: undefined }],
      count,
      parallel: 0,
      inFlight: 0,
      busySince: 0,
      databaseMs,
      rows: 0,
      isTraced: true,
      samples: first === undefined ? [] : [{ ...first, stack }, ...others],
    }
    return {
      name: scope,
      requestId: undefined,
      groups: new Map([[fingerprint, group]]),
      counts: { queries: count + group.listings.length, databaseMs },
    }
  }
}

function newLoop(): Loop {
  return { count: 0, isReported: false, samples: [] }
}

function newRun(
  statement: PassedStatement,
  scope: string,
  parent: PassedStatement | undefined,
  lastAt: number,
): Run {
  const current = newLoop()
  return {
    statement,
    scope,
    parent,
    current,
    longest: current,
    loops: 0,
    looped: 0,
    firstAt: undefined,
    lastAt,
    stack: undefined,
  }
}

function readOf({ fingerprint, label }: PassedStatement): Shape {
  return { fingerprint, label, kind: 'read' }
}

/** Adds the savings of its fix to a finding of the detector. */
export function withSaving({ finding, impact }: CountedFinding): RouteFinding {
  return { ...finding, estimatedSaving: savingOf(finding), impact }
}

/**
 * Combines findings with the same cause: a helper with a loop is one finding, even if many routes call it.
 *
 * @returns The findings in the order of `compareFindings`, and so are their routes.
 */
export function groupByCause(findings: readonly RouteFinding[]): NPlusOnePattern[] {
  const causes = new Map<string, RouteFinding[]>()
  for (const finding of findings) {
    const cause = causeOf(finding)
    const same = causes.get(cause)
    if (same === undefined) causes.set(cause, [finding])
    else same.push(finding)
  }
  return [...causes.values()].map(combined).sort(compareFindings)
}

function combined(findings: readonly RouteFinding[]): NPlusOnePattern {
  const sorted = findings.toSorted(compareFindings)
  const [worst] = sorted as [RouteFinding, ...RouteFinding[]]
  const routes = sorted.map(({ scope, count, queries, queriesPossible, occurrences, impact }) => ({
    scope,
    count,
    queries,
    queriesPossible,
    occurrences,
    impact,
  }))
  if (routes.length === 1) return { ...worst, routes }
  const impact = impactOf(sumOfImpacts(routes.map((route) => route.impact)))
  return { ...worst, occurrences: impact.occurrences, severity: severityOf(impact), impact, routes }
}
