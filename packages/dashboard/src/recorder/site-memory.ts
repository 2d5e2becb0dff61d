import type { CallSite } from '@sluice/core'
import { type ExecutionGroup, parseCallSite } from '@sluice/core/siblings'

const MAX_SITES = 2_000
/** Number of confirmations after which a call site is trusted … */
const CONFIRMATIONS = 3
/** … and the interval at which it is checked again. */
const RECHECK_EVERY = 64

interface Known {
  readonly site: CallSite
  uses: number
}

/**
 * Call sites of normalized queries by scope name: formatting a stack is expensive, and a route sends a query
 * from the same call site each time.
 */
export class SiteMemory {
  readonly #sites = new Map<string, Known>()

  /** The first call site of a group, if a stack contains it. */
  siteOf(name: string, group: ExecutionGroup): CallSite | undefined {
    const key = `${name}\n${group.shape.fingerprint}`
    const known = this.#sites.get(key)
    if (known !== undefined) {
      known.uses += 1
      if (known.uses > CONFIRMATIONS && known.uses % RECHECK_EVERY !== 0) return known.site
    }
    const traced = group.samples.find(({ stack }) => stack !== undefined)
    const site = traced === undefined ? undefined : parseCallSite(traced.stack?.stack)
    if (site === undefined) return known?.site
    if (known === undefined && this.#sites.size >= MAX_SITES)
      this.#sites.delete(this.#sites.keys().next().value as string)
    const isSame = known !== undefined && known.site.line === site.line && known.site.file === site.file
    this.#sites.set(key, { site: isSame ? known.site : site, uses: (known?.uses ?? 0) + 1 })
    return isSame ? known.site : site
  }
}
