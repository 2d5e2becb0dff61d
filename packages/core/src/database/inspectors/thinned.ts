/** At most `most` of a list, evenly, with its first and its last. `most` is 2 at least. */
export function thinned<T>(list: readonly T[], most: number): readonly T[] {
  if (list.length <= most) return list
  const step = (list.length - 1) / (most - 1)
  return Array.from({ length: most }, (_, at) => list[Math.round(at * step)] as T)
}
