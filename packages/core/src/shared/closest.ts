/**
 * Returns the name that is most similar to a mistyped one, or `undefined` if none is similar.
 *
 * The distance is that of Damerau and Levenshtein (optimal string alignment): insertions, deletions,
 * substitutions and swaps of neighbors. At most 1 in 3 characters may differ.
 */
export function closest(typed: string, names: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.floor(Math.max(typed.length, 3) / 3)
  for (const name of names) {
    // The distance is at least the difference of the lengths.
    if (Math.abs(typed.length - name.length) > least) continue
    const distance = distanceOf(typed, name)
    if (distance < least || (distance === least && best === undefined)) {
      best = name
      least = distance
    }
  }
  return best
}

function distanceOf(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1]
      let cost = Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + (isSame ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1)
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
