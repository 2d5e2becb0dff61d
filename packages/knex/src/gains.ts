import { Gain } from '@sluice/core/adapter'
import type { BuilderInternals } from './internals/types.ts'

/**
 * Apps can generate table names, so the number of entries is limited; reads of additional tables are always
 * examined.
 */
const MAX_TABLES = 1_000
/** The same for reads with more clauses. */
const MAX_CLAUSES = 32
const READS = ['select', 'first', 'pluck']

/** The gains of one instance's reads, by table, method and number of clauses. */
export class KnexGains {
  readonly #gains = new Map<string, Gain[]>()

  /** `undefined`: the read is always examined. */
  of({ _method, _single, _statements }: BuilderInternals): Gain | undefined {
    const table = _single?.table
    const method = READS.indexOf(_method ?? '')
    const clauses = _statements?.length ?? MAX_CLAUSES
    if (typeof table !== 'string' || method < 0 || clauses >= MAX_CLAUSES) return undefined
    let gains = this.#gains.get(table)
    if (gains === undefined) {
      if (this.#gains.size >= MAX_TABLES) return undefined
      gains = []
      this.#gains.set(table, gains)
    }
    const at = method * MAX_CLAUSES + clauses
    gains[at] ??= new Gain()
    return gains[at]
  }
}
