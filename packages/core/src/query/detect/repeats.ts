import type { Sample } from '../../pipeline/execution-group.ts'
import { canonicalKey } from '../../shared/canonical.ts'

export interface Repeats {
  /** The share of executions whose values were asked with more than once: 0 to 1. */
  readonly share: number
  /** The share of executions that asked what an earlier one had asked. */
  readonly needless: number
  /** Executions with the most frequent values. */
  readonly most: number
}

const NONE: Repeats = { share: 0, needless: 0, most: 1 }

/**
 * How often executions of one shape were asked with the same values, and no write of the scope in between. Values that cannot be compared
 * count as different.
 *
 * @param least - The needless share below which the rest does not matter: most groups are given up halfway.
 */
export function repeatsAmong(samples: readonly Sample[], least = 0): Repeats {
  const times = new Map<string, number>()
  const mostDifferent = samples.length * (1 - least)
  let known = 0
  let different = 0
  for (const { values, writes } of samples) {
    const key = values === undefined ? undefined : canonicalKey(values)
    const text = `${writes} ${key}`
    const before = key === undefined ? 0 : (times.get(text) ?? 0)
    if (before === 0) different += 1
    if (different > mostDifferent) return NONE
    if (key === undefined) continue
    known += 1
    times.set(text, before + 1)
  }
  if (times.size === known) return NONE
  const counts = [...times.values()]
  const repeated = counts.filter((count) => count > 1).reduce((sum, count) => sum + count, 0)
  return { share: repeated / samples.length, needless: (known - times.size) / samples.length, most: Math.max(...counts) }
}
