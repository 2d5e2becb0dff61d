import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type CallSite, parseCallSite, togetherIndexOf } from '../../pipeline/call-site.ts'
import type { ExecutionGroup, Listing, Scope } from '../../pipeline/scope.ts'
import type { Finding, Pattern, Severity } from './finding.ts'

export interface DetectionOptions {
  /**
   * Queries of one shape from one place within one scope before they are reported.
   * Minimum: `2`.
   * @defaultValue 5
   */
  readonly threshold?: number
}

/** Findings that are kept; the longest unseen leave first. */
const MAX_FINDINGS = 1000

/** Finds N+1 queries among what a scope executed. What was merged or answered from memory was not executed, and does not count. */
export class Detector {
  readonly #threshold: number
  readonly #findings = new LRUCache<string, Finding>({ max: MAX_FINDINGS })
  readonly #knownSites = new LRUCache<string, KnownSite>({ max: MAX_FINDINGS })

  constructor(options: DetectionOptions = {}) {
    this.#threshold = options.threshold ?? 5
  }

  /** The findings of a scope that has ended; each is counted among those of earlier scopes. */
  inspect(scope: Scope): readonly Finding[] {
    const findings: Finding[] = []
    for (const group of scope.groups.values()) {
      if (group.shape.kind !== 'read' || group.count < this.#threshold) continue
      for (const { site, count } of this.#sitesOf(scope, group)) {
        if (count >= this.#threshold) findings.push(this.#remember(this.#describe(scope, group, site, count)))
      }
    }
    return findings
  }

  /** Every finding, those that cost most first. */
  findings(): readonly Finding[] {
    return [...this.#findings.values()].sort((a, b) => b.databaseMs - a.databaseMs || b.count - a.count)
  }

  clear(): void {
    this.#findings.clear()
  }

  /**
   * Where a group was issued from, and how often from each place. Turning stacks into text is dear, and a route finds the same
   * place again and again: a place that was the only one several times is taken for granted, and looked at again now and then.
   */
  #sitesOf(scope: Scope, group: ExecutionGroup): readonly SiteCount[] {
    const key = `${scope.name}\n${group.shape.fingerprint}`
    const known = this.#knownSites.get(key)
    if (known !== undefined) {
      known.uses += 1
      if (known.uses > CONFIRMATIONS && known.uses % RECHECK_EVERY !== 0) return [{ site: known.site, count: group.count }]
    }
    const sites = sitesOf(group)
    const [only] = sites
    if (sites.length !== 1 || only?.site === undefined) this.#knownSites.delete(key)
    else if (known === undefined || !isSamePlace(known.site, only.site)) this.#knownSites.set(key, { site: only.site, uses: 1 })
    return sites
  }

  #describe(scope: Scope, group: ExecutionGroup, site: CallSite | undefined, count: number): Finding {
    const { shape } = group
    const parent = parentOf(group)
    const parentSite = parent === undefined ? undefined : parseCallSite(parent.stack?.stack)
    const fix = shape.fix?.(parent?.shape)
    const place = site === undefined ? '' : `${site.file}:${site.line}:${site.column}`
    return {
      code: 'N_PLUS_ONE',
      id: createHash('sha256').update(`${shape.fingerprint}\n${place}`).digest('hex').slice(0, 8),
      scope: scope.name,
      fingerprint: shape.fingerprint,
      label: shape.label,
      count,
      pattern: patternOf(group),
      severity: severityOf(count, group.databaseMs),
      databaseMs: group.databaseMs * (count / group.count),
      ...(site === undefined ? {} : { callSite: site }),
      ...(parent === undefined
        ? {}
        : { parent: { label: parent.shape.label, ...(parentSite === undefined ? {} : { callSite: parentSite }) } }),
      ...(fix === undefined ? {} : { fix }),
      queries: scope.counts.queries,
      queriesPossible: Math.max(1, scope.counts.queries - count + 1),
      occurrences: 1,
    }
  }

  #remember(finding: Finding): Finding {
    const key = `${finding.scope}\n${finding.id}`
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

/** The listing that a group walks along: the newest that it follows by a relation, otherwise the newest. */
function parentOf({ shape, listings }: ExecutionGroup): Listing | undefined {
  return listings.findLast((listing) => shape.follows?.(listing.shape) === true) ?? listings.at(-1)
}

interface SiteCount {
  readonly site: CallSite | undefined
  readonly count: number
}

interface KnownSite {
  readonly site: CallSite
  uses: number
}

/** A place that was the only one so often is taken for granted … */
const CONFIRMATIONS = 3
/** … and looked at again every so many times. */
const RECHECK_EVERY = 32

function isSamePlace(left: CallSite, right: CallSite): boolean {
  return left.line === right.line && left.column === right.column && left.file === right.file
}

/** Where a group was issued from, and how often from each place. Sampled: the first executions stand for the rest. */
function sitesOf(group: ExecutionGroup): readonly SiteCount[] {
  const sites = new Map<string, { site: CallSite | undefined; seen: number }>()
  for (const { stack } of group.stacks) {
    const site = parseCallSite(stack)
    const key = site === undefined ? '' : `${site.file}:${site.line}:${site.column}`
    const known = sites.get(key)
    if (known === undefined) sites.set(key, { site, seen: 1 })
    else known.seen += 1
  }
  if (sites.size === 0) return [{ site: undefined, count: group.count }]
  const sampled = group.stacks.length
  return [...sites.values()].map(({ site, seen }) => ({ site, count: Math.round((seen / sampled) * group.count) }))
}

function patternOf(group: ExecutionGroup): Pattern {
  const overlapping = group.parallel / Math.max(1, group.count - 1)
  // On a single connection what was issued together is sent one after the other; the stacks still tell, each by another index.
  const indexes = group.stacks.map(({ stack }) => togetherIndexOf(stack)).filter((index) => index !== undefined)
  const together = new Set(indexes).size / Math.max(1, group.stacks.length)
  const share = Math.max(overlapping, together)
  if (share >= 0.9) return 'parallel'
  return share <= 0.1 ? 'sequential' : 'interleaved'
}

function severityOf(count: number, databaseMs: number): Severity {
  if (count >= 50 || databaseMs >= 100) return 'high'
  return count >= 10 || databaseMs >= 20 ? 'medium' : 'low'
}
