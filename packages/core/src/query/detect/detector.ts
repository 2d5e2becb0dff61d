import { portableFileOf } from '../../pipeline/call-site.ts'
import { CallSiteTraces } from '../../pipeline/call-site-traces.ts'
import type { ExecutionGroup, Listing } from '../../pipeline/execution-group.ts'
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
import { type CountedFinding, FindingBook, rated } from './finding-book.ts'
import { type Occurrence, occurrenceOf, type UnratedFinding } from './finding-entry.ts'
import { IgnoreList } from './ignore-list.ts'
import { type GroupSites, KnownSites, parentOf, queryGroups, type SiteCount } from './sites.ts'

const NONE: readonly Finding[] = []
const NONE_REPEATED: readonly Repeated[] = []

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
   * Counts the findings of a scope that has ended together with those of earlier scopes, and returns them.
   *
   * @param endedAt - The time at which it ended, on the clock of its `startedAt`.
   */
  inspect(scope: Scope, endedAt: number): readonly Finding[] {
    const findings: UnratedFinding[] = []
    this.#count(scope, endedAt, findings)
    return findings.length === 0 ? NONE : findings.map((finding) => this.#book.rate(finding))
  }

  /** The same without returning them: a known finding is counted, and not described again. */
  count(scope: Scope, endedAt: number): void {
    this.#count(scope, endedAt, undefined)
  }

  /** Returns the findings of a scope so far, without storing anything. */
  peek(scope: InspectedScope): readonly Finding[] {
    const findings: Finding[] = []
    for (const one of this.#repeated(scope, false)) {
      const finding = this.#describe(scope, one, false)
      if (!this.#ignored.has(finding, one.group.shape)) findings.push(rated(finding))
    }
    const exceeded = this.#exceeded(scope)
    if (exceeded !== undefined) findings.push(rated(exceeded))
    return findings
  }

  /** @param findings - Receives the findings. */
  #count(scope: Scope, endedAt: number, findings: UnratedFinding[] | undefined): void {
    this.#book.ended(endedAt)
    const scopeMs = endedAt - scope.startedAt
    for (const one of this.#repeated(scope, true)) {
      if (this.#countAgain(scope, one, scopeMs, findings)) continue
      const finding = this.#describe(scope, one, true)
      if (this.#ignored.has(finding, one.group.shape)) continue
      const entry = this.#book.add(finding, scopeMs)
      findings?.push(finding)
      const { known } = one.site
      const parent = parentOf(one.group)
      // As long as the call site of the parent is unknown, each scope may find it.
      if (known === undefined || (parent !== undefined && finding.parent?.callSite === undefined)) continue
      known.finding = {
        code: finding.code,
        parent: parent?.shape.fingerprint,
        entry,
        description: finding,
      }
    }
    const exceeded = this.#exceeded(scope)
    if (exceeded === undefined) return
    this.#book.add(exceeded, scopeMs)
    findings?.push(exceeded)
  }

  /** Counts a known finding. Returns `false` if it must be described. */
  #countAgain(
    scope: InspectedScope,
    one: Repeated,
    scopeMs: number,
    findings: UnratedFinding[] | undefined,
  ): boolean {
    const { group, repetition, site } = one
    const finding = site.known?.finding
    if (finding === undefined || finding.code !== repetition.code) return false
    const parent = parentOf(group)
    if (parent?.shape.fingerprint !== finding.parent || parent?.stack !== undefined) return false
    const { entry, description } = finding
    if (!this.#book.has(entry)) return false
    const numbers = numbersOf(scope, one)
    entry.add(numbers, description, scope.requestId, scopeMs)
    findings?.push(occurrenceOf(description, numbers, scope.requestId))
    return true
  }

  /** Returns the repeated queries of a scope, by normalized query and call site. */
  #repeated(scope: InspectedScope, hasEnded: boolean): readonly Repeated[] {
    const { threshold, repeats } = this.limits
    const fewest = Math.min(threshold, repeats)
    let all: Repeated[] | undefined
    for (const group of scope.groups.values()) {
      if (group.count < fewest || group.shape.kind !== 'read') continue
      // Formatting stacks is expensive, so first check whether there is anything to find.
      if (group.count < threshold && repetitionAmong(group, this.limits) === undefined) continue
      const sites = this.#knownSites.of(scope.name, group, hasEnded)
      if (sites === undefined) continue
      for (const site of sites.sites) {
        const repetition = repetitionAmong(site, this.limits)
        if (repetition === undefined || isFixedSize(site, repetition, threshold)) continue
        all ??= []
        all.push({ group, site, sites, repetition })
      }
    }
    return all ?? NONE_REPEATED
  }

  /** Returns every finding of scopes that ended. */
  findings(): readonly CountedFinding[] {
    return this.#book.list()
  }

  clear(): void {
    this.#book.clear()
  }

  #describe(scope: InspectedScope, one: Repeated, hasEnded: boolean): UnratedFinding {
    const { group, repetition, site, sites } = one
    const { shape } = group
    const { code } = repetition
    const file = site.site === undefined ? '' : portableFileOf(site.site)
    const { count, pattern, databaseMs, queries, queriesPossible } = numbersOf(scope, one)
    // No spread, here and in the book: it costs several times as much, and each request can have findings.
    const finding: Mutable<UnratedFinding> = {
      code,
      id: code === 'N_PLUS_ONE' ? idOf(shape.fingerprint, file) : idOf(code, shape.fingerprint, file),
      scope: scope.name,
      fingerprint: shape.fingerprint,
      label: shape.label,
      count,
      pattern,
      databaseMs,
      queries,
      queriesPossible,
      occurrences: 1 + sites.held,
    }
    if (scope.requestId !== undefined) finding.requestId = scope.requestId
    if (site.site !== undefined) finding.callSite = site.site
    if (code !== 'N_PLUS_ONE') return finding
    const parent = parentOf(group)
    if (parent !== undefined) finding.parent = this.#parent(scope, group, parent, hasEnded)
    const fix = shape.fix?.(parent?.shape)
    if (fix !== undefined) finding.fix = fix
    return finding
  }

  #parent(
    { name }: InspectedScope,
    group: ExecutionGroup,
    parent: Listing,
    hasEnded: boolean,
  ): NonNullable<Finding['parent']> {
    const callSite = this.#knownSites.parentOf(name, group, parent, hasEnded)
    return { label: parent.shape.label, ...(callSite === undefined ? {} : { callSite }) }
  }

  /** The finding that a scope exceeds its budget, if it does and is reported. */
  #exceeded(scope: InspectedScope): UnratedFinding | undefined {
    const { queries, databaseMs } = scope.counts
    const budget = this.#budgets.of(scope.name)
    if (budget === undefined || queries <= budget) return undefined
    const finding: UnratedFinding = {
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
    return this.#ignored.has(finding) ? undefined : finding
  }

  get #knownSites(): KnownSites {
    this.#sites ??= new KnownSites(this.traces)
    return this.#sites
  }
}

/** Repeated queries of one call site. */
interface Repeated {
  readonly group: ExecutionGroup
  readonly site: SiteCount
  /** All call sites of the group. */
  readonly sites: GroupSites
  readonly repetition: Repetition
}

function numbersOf(
  { counts: { queries, databaseMs } }: InspectedScope,
  { group, repetition: { code, count, needed }, sites }: Repeated,
): Occurrence & { readonly pattern: Pattern } {
  return {
    code,
    count,
    pattern: patternOf(group, sites.together),
    // Operations of an ORM take longer than their statements.
    databaseMs: Math.min(group.databaseMs, databaseMs) * (count / group.count),
    queries,
    queriesPossible: Math.max(1, queries - count + needed),
  }
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

function patternOf({ parallel, count }: ExecutionGroup, together: number): Pattern {
  const share = Math.max(parallel / Math.max(1, count - 1), together)
  if (share >= 0.9) return 'parallel'
  return share <= 0.1 ? 'sequential' : 'interleaved'
}
