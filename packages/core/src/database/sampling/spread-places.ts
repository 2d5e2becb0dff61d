/**
 * Whole numbers from `first` to `last`, in order: one in each of `count` stretches of equal length, at random
 * within it, so that what repeats with any period is met as often as it is there. The same each time.
 */
export function spreadPlaces(first: number, last: number, count: number): number[] {
  const width = (last - first + 1) / count
  const random = mulberry32(20_000)
  const places = Array.from({ length: count }, (_, at) => Math.floor(first + (at + random()) * width))
  return [...new Set(places)]
}

/** Tommy Ettinger's Mulberry32. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
