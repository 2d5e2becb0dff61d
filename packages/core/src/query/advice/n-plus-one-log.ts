import { LRUCache } from 'lru-cache'
import { captureStack } from '../../pipeline/call-site.ts'
import type { ExecutionGroup, Stack } from '../../pipeline/execution-group.ts'
import type { Shape } from '../../pipeline/operation.ts'
import type { Clock } from '../../shared/clock.ts'
import { Detector, type InspectedScope } from '../detect/detector.ts'
import type { Finding } from '../detect/finding.ts'
import type { CountedFinding } from '../detect/finding-book.ts'
import { type FindingImpact, impactOf, savingOf, severityOf } from '../detect/severity.ts'

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
export interface Handed {
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

interface Run {
  readonly shape: Handed
  readonly sql: string
  readonly scope: string
  readonly parent: Handed | undefined
  /** Executions in the current loop, and in the longest one. */
  count: number
  most: number
  loops: number
  /** Executions in all loops that reached the threshold. */
  looped: number
  /** Time at which the first loop reached the threshold. */
  firstAt: number | undefined
  lastAt: number
  stack: Stack | undefined
}

/**
 * Maximum number of normalized queries that are counted. Those that were not seen for the longest time are
 * evicted first.
 */
const MAX_RUNS = 1_000
/** After a longer pause, a new loop begins. */
const PAUSE_MS = 1_000
/** The scope name of statements that were passed outside any scope. */
const NO_SCOPE = 'outside any scope'

/** Counts statements that were passed individually, for the detector. */
export class NPlusOneLog {
  readonly #runs = new LRUCache<string, Run>({ max: MAX_RUNS })
  readonly #last = new LRUCache<number, Handed>({ max: MAX_RUNS })
  readonly #detector: Detector
  /** Time of the latest statement. */
  #latestAt = 0

  constructor(
    private readonly clock: Clock,
    private readonly threshold: number,
    private readonly knowledge: ShapeKnowledge,
  ) {
    this.#detector = new Detector({ threshold })
  }

  /**
   * Counts a statement. A statement of a scope with another name, or after a pause of more than 1 second,
   * begins a new loop.
   */
  see(sql: string, shape: Handed, scope: LogScope | undefined): void {
    const scopeId = scope?.id ?? 0
    const key = `${scope?.name ?? ''}\n${shape.fingerprint}`
    const now = this.clock.now()
    this.#latestAt = now
    const before = this.#last.get(scopeId)
    this.#last.set(scopeId, shape)
    const known = this.#runs.get(key)
    if (known === undefined) {
      const parent = before?.fingerprint === shape.fingerprint ? undefined : before
      const run = {
        shape,
        sql,
        scope: scope?.name ?? NO_SCOPE,
        parent,
        count: 1,
        most: 1,
        loops: 0,
        looped: 0,
        firstAt: undefined,
        lastAt: now,
        stack: undefined,
      }
      this.#runs.set(key, run)
      return
    }
    known.count = now - known.lastAt > PAUSE_MS ? 1 : known.count + 1
    known.lastAt = now
    known.most = Math.max(known.most, known.count)
    // Captured from the second execution on: most statements have only one.
    if (known.count > 1) known.stack ??= captureStack()
    if (known.count === this.threshold) {
      known.loops += 1
      known.looped += known.count
      known.firstAt ??= now
    } else if (known.count > this.threshold) known.looped += 1
  }

  patterns(): RouteFinding[] {
    return [...this.#runs.values()].flatMap((run) =>
      this.#detector.peek(this.#scopeOf(run)).map((finding) => this.#describe(run, finding)),
    )
  }

  /** Statements are passed sequentially, even if they ran in parallel. */
  #describe({ shape, loops, looped, firstAt }: Run, finding: Finding): RouteFinding {
    const occurrences = Math.max(1, loops)
    const savedMs = (this.knowledge.meanMs(shape.fingerprint) ?? 0) * Math.max(0, looped - loops)
    const seenMs = this.#latestAt - (firstAt ?? this.#latestAt)
    // The durations of the scopes are unknown here.
    const impact = impactOf({ occurrences, savedMs, scopeMs: 0, seenMs })
    return withSaving({
      finding: { ...finding, pattern: 'sequential', severity: severityOf(impact), occurrences },
      impact,
    })
  }

  /** Returns the longest loop of a run, in the form that the detector inspects. */
  #scopeOf({ shape, sql, scope, parent, most, stack }: Run): InspectedScope {
    const { fingerprint } = shape
    const databaseMs = (this.knowledge.meanMs(fingerprint) ?? 0) * most
    const group: ExecutionGroup = {
      shape: { ...readOf(shape), fix: () => this.knowledge.fix(sql) },
      listings: parent === undefined ? [] : [{ shape: readOf(parent), stack: undefined }],
      ...{ count: most, parallel: 0, inFlight: 0, busySince: 0, databaseMs, rows: 0, isTraced: true },
      samples: [{ values: undefined, stack, writes: 0 }],
    }
    const queries = most + group.listings.length
    return {
      name: scope,
      requestId: undefined,
      groups: new Map([[fingerprint, group]]),
      counts: { queries, databaseMs },
    }
  }
}

function readOf({ fingerprint, label }: Handed): Shape {
  return { fingerprint, label, kind: 'read' }
}

/** Adds the savings of its fix to a finding of the detector. */
export function withSaving({ finding, impact }: CountedFinding): RouteFinding {
  return { ...finding, estimatedSaving: savingOf(finding), impact }
}
