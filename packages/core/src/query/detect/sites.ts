import { LRUCache } from 'lru-cache'
import { type CallSite, callersIn, parseCallSite, togetherIndexOf } from '../../pipeline/call-site.ts'
import type { CallSiteTraces } from '../../pipeline/call-site-traces.ts'
import type { ExecutionGroup, Listing, Sample } from '../../pipeline/execution-group.ts'
import type { Shape } from '../../pipeline/operation.ts'
import type { Scope } from '../../pipeline/scope.ts'
import type { FindingCode, QueryGroup } from './finding.ts'
import type { FindingEntry, UnratedFinding } from './finding-entry.ts'

/** A call site of executions. */
export interface SiteCount {
  readonly site: CallSite | undefined
  /** Executions from this call site; an estimate if the group has several call sites. */
  readonly count: number
  /**
   * The share of these executions, 0 to 1, that have the most frequent callers of the call site. A loop calls
   * a helper from one line, and separate calls of the helper from several.
   */
  readonly fromOneCaller: number
  /** The samples of the group that came from this call site. */
  readonly samples: readonly Sample[]
  /** The call site as earlier scopes found it; `undefined` if it was found in this scope. */
  readonly known?: KnownSite
}

/** Returns a string that identifies a call site. */
export function siteKey(site: CallSite | undefined): string {
  return site === undefined ? '' : `${site.file}:${site.line}:${site.column}`
}

/**
 * Returns the call sites of a group, and the number of executions of each. Executions with a stack represent
 * the others.
 */
function sitesOf(group: ExecutionGroup): readonly SiteCount[] {
  const sites = new Map<string, { site: CallSite | undefined; samples: Sample[] }>()
  const traced = group.samples.filter(({ stack }) => stack !== undefined)
  for (const sample of traced) {
    const site = parseCallSite(sample.stack?.stack)
    const place = siteKey(site)
    const known = sites.get(place)
    if (known === undefined) sites.set(place, { site, samples: [sample] })
    else known.samples.push(sample)
  }
  const found = [...sites.values()]
  // With one call site, or with none that is known, all executions belong to it.
  if (found.length < 2) {
    const fromOneCaller = shareOfOneCaller(traced)
    return [{ site: found[0]?.site, count: group.count, fromOneCaller, samples: group.samples }]
  }
  return found.map(({ site, samples }) => ({
    site,
    samples,
    fromOneCaller: shareOfOneCaller(samples),
    count: Math.round((samples.length / traced.length) * group.count),
  }))
}

/** An execution without known callers counts with the most frequent ones. */
function shareOfOneCaller(samples: readonly Sample[]): number {
  const callers = samples.map(({ stack }) => callersIn(stack?.stack))
  const counts = new Map<string, number>()
  for (const caller of callers) if (caller !== undefined) counts.set(caller, (counts.get(caller) ?? 0) + 1)
  const unknown = callers.filter((caller) => caller === undefined).length
  return samples.length === 0 ? 1 : (Math.max(0, ...counts.values()) + unknown) / samples.length
}

/**
 * Returns the queries that scopes executed, by normalized query and call site, the most frequent first.
 *
 * @param sitesIn - Returns the call sites of a group, if they are known.
 */
export function queryGroups(
  scopes: readonly Pick<Scope, 'groups'>[],
  sitesIn: (group: ExecutionGroup) => readonly SiteCount[] | undefined = sitesOf,
): readonly QueryGroup[] {
  const groups = new Map<string, QueryGroup>()
  for (const scope of scopes) {
    for (const group of scope.groups.values()) {
      const fix = group.count > 1 ? group.shape.fix?.(parentOf(group)?.shape) : undefined
      for (const { site, count } of sitesIn(group) ?? sitesOf(group)) {
        const known = groups.get(`${group.shape.fingerprint}\n${siteKey(site)}`)
        groups.set(`${group.shape.fingerprint}\n${siteKey(site)}`, {
          label: group.shape.label,
          count: count + (known?.count ?? 0),
          databaseMs: group.databaseMs * (count / Math.max(1, group.count)) + (known?.databaseMs ?? 0),
          ...(site === undefined ? {} : { callSite: site }),
          ...(fix === undefined ? {} : { fix }),
        })
      }
    }
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || b.databaseMs - a.databaseMs)
}

/**
 * Returns the parent query of a group: the latest listing that is related to it, otherwise the latest one.
 */
export function parentOf({ shape, listings }: ExecutionGroup): Listing | undefined {
  return listings.findLast((listing) => shape.follows?.(listing.shape) === true) ?? listings.at(-1)
}

/**
 * Maximum number of normalized queries, by scope name, whose call sites are stored. The least recently used
 * are evicted.
 */
const MAX_KNOWN = 1000

/** The call sites of a group. */
export interface GroupSites {
  readonly sites: readonly SiteCount[]
  /**
   * The share of executions, 0 to 1, that user code awaited together with others, as in `Promise.all`,
   * according to their stacks.
   */
  readonly together: number
  /** Earlier scopes of that name in which the group was found but no call site was known. */
  readonly held: number
}

