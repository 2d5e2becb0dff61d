/** The value that so large a share of counted values are not above; `null` of none. */
export function quantileOf(values: readonly (readonly [value: number, count: number])[], share: number): number | null {
  const sorted = [...values].sort(([a], [b]) => a - b)
  const rank = Math.max(1, Math.ceil(share * sorted.reduce((sum, [, count]) => sum + count, 0)))
  let seen = 0
  for (const [value, count] of sorted) {
    seen += count
    if (seen >= rank) return value
  }
  return null
}
