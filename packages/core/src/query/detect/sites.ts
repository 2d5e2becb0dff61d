import { type CallSite, parseCallSite } from '../../pipeline/call-site.ts'
import type { ExecutionGroup, Sample } from '../../pipeline/execution-group.ts'

/** A call site of executions. */
export interface SiteCount {
  readonly site: CallSite | undefined
  /** Executions from this call site; an estimate if the group has several call sites. */
  readonly count: number
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
  if (found.length < 2) return [{ site: found[0]?.site, count: group.count, samples: group.samples }]
  return found.map(({ site, samples }) => ({
    site,
    samples,
    count: Math.round((samples.length / traced.length) * group.count),
  }))
}