interface KnownSite extends Pick<SiteCount, 'site' | 'fromOneCaller'> {
  /** The share of the executions of the group, 0 to 1. */
  readonly share: number
  /** The finding that was described for it last. */
  finding: KnownFinding | undefined
}

/** A finding whose description is valid as long as its kind and its parent query are the same. */
interface KnownFinding {
  readonly code: FindingCode
  /** Fingerprint of the parent query. */
  readonly parent: string | undefined
  readonly entry: FindingEntry
  readonly description: UnratedFinding
}

interface Known {
  sites: readonly KnownSite[] | undefined
  together: number
  held: number
  /** Call sites of parent queries, by fingerprint. */
  readonly parents: Map<string, CallSite>
}

/**
 * The call sites of normalized queries, by scope name. Most scopes capture no stacks of a query whose call
 * site is known, and use the call sites that earlier scopes of the same name found. A call site is never
 * taken from a scope with another name.
 */
export class KnownSites {
  readonly #known = new LRUCache<string, Known>({ max: MAX_KNOWN })

  /** @param traces - Decides which executions are traced. `undefined`: all are. */
  constructor(private readonly traces: CallSiteTraces | undefined) {}

  /**
   * Returns the call sites of a group. `undefined`: none is known yet. In this case, the next scope is
   * traced, and its findings also count for this one.
   *
   * @param hasEnded - Whether the scope has ended. Only then is anything about it stored.
   */
  of(scope: string, group: ExecutionGroup, hasEnded: boolean): GroupSites | undefined {
    const remembered = group.isTraced ? undefined : this.remembered(scope, group)
    if (remembered !== undefined) return remembered
    const known = this.#entry(scope, group)
    const { held } = known
    if (group.isTraced) {
      const found = { sites: sitesOf(group), together: togetherOf(group), held }
      if (hasEnded) this.#remember(scope, known, group, found)
      return found
    }
    if (hasEnded) this.traces?.doubt(group.shape)
    if (group.samples.every(({ stack }) => stack === undefined)) {
      if (hasEnded) known.held += 1
      return undefined
    }
    if (hasEnded) known.held = 0
    return { sites: sitesOf(group), together: togetherOf(group), held }
  }

  /** Returns the call sites that earlier scopes of that name found. */
  remembered(scope: string, { shape, count, samples }: ExecutionGroup): GroupSites | undefined {
    const known = this.#known.get(keyOf(scope, shape))
    if (known?.sites === undefined) return undefined
    const sites = known.sites.map((one) => ({
      site: one.site,
      fromOneCaller: one.fromOneCaller,
      samples,
      count: Math.round(one.share * count),
      known: one,
    }))
    return { sites, together: known.together, held: 0 }
  }

  /**
   * Returns the call site of a group's parent query.
   *
   * @param hasEnded - As for `of`.
   */
  parentOf(
    scope: string,
    group: ExecutionGroup,
    { shape, stack }: Listing,
    hasEnded: boolean,
  ): CallSite | undefined {
    const { parents } = this.#entry(scope, group)
    if (stack !== undefined) {
      const site = parseCallSite(stack.stack)
      if (site === undefined || !hasEnded) return site
      parents.set(shape.fingerprint, site)
      this.traces?.foundParent(shape, siteKey(site))
      return site
    }
    const site = parents.get(shape.fingerprint)
    if (site === undefined && hasEnded) this.traces?.doubtParent(shape)
    return site
  }

  #entry(scope: string, { shape }: ExecutionGroup): Known {
    const key = keyOf(scope, shape)
    let known = this.#known.get(key)
    if (known === undefined) {
      known = { sites: undefined, together: 0, held: 0, parents: new Map() }
      this.#known.set(key, known)
    }
    return known
  }

  #remember(
    scope: string,
    known: Known,
    { shape, count }: ExecutionGroup,
    { sites, together }: GroupSites,
  ): void {
    known.sites = sites.map(({ site, fromOneCaller, count: ofSite }) => ({
      site,
      fromOneCaller,
      share: ofSite / count,
      finding: undefined,
    }))
    known.together = together
    known.held = 0
    const [only] = sites
    const place = sites.length === 1 && only?.site !== undefined ? siteKey(only.site) : undefined
    this.traces?.found(shape, scope, place)
  }
}

function keyOf(scope: string, { fingerprint }: Shape): string {
  return `${scope}\n${fingerprint}`
}

/**
 * On a single connection, executions that were issued together are sent sequentially, but each stack still
 * has a different index.
 */
function togetherOf({ samples }: ExecutionGroup): number {
  const stacks = samples.flatMap(({ stack }) => (stack === undefined ? [] : [stack]))
  const indexes = stacks.map(({ stack }) => togetherIndexOf(stack)).filter((index) => index !== undefined)
  return new Set(indexes).size / Math.max(1, stacks.length)
}
