/** Deterministic numbers from 0 to 1 for a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Strings of these characters. */
export function textsOf(
  characters: readonly string[],
  { seed = 7, count = 300, maxLength = 60 } = {},
): string[] {
  const random = randomOf(seed)
  const below = (end: number): number => Math.floor(random() * end)
  return Array.from({ length: count }, () =>
    Array.from({ length: below(maxLength) }, () => characters[below(characters.length)]).join(''),
  )
}
