import type { ExecutionGroup, Listing } from '../../pipeline/execution-group.ts'
import type { Scope } from '../../pipeline/scope.ts'
import type { QueryGroup } from './finding.ts'
import { placeOf, type SiteCount, sitesOf } from './sites.ts'

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
