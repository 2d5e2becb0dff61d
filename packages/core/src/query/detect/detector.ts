import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type CallSite, fileOf, togetherIndexOf } from '../../pipeline/call-site.ts'
import type { ExecutionGroup } from '../../pipeline/execution-group.ts'
import type { Shape } from '../../pipeline/operation.ts'
import { type Repetition, type RepetitionLimits, repetitionAmong } from '../../pipeline/repetition.ts'
import type { Scope } from '../../pipeline/scope.ts'
import { Budgets, type DetectionOptions } from './detection-options.ts'
import type { Finding, Pattern, Severity } from './finding.ts'
import { IgnoreList } from './ignore-list.ts'
import { describeParent, parentOf, queryGroups } from './query-groups.ts'
import { placeOf, type SiteCount, sitesOf } from './sites.ts'

/** Findings that are kept; the longest unseen leave first. */
const MAX_FINDINGS = 1000

const NONE: readonly Finding[] = []

/** Groups of queries that a budget's finding shows. */
const MAX_GROUPS = 10

/** The parts of a scope that are inspected. */
export interface InspectedScope extends Pick<Scope, 'name' | 'groups' | 'requestId'> {
  readonly counts: Pick<Scope['counts'], 'queries' | 'databaseMs'>
}

/**
 * Finds N+1 and needlessly repeated queries among what a scope executed, and scopes over their budget. What was merged or answered from
 * memory was not executed, and does not count.
 */
export class Detector {
  readonly #limits: RepetitionLimits
  readonly #budgets: Budgets
  readonly #ignored: IgnoreList
  /** Both are created for the first finding: they take memory. */
  #findings: LRUCache<string, Finding> | undefined
  #knownSites: LRUCache<string, KnownSite> | undefined

  constructor(options: DetectionOptions = {}) {
    this.#limits = { threshold: options.threshold ?? 5, repeats: options.repeats ?? 3 }
    this.#budgets = new Budgets(options.budget)
    this.#ignored = new IgnoreList(options.ignore ?? [])
  }

