const sorted: Float64Array = new Float64Array(8)

/** The median of those of up to eight numbers that are not `NaN`; `NaN` of none. */
export function medianOf(...values: readonly number[]): number {
  let count = 0
  for (const value of values) {
    if (Number.isNaN(value)) continue
    let at = count
    while (at > 0 && (sorted[at - 1] as number) > value) {
      sorted[at] = sorted[at - 1] as number
      at -= 1
    }
    sorted[at] = value
    count += 1
  }
  if (count === 0) return Number.NaN
  const middle = count >> 1
  return count % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
