import { type CallSite, parseCallSite } from '../../pipeline/call-site.ts'
import type { ExecutionGroup, Sample } from '../../pipeline/execution-group.ts'

/** A place that executions were issued from. */
export interface SiteCount {
  readonly site: CallSite | undefined
  /** Executions from there; estimated when the group came from several places. */
  readonly count: number
  /** Those of its executions that are remembered one by one. */
  readonly samples: readonly Sample[]
}

/** A place as text: equal for equal places. */
export function placeOf(site: CallSite | undefined): string {
  return site === undefined ? '' : `${site.file}:${site.line}:${site.column}`
}

/** Where a group was issued from, and how often from each place. Executions with a stack stand for the rest. */
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
  // Of one place, or of none that is known: it has all of them.
  if (found.length < 2) return [{ site: found[0]?.site, count: group.count, samples: group.samples }]
  return found.map(({ site, samples }) => ({ site, samples, count: Math.round((samples.length / traced.length) * group.count) }))
}
