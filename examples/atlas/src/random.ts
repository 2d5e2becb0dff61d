/** A seeded source of numbers: the same seed gives the same numbers on every machine. */
export interface Random {
  /** A number from 0 (included) to 1 (excluded). */
  next(): number
  /** A whole number from 0 (included) to `limit` (excluded). */
  below(limit: number): number
  pick<T>(items: readonly T[]): T
  /** A pick that prefers the first items, as popular places are preferred (Zipf's law, exponent 1). */
  pickPopular<T>(items: readonly T[]): T
}

/** Mulberry32 by Tommy Ettinger: 32 bits of state, and good enough for a list of requests. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    next,
    below,
    pick: (items) => at(items, below(items.length)),
    // The inverse of the Zipf distribution's continuous form.
    pickPopular: (items) => at(items, Math.floor((items.length + 1) ** next()) - 1),
  }
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[Math.min(index, items.length - 1)]
  if (item === undefined) throw new RangeError('Cannot pick from an empty list.')
  return item
}
