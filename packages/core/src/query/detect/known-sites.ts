import { LRUCache } from 'lru-cache'
import { type CallSite, parseCallSite, togetherIndexOf } from '../../pipeline/call-site.ts'
import type { CallSiteTraces } from '../../pipeline/call-site-traces.ts'
import type { ExecutionGroup, Listing } from '../../pipeline/execution-group.ts'
import type { Shape } from '../../pipeline/operation.ts'
import { placeOf, type SiteCount, sitesOf } from './sites.ts'

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
      if (hasEnded) this.#remember(known, group, found)
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
    const sites = known.sites.map(({ site, fromOneCaller, share }) => ({
      site,
      fromOneCaller,
      samples,
      count: Math.round(share * count),
    }))
    return { sites, together: known.together, held: 0 }
  }

  /** Returns the call site of a group's parent query. */
  parentOf(scope: string, group: ExecutionGroup, { shape, stack }: Listing): CallSite | undefined {
    const { parents } = this.#entry(scope, group)
    if (stack !== undefined) {
      const site = parseCallSite(stack.stack)
      if (site === undefined) return undefined
      parents.set(shape.fingerprint, site)
      this.traces?.foundParent(shape, placeOf(site))
      return site
    }
    const site = parents.get(shape.fingerprint)
    if (site === undefined) this.traces?.doubtParent(shape)
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

  #remember(known: Known, { shape, count }: ExecutionGroup, { sites, together }: GroupSites): void {
    known.sites = sites.map(({ site, fromOneCaller, count: ofSite }) => ({
      site,
      fromOneCaller,
      share: ofSite / count,
    }))
    known.together = together
    known.held = 0
    const [only] = sites
    this.traces?.found(shape, sites.length === 1 && only?.site !== undefined ? placeOf(only.site) : undefined)
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
