import { type CallSite, callersIn, parseCallSite } from '../../pipeline/call-site.ts'
import type { ExecutionGroup, Listing, Sample } from '../../pipeline/execution-group.ts'
import type { Scope } from '../../pipeline/scope.ts'
import type { QueryGroup } from './finding.ts'

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
}

/** Returns a string that identifies a call site. */
export function placeOf(site: CallSite | undefined): string {
  return site === undefined ? '' : `${site.file}:${site.line}:${site.column}`
}

/**
 * Returns the call sites of a group, and the number of executions of each. Executions with a stack represent
 * the others.
 */
export function sitesOf(group: ExecutionGroup): readonly SiteCount[] {
  const sites = new Map<string, { site: CallSite | undefined; samples: Sample[] }>()
  const traced = group.samples.filter(({ stack }) => stack !== undefined)
  for (const sample of traced) {
    const site = parseCallSite(sample.stack?.stack)
    const place = placeOf(site)
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
        const known = groups.get(`${group.shape.fingerprint}\n${placeOf(site)}`)
        groups.set(`${group.shape.fingerprint}\n${placeOf(site)}`, {
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
