/** The median of the numbers that are not `NaN`; `undefined` if there are none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = Float64Array.from(values).sort()
  // A typed array sorts `NaN` last.
  let count = sorted.length
  while (count > 0 && Number.isNaN(sorted[count - 1])) count -= 1
  if (count === 0) return undefined
  const middle = count >> 1
  const upper = sorted[middle] as number
  return count % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}
