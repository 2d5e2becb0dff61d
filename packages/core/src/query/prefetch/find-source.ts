import type { Lookup, LookupTarget } from '../../pipeline/lookup.ts'
import type { KeyDomains } from './key-domains.ts'
import type { PrefetchScope } from './prefetch-scope.ts'
import { MAX_COLUMNS, type RowSet } from './row-set.ts'

/** Maximum number of row sets that are searched for a key. */
const PROBED_SETS = 4

/** A lookup whose target is known. */
export type KeyedLookup<T> = Lookup<T> & { readonly target: LookupTarget }

/** Rows that contain a lookup's key, and the properties that contain it. */
export interface KeySource {
  readonly set: RowSet
  readonly properties: readonly string[]
}

/**
 * Finds the newest rows that contain a lookup's key in columns that foreign keys connect to the columns of
 * the lookup. In a database without foreign keys: in any column. Such a loop must first query consecutive
 * neighboring rows.
 */
export function findSource(
  lookup: KeyedLookup<unknown>,
  group: string,
  memory: PrefetchScope,
  domains: KeyDomains,
): KeySource | undefined {
  const readsTheSame = (set: RowSet) => set.source.isWhole || memory.isOwn(group, set)
  return domains.isEmpty
    ? findByValue(lookup, memory, readsTheSame)
    : findByKey(lookup, memory, domains, readsTheSame)
}

function findByKey(
  lookup: KeyedLookup<unknown>,
  memory: PrefetchScope,
  domains: KeyDomains,
  readsTheSame: ReadsTheSame,
): KeySource | undefined {
  const { target, key } = lookup
  const isRelated = (set: RowSet) => domains.sourcesOf(target, set.source.table).length > 0
  for (const set of memory.newest(PROBED_SETS, isRelated)) {
    let best: (KeySource & Standing) | undefined
    for (const columns of domains.sourcesOf(target, set.source.table)) {
      const isOwnKey =
        set.source.table === target.table && columns.every((column, at) => column === target.columns[at])
      if (isOwnKey && readsTheSame(set)) continue
      const properties = columns.map((column) => set.source.property(column))
      if (!properties.every((property) => property !== undefined)) continue
      const index = set.index(properties)
      const ordinal = index.ordinalOf(key.text)
      if (ordinal === undefined) continue
      const found = { set, properties, ordinal, keys: index.keys.length }
      if (best === undefined || isNearer(found, best)) best = found
    }
    if (best !== undefined) return best
  }
  return undefined
}

interface Standing {
  readonly ordinal: number
  readonly keys: number
}

/**
 * Loops begin at the first row. If two columns contain the key (an author and an editor), the source is the
 * one in which it occurs earlier.
 */
function isNearer(found: Standing, best: Standing): boolean {
  return found.ordinal < best.ordinal || (found.ordinal === best.ordinal && found.keys > best.keys)
}

/**
 * Whether the lookup requests a row of the set again. If the app has the whole row and requests it by its
 * key, it wants the current state. It may request rows that lack columns because of these columns, unless the
 * lookup itself has found the rows.
 */
type ReadsTheSame = (set: RowSet) => boolean

function findByValue(
  lookup: KeyedLookup<unknown>,
  memory: PrefetchScope,
  readsTheSame: ReadsTheSame,
): KeySource | undefined {
  const { target, key } = lookup
  const [value, ...others] = key.values
  if (others.length > 0) return undefined
  for (const set of memory.newest(PROBED_SETS, () => true)) {
    const [sample] = set.rows
    if (typeof sample !== 'object' || sample === null) continue
    const ownKey =
      set.source.table === target.table ? set.source.property(target.columns[0] ?? '') : undefined
    for (const property of Object.keys(sample).slice(0, MAX_COLUMNS)) {
      if (typeof (sample as Record<string, unknown>)[property] !== typeof value) continue
      if (property === ownKey && readsTheSame(set)) continue
      const index = set.index([property])
      if (index.keys.length > 1 && index.ordinalOf(key.text) !== undefined)
        return { set, properties: [property] }
    }
  }
  return undefined
}
