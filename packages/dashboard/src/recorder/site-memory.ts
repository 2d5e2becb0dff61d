import type { CallSite } from '@sluice/core'
import { type ExecutionGroup, parseCallSite } from '@sluice/core/siblings'

/** Places that are remembered. */
const MAX_SITES = 2_000
/** A place that was found so often is taken for granted … */
const CONFIRMATIONS = 3
/** … and looked at again every so many times. */
const RECHECK_EVERY = 64

interface Known {
  readonly site: CallSite
  uses: number
}

/** Where shapes are asked from, by the scope's name: to make text of a stack is dear, and a route asks from the same place again and again. */
export class SiteMemory {
  readonly #sites = new Map<string, Known>()

  /** The first place that a group was issued from, as far as a stack tells. */
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
    if (known === undefined && this.#sites.size >= MAX_SITES) this.#sites.delete(this.#sites.keys().next().value as string)
    const isSame = known !== undefined && known.site.line === site.line && known.site.file === site.file
    this.#sites.set(key, { site: isSame ? known.site : site, uses: (known?.uses ?? 0) + 1 })
    return isSame ? known.site : site
  }
}
