import type { Finding } from './finding.ts'

/**
 * Maximum number of findings whose repeats are counted. Beyond it, earlier findings can be reported again.
 */
const MAX_FINDINGS = 1000

/**
 * Selects the findings to report: each the 1st time in scopes of one name, and then at the 10th, 100th,
 * 1,000th … time.
 */
export class FindingRepeats {
  readonly #seen = new Map<string, number>()

  /** @returns How often the finding was seen; `undefined` if it must not be reported now. */
  timesToReport({ scope, id }: Finding): number | undefined {
    const key = `${scope}\n${id}`
    const times = (this.#seen.get(key) ?? 0) + 1
    if (this.#seen.size >= MAX_FINDINGS && times === 1) this.#seen.clear()
    this.#seen.set(key, times)
    return Number.isInteger(Math.log10(times)) ? times : undefined
  }
}