  /** The findings of a scope that has ended; each is counted among those of earlier scopes. */
  inspect(scope: Scope): readonly Finding[] {
    const findings = this.peek(scope)
    return findings.length === 0 ? findings : findings.map((finding) => this.#remember(finding))
  }

  /** The findings of a scope so far; nothing is remembered. */
  peek(scope: InspectedScope): readonly Finding[] {
    // No query, no finding.
    if (scope.groups.size === 0 && scope.counts.queries === 0) return NONE
    const findings: Finding[] = []
    const keep = (finding: Finding, shape?: Shape) => {
      if (!this.#ignored.has(finding, shape)) findings.push(finding)
    }
    const { threshold, repeats } = this.#limits
    const fewest = Math.min(threshold, repeats)
    for (const group of scope.groups.values()) {
      if (group.shape.kind !== 'read' || group.count < fewest) continue
      // Before any stack is turned into text, which is dear: whether there is something to find.
      if (group.count < threshold && repetitionAmong(group, this.#limits) === undefined) continue
      for (const from of this.#sitesOf(scope, group)) {
        const found = repetitionAmong(from, this.#limits)
        if (found !== undefined) keep(describeGroup(scope, group, from.site, found), group.shape)
      }
    }
    const budget = this.#budgets.of(scope.name)
    if (budget !== undefined && scope.counts.queries > budget) keep(describeBudget(scope, budget))
    return findings
  }

  /** Every finding, those that cost most first. */
  findings(): readonly Finding[] {
    return [...(this.#findings?.values() ?? [])].sort((a, b) => b.databaseMs - a.databaseMs || b.count - a.count)
  }

  clear(): void {
    this.#findings?.clear()
  }

  /**
   * Where a group was issued from, and how often from each place. Turning stacks into text is dear, and a route finds the same
   * place again and again: a place that was the only one several times is taken for granted, and looked at again now and then.
   */
  #sitesOf(scope: InspectedScope, group: ExecutionGroup): readonly SiteCount[] {
    const key = `${scope.name}\n${group.shape.fingerprint}`
    this.#knownSites ??= new LRUCache({ max: MAX_FINDINGS })
    const known = this.#knownSites.get(key)
    if (known !== undefined) {
      known.uses += 1
      if (known.uses > CONFIRMATIONS && known.uses % RECHECK_EVERY !== 0) {
        return [{ site: known.site, count: group.count, samples: group.samples }]
      }
    }
    const sites = sitesOf(group)
    const [only] = sites
    if (sites.length !== 1 || only?.site === undefined) this.#knownSites.delete(key)
    else if (known === undefined || placeOf(known.site) !== placeOf(only.site)) this.#knownSites.set(key, { site: only.site, uses: 1 })
    return sites
  }

  #remember(finding: Finding): Finding {
    const key = `${finding.scope}\n${finding.id}\n${placeOf(finding.callSite)}`
    this.#findings ??= new LRUCache({ max: MAX_FINDINGS })
    const before = this.#findings.get(key)
    if (before === undefined) {
      this.#findings.set(key, finding)
      return finding
    }
    const worst = before.count > finding.count ? before : finding
    const kept = { ...worst, occurrences: before.occurrences + 1 }
    this.#findings.set(key, kept)
    return { ...finding, occurrences: kept.occurrences }
  }
}

interface KnownSite {
  readonly site: CallSite
  uses: number
}

/** A place that was the only one so often is taken for granted … */
const CONFIRMATIONS = 3
/** … and looked at again every so many times. */
const RECHECK_EVERY = 32

function describeGroup(scope: InspectedScope, group: ExecutionGroup, site: CallSite | undefined, found: Repetition): Finding {
  const { code, count, needed } = found
  const { shape } = group
  const parent = code === 'N_PLUS_ONE' ? parentOf(group) : undefined
  const fix = code === 'N_PLUS_ONE' ? shape.fix?.(parent?.shape) : undefined
  const databaseMs = group.databaseMs * (count / group.count)
  return {
    code,
    id: idOf(...(code === 'N_PLUS_ONE' ? [] : [code]), shape.fingerprint, site === undefined ? '' : fileOf(site)),
    scope: scope.name,
    ...requestOf(scope),
    fingerprint: shape.fingerprint,
    label: shape.label,
    count,
    pattern: patternOf(group),
    severity: severityOf(count, group.databaseMs),
    databaseMs,
    ...(site === undefined ? {} : { callSite: site }),
    ...(parent === undefined ? {} : { parent: describeParent(parent) }),
    ...(fix === undefined ? {} : { fix }),
    queries: scope.counts.queries,
    queriesPossible: Math.max(1, scope.counts.queries - count + needed),
    occurrences: 1,
  }
}

function describeBudget(scope: InspectedScope, budget: number): Finding {
  const { queries, databaseMs } = scope.counts
  return {
    code: 'QUERY_BUDGET',
    id: idOf('QUERY_BUDGET', scope.name),
    scope: scope.name,
    ...requestOf(scope),
    fingerprint: '',
    label: `more than ${budget} ${budget === 1 ? 'query' : 'queries'}`,
    count: queries,
    severity: severityOf(queries - budget, 0),
    databaseMs,
    queries,
    queriesPossible: budget,
    occurrences: 1,
    groups: queryGroups([scope]).slice(0, MAX_GROUPS),
  }
}

function requestOf({ requestId }: InspectedScope): Pick<Finding, 'requestId'> {
  return requestId === undefined ? {} : { requestId }
}

/** The same on every machine, and when lines above it change: a finding that is ignored stays so. */
function idOf(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 8)
}

function patternOf(group: ExecutionGroup): Pattern {
  const overlapping = group.parallel / Math.max(1, group.count - 1)
  // On a single connection what was issued together is sent one after the other; the stacks still tell, each by another index.
  const stacks = group.samples.flatMap(({ stack }) => (stack === undefined ? [] : [stack]))
  const indexes = stacks.map(({ stack }) => togetherIndexOf(stack)).filter((index) => index !== undefined)
  const together = new Set(indexes).size / Math.max(1, stacks.length)
  const share = Math.max(overlapping, together)
  if (share >= 0.9) return 'parallel'
  return share <= 0.1 ? 'sequential' : 'interleaved'
}

/** @param cost - The queries' cost by the cost model, where their time may be unknown. */
export function severityOf(count: number, databaseMs: number, cost = 0): Severity {
  if (count >= 50 || databaseMs >= 100 || cost >= 5_000) return 'high'
  return count >= 10 || databaseMs >= 20 || cost >= 1_000 ? 'medium' : 'low'
}
