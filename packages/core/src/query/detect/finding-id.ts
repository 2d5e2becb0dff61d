import { LRUCache } from 'lru-cache'
import { createHash } from '../../shared/late-modules.ts'
import type { Finding } from './finding.ts'

/** Maximum number of cached ids. */
const MAX_IDS = 1_000

/** Caches ids, because each request that repeats a finding needs its id again. */
let ids: LRUCache<string, string> | undefined

/**
 * The id is the same on every machine, and does not depend on line numbers: ignored findings stay ignored.
 */
export function idOf(...parts: readonly string[]): string {
  const text = parts.join('\n')
  ids ??= new LRUCache({ max: MAX_IDS })
  let id = ids.get(text)
  if (id === undefined) {
    id = createHash('sha256').update(text).digest('hex').slice(0, 8)
    ids.set(text, id)
  }
  return id
}

/**
 * Identifies the cause of a finding: one normalized query from one call site after one parent query. Scopes
 * with different names can have the same cause. Without a call site, each has a separate one.
 */
export function causeOf({
  id,
  scope,
  callSite,
  parent,
}: Pick<Finding, 'id' | 'scope' | 'callSite' | 'parent'>): string {
  if (callSite === undefined) return `${id} ${scope}`
  const after = parent === undefined ? '' : ` ${idOf(parent.label)}`
  return `${id} ${callSite.line}:${callSite.column}${after}`
}
