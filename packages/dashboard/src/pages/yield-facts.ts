import type { Sluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { estimateYield } from '@sluice/core/yield'
import type { YieldPage } from '../protocol/engine-pages.ts'

/** Minimum time between two estimates: each takes some milliseconds. */
const FRESH_MS = 5_000

/** The share of the last statements that `optimize` would have saved. */
export class YieldFacts {
  #latest: { readonly at: number; readonly report: YieldPage['report'] } | undefined

  constructor(private readonly sluice: Sluice) {}

  page(): YieldPage {
    const { trace, now } = hostOf(this.sluice)
    const recorded = trace.read()
    if (recorded === undefined) {
      this.#latest = undefined
      return { isRecording: false, processes: 0, report: null }
    }
    if (recorded.events.length === 0) return { isRecording: true, processes: 1, report: null }
    const at = now()
    if (this.#latest === undefined || at - this.#latest.at >= FRESH_MS)
      this.#latest = { at, report: estimateYield(recorded) }
    return { isRecording: true, processes: 1, report: this.#latest.report }
  }
}
