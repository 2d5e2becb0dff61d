import type { Finding } from './finding.ts'

/** Findings told apart; beyond that, older ones may be told anew. */
const MAX_FINDINGS = 1000

/** Says which findings are worth telling: each the first time in a scope of its name, and then at the 10th, 100th, 1,000th … time. */
export class FindingRepeats {
  readonly #seen = new Map<string, number>()

  /** @returns How often it was seen; `undefined`: it is not to be told now. */
  timesToTell({ scope, id }: Finding): number | undefined {
    const key = `${scope}\n${id}`
    const times = (this.#seen.get(key) ?? 0) + 1
    if (this.#seen.size >= MAX_FINDINGS && times === 1) this.#seen.clear()
    this.#seen.set(key, times)
    return Number.isInteger(Math.log10(times)) ? times : undefined
  }
}
