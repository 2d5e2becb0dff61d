/** Sum of the known values; `null` if there are none. */
export function sumOf(values: readonly (number | null)[]): number | null {
  return ofKnown(values, (known) => known.reduce((sum, value) => sum + value, 0))
}

/** Mean of the known values; `null` if there are none. */
export function meanOf(values: readonly (number | null)[]): number | null {
  return ofKnown(values, (known) => known.reduce((sum, value) => sum + value, 0) / known.length)
}

/** Maximum of the known values; `null` if there are none. */
export function greatestOf(values: readonly (number | null)[]): number | null {
  return ofKnown(values, (known) => Math.max(...known))
}

/** Minimum of the known values; `null` if there are none. */
export function leastOf(values: readonly (number | null)[]): number | null {
  return ofKnown(values, (known) => Math.min(...known))
}

function ofKnown(
  values: readonly (number | null)[],
  join: (known: readonly number[]) => number,
): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : join(known)
}

/** Adds up fields. */
export function sumsOf<K extends string>(
  all: readonly Readonly<Record<K, number>>[],
  fields: readonly K[],
): Record<K, number> {
  const totals = fields.map((field) => [field, all.reduce((sum, one) => sum + one[field], 0)])
  return Object.fromEntries(totals) as Record<K, number>
}

/** Weighted mean. If all weights are 0, the plain mean. */
export function weighted(
  values: readonly (readonly [value: number | null, weight: number])[],
): number | null {
  const known = values.filter((pair): pair is readonly [number, number] => pair[0] !== null)
  const weight = known.reduce((sum, [, each]) => sum + each, 0)
  if (weight === 0) return meanOf(known.map(([value]) => value))
  return known.reduce((sum, [value, each]) => sum + value * each, 0) / weight
}

/** Groups items by key, in the order of the first item of each group. */
export function grouped<T>(items: readonly T[], keyOf: (item: T) => string): readonly [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return [...groups.values()]
}

/** Adds up objects with numeric fields, field by field. */
export function summed<T extends { readonly [K in keyof T]: number }>([first, ...others]: readonly [
  T,
  ...T[],
]): T {
  const sums: Record<string, number> = { ...first }
  for (const other of others)
    for (const [field, value] of Object.entries<number>(other)) sums[field] = (sums[field] ?? 0) + value
  return sums as T
}

/**
 * Quantile of counted values: the smallest value that `share` of them do not exceed; `null` without values.
 */
export function quantileOf(
  values: readonly (readonly [value: number, count: number])[],
  share: number,
): number | null {
  const sorted = [...values].sort(([a], [b]) => a - b)
  const rank = Math.max(1, Math.ceil(share * sorted.reduce((sum, [, count]) => sum + count, 0)))
  let seen = 0
  for (const [value, count] of sorted) {
    seen += count
    if (seen >= rank) return value
  }
  return null
}
