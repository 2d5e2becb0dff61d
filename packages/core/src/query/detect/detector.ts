import { type CallSite, portableFileOf } from '../../pipeline/call-site.ts'
import { CallSiteTraces } from '../../pipeline/call-site-traces.ts'
import type { ExecutionGroup, Listing } from '../../pipeline/execution-group.ts'
import type { Shape } from '../../pipeline/operation.ts'
import {
  DEFAULT_LIMITS,
  type Repetition,
  type RepetitionLimits,
  repetitionAmong,
} from '../../pipeline/repetition.ts'
import type { Scope } from '../../pipeline/scope.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Mutable } from '../../shared/mutable.ts'
import { Budgets, type DetectionOptions } from './detection-options.ts'
import { type Finding, idOf, type Pattern } from './finding.ts'
import { type CountedFinding, FindingBook, type UnratedFinding } from './finding-book.ts'
import { IgnoreList } from './ignore-list.ts'
import { impactOf, savingOf, severityOf } from './severity.ts'
import { type GroupSites, KnownSites, parentOf, queryGroups, type SiteCount } from './sites.ts'

const NONE: readonly Finding[] = []
const NONE_FOUND: readonly UnratedFinding[] = []

const MAX_GROUPS = 10

/** The parts of a scope that are inspected. */
export interface InspectedScope extends Pick<Scope, 'name' | 'groups' | 'requestId'> {
  readonly counts: Pick<Scope['counts'], 'queries' | 'databaseMs'>
}

/**
 * Finds N+1s and duplicate queries among the queries that a scope executed, and scopes that exceed their
 * budget. Operations that were batched or served from memory were not executed, and do not count.
 */
export class Detector {
  readonly limits: RepetitionLimits
  readonly #budgets: Budgets
  readonly #ignored: IgnoreList
  readonly #book = new FindingBook()
  /** Created with the first finding, to save memory. */
  #sites: KnownSites | undefined
  /** Decides which call sites the recorder captures. */
  readonly traces: CallSiteTraces | undefined

  /** @param clock - Omit it if the caller traces the groups that it passes. */
  constructor(options: DetectionOptions = {}, clock?: Clock) {
    this.limits = {
      threshold: options.threshold ?? DEFAULT_LIMITS.threshold,
      repeats: options.repeats ?? DEFAULT_LIMITS.repeats,
    }
    this.traces =
      clock &&
      new CallSiteTraces(
        clock,
        Math.min(this.limits.threshold, this.limits.repeats),
        options.mode !== 'throw',
      )
    this.#budgets = new Budgets(options.budget)
    this.#ignored = new IgnoreList(options.ignore ?? [])
  }

  /**
   * Returns the findings of a scope that has ended, and counts each together with those of earlier scopes.
   *
   * @param endedAt - The time at which it ended, on the clock of its `startedAt`.
   */
  inspect(scope: Scope, endedAt: number): readonly Finding[] {
    this.#book.ended(endedAt)
    const findings = this.#find(scope, true)
    if (findings.length === 0) return NONE
    return findings.map((finding) => this.#book.add(finding, endedAt - scope.startedAt))
  }

  /** Returns the findings of a scope so far, without storing anything. */
  peek(scope: InspectedScope): readonly Finding[] {
    return this.#find(scope, false).map(rated)
  }

  #find(scope: InspectedScope, hasEnded: boolean): readonly UnratedFinding[] {
    const { queries } = scope.counts
    if (scope.groups.size === 0 && queries === 0) return NONE_FOUND
    const budget = this.#budgets.of(scope.name)
    const exceeded = budget !== undefined && queries > budget ? budget : undefined
    const { threshold, repeats } = this.limits
    const fewest = Math.min(threshold, repeats)
    // Most scopes have nothing to find. A function with a closure would allocate memory for each of them.
    return exceeded === undefined && !hasGroupOf(scope, fewest)
      ? NONE_FOUND
      : this.#findAmong(scope, fewest, exceeded, hasEnded)
  }

