import { compileGlob } from '../../shared/glob.ts'
import type { DetectionOptions } from './detection-options.ts'

interface Budget {
  readonly matches: (name: string) => boolean
  readonly most: number
}

/** How many queries scopes may make. */
export class Budgets {
  readonly #budgets: readonly Budget[]

  constructor(budget: DetectionOptions['budget'] = {}) {
    this.#budgets =
      typeof budget === 'number'
        ? [{ matches: () => true, most: budget }]
        : Object.entries(budget).map(([pattern, most]) => ({ matches: compileGlob(pattern), most }))
  }

  /** A scope's; `undefined`: no limit. Of several that match its name, the first counts. */
  of(name: string): number | undefined {
    return this.#budgets.find(({ matches }) => matches(name))?.most
  }
}
