import { type CallSite, callersIn, parseCallSite } from '../../pipeline/call-site.ts'
import type { ExecutionGroup, Sample } from '../../pipeline/execution-group.ts'

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