  /**
   * @param fewest - Minimum number of executions of a group.
   * @param exceeded - The budget, if it is exceeded.
   */
  #findAmong(
    scope: InspectedScope,
    fewest: number,
    exceeded: number | undefined,
    hasEnded: boolean,
  ): readonly UnratedFinding[] {
    const { threshold } = this.limits
    const findings: UnratedFinding[] = []
    const keep = (finding: UnratedFinding, shape?: Shape) => {
      if (!this.#ignored.has(finding, shape)) findings.push(finding)
    }
    for (const group of scope.groups.values()) {
      if (group.shape.kind !== 'read' || group.count < fewest) continue
      // Formatting stacks is expensive, so first check whether there is anything to find.
      if (group.count < threshold && repetitionAmong(group, this.limits) === undefined) continue
      const found = this.#knownSites.of(scope.name, group, hasEnded)
      for (const { site, ...from } of found?.sites ?? []) {
        const repetition = repetitionAmong(from, this.limits)
        if (repetition !== undefined && !isFixedSize(from, repetition, threshold))
          keep(this.#describe(scope, group, site, repetition, found as GroupSites), group.shape)
      }
    }
    if (exceeded !== undefined) keep(this.#describeBudget(scope, exceeded))
    return findings
  }

  /** Returns every finding of scopes that ended. */
  findings(): readonly CountedFinding[] {
    return this.#book.list()
  }

  clear(): void {
    this.#book.clear()
  }

  #describe(
    scope: InspectedScope,
    group: ExecutionGroup,
    site: CallSite | undefined,
    { code, count, needed }: Repetition,
    { together, held }: GroupSites,
  ): UnratedFinding {
    const { shape } = group
    // Operations of an ORM take longer than their statements.
    const ofGroup = Math.min(group.databaseMs, scope.counts.databaseMs)
    const file = site === undefined ? '' : portableFileOf(site)
    // No spread, here and in the book: it costs several times as much, and each request can have findings.
    const finding: Mutable<UnratedFinding> = {
      code,
      id: code === 'N_PLUS_ONE' ? idOf(shape.fingerprint, file) : idOf(code, shape.fingerprint, file),
      scope: scope.name,
      fingerprint: shape.fingerprint,
      label: shape.label,
      count,
      pattern: patternOf(group, together),
      databaseMs: ofGroup * (count / group.count),
      queries: scope.counts.queries,
      queriesPossible: Math.max(1, scope.counts.queries - count + needed),
      occurrences: 1 + held,
    }
    if (scope.requestId !== undefined) finding.requestId = scope.requestId
    if (site !== undefined) finding.callSite = site
    if (code !== 'N_PLUS_ONE') return finding
    const parent = parentOf(group)
    if (parent !== undefined) finding.parent = this.#parent(scope, group, parent)
    const fix = shape.fix?.(parent?.shape)
    if (fix !== undefined) finding.fix = fix
    return finding
  }

  #parent({ name }: InspectedScope, group: ExecutionGroup, parent: Listing): NonNullable<Finding['parent']> {
    const callSite = this.#knownSites.parentOf(name, group, parent)
    return { label: parent.shape.label, ...(callSite === undefined ? {} : { callSite }) }
  }

  #describeBudget(scope: InspectedScope, budget: number): UnratedFinding {
    const { queries, databaseMs } = scope.counts
    return {
      code: 'QUERY_BUDGET',
      id: idOf('QUERY_BUDGET', scope.name),
      scope: scope.name,
      ...(scope.requestId === undefined ? {} : { requestId: scope.requestId }),
      fingerprint: '',
      label: `more than ${budget} ${budget === 1 ? 'query' : 'queries'}`,
      count: queries,
      databaseMs,
      queries,
      queriesPossible: budget,
      occurrences: 1,
      groups: queryGroups([scope], (group) => this.#knownSites.remembered(scope.name, group)?.sites).slice(
        0,
        MAX_GROUPS,
      ),
    }
  }

  get #knownSites(): KnownSites {
    this.#sites ??= new KnownSites(this.traces)
    return this.#sites
  }
}

/** Adds the severity of a finding that was seen in this scope only. */
function rated(finding: UnratedFinding): Finding {
  const { occurrences } = finding
  const savedMs = savingOf(finding).ms * occurrences
  return { ...finding, severity: severityOf(impactOf({ occurrences, savedMs, scopeMs: 0, seenMs: 0 })) }
}

/**
 * Whether executions of one call site are separate calls of a helper, none of which is a loop: their number
 * does not grow with the rows. Duplicate queries are reported regardless of their callers.
 */
function isFixedSize(
  { count, fromOneCaller }: Pick<SiteCount, 'count' | 'fromOneCaller'>,
  { code }: Repetition,
  threshold: number,
): boolean {
  // The iterations of one loop can have different callers in their stacks: the first one runs synchronously.
  return code === 'N_PLUS_ONE' && fromOneCaller < 0.5 && Math.round(count * fromOneCaller) < threshold
}

/** Whether a group of a scope has at least `fewest` executions. */
function hasGroupOf({ groups }: InspectedScope, fewest: number): boolean {
  for (const { count } of groups.values()) if (count >= fewest) return true
  return false
}

function patternOf({ parallel, count }: ExecutionGroup, together: number): Pattern {
  const share = Math.max(parallel / Math.max(1, count - 1), together)
  if (share >= 0.9) return 'parallel'
  return share <= 0.1 ? 'sequential' : 'interleaved'
}
