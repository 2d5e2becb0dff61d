import { lookupKey } from '../../pipeline/key-text.ts'
import type { Lookup, LookupTarget } from '../../pipeline/lookup.ts'
import type { KeyDomains } from './key-domains.ts'
import type { PrefetchScope } from './prefetch-scope.ts'
import { MAX_COLUMNS, type RowSet } from './row-set.ts'

/** Maximum number of row sets that are searched for a key. */
const PROBED_SETS = 4
/** Maximum number of combinations of properties that are examined for a composite key. */
const MAX_CANDIDATES = 8

/** A lookup whose target is known. */
export type KeyedLookup<T> = Lookup<T> & { readonly target: LookupTarget }

/** Rows that contain a lookup's key, and the properties that contain it. */
export interface KeySource {
  readonly set: RowSet
  readonly properties: readonly string[]
}

/**
 * Finds the newest rows that contain a lookup's key in columns that foreign keys connect to the columns of
 * the lookup. If the database has no foreign keys, or none connects the unique key of the lookup: in all
 * columns that can contain it according to `KeyDomains.columnsLike`. Such a loop must first query consecutive
 * neighboring rows.
 */
export function findSource(
  lookup: KeyedLookup<unknown>,
  group: string,
  memory: PrefetchScope,
  domains: KeyDomains,
): KeySource | undefined {
  const readsTheSame = (set: RowSet) => set.source.isWhole || memory.isOwn(group, set)
  return domains.areUnrelated(lookup.target)
    ? findByValue(lookup, memory, domains, readsTheSame)
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
  domains: KeyDomains,
  readsTheSame: ReadsTheSame,
): KeySource | undefined {
  const { target, key } = lookup
  for (const set of memory.newest(PROBED_SETS, () => true)) {
    const ownKey =
      set.source.table === target.table && readsTheSame(set)
        ? target.columns.map((column) => set.source.property(column))
        : undefined
    for (const properties of candidates(set, lookup, domains)) {
      if (ownKey !== undefined && properties.every((name, at) => name === ownKey[at])) continue
      const index = set.index(properties)
      if (index.keys.length > 1 && index.ordinalOf(key.text) !== undefined) return { set, properties }
    }
  }
  return undefined
}

/** The properties of rows that may contain a lookup's key, each list in the order of the key's values. */
function candidates(
  set: RowSet,
  { target, key }: KeyedLookup<unknown>,
  domains: KeyDomains,
): readonly (readonly string[])[] {
  const [sample] = set.rows
  if (typeof sample !== 'object' || sample === null) return []
  const values = sample as Readonly<Record<string, unknown>>
  const names = Object.keys(values).slice(0, MAX_COLUMNS)
  let lists: readonly (readonly string[])[] = [[]]
  for (const [at, value] of key.values.entries()) {
    const text = lookupKey([value])?.text
    if (text === undefined) return []
    const columns = domains.columnsLike(target, at, set.source.table)
    const properties = columns?.map((column) => set.source.property(column))
    const found = names.filter(
      (name) =>
        typeof values[name] === typeof value &&
        properties?.includes(name) !== false &&
        (key.values.length === 1 || set.index([name]).ordinalOf(text) !== undefined),
    )
    // The column of the same name is the likeliest.
    const named = set.source.property(target.columns[at] ?? '')
    found.sort((left, right) => Number(right === named) - Number(left === named))
    lists = lists
      .flatMap((list) => found.filter((name) => !list.includes(name)).map((name) => [...list, name]))
      .slice(0, key.values.length === 1 ? MAX_COLUMNS : MAX_CANDIDATES)
  }
  return lists
}
