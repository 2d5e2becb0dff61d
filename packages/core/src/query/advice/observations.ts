import { LRUCache } from 'lru-cache'
import type { Dialect } from '../../sql/dialect.ts'
import { type PlanFacts, planOf } from '../cost/cost-model.ts'
import type { TableFacts } from '../cost/table-facts.ts'

/**
 * Maximum number of stored normalized queries. Those that were not seen for the longest time are evicted
 * first.
 */
const MAX_SHAPES = 2_000
const MAX_TEXT_LENGTH = 20_000

interface Observation {
  readonly label: string
  /** Executions with a known time. */
  count: number
  totalMs: number
  /** A sample statement of the normalized query; `undefined` if none was seen. */
  sample: { readonly sql: string; readonly dialect: Dialect } | undefined
}

/** The observations of one normalized query. */
export interface DescribedShape {
  readonly label: string
  /** Executions with a known time. */
  readonly count: number
  readonly totalMs: number
  /** The facts from its sample statement; `undefined` if none was seen. */
  readonly facts: PlanFacts | undefined
}

/** Records how often each normalized query ran, and how long it took. */
export class Observations {
  readonly #shapes = new LRUCache<string, Observation>({ max: MAX_SHAPES })

  /** Adds executions of a normalized query, and their total time. */
  time(fingerprint: string, label: string, count: number, totalMs: number): void {
    const known = this.#of(fingerprint, label)
    known.count += count
    known.totalMs += totalMs
  }

  /** Stores a sample statement of a normalized query. It is parsed only when its facts are needed. */
  text(fingerprint: string, label: string, sql: string, dialect: Dialect): void {
    if (sql.length <= MAX_TEXT_LENGTH) this.#of(fingerprint, label).sample ??= { sql, dialect }
  }

  /** Returns the mean time of a normalized query in milliseconds; `undefined` while none is known. */
  meanMs(fingerprint: string): number | undefined {
    const known = this.#shapes.peek(fingerprint)
    return known === undefined || known.count === 0 ? undefined : known.totalMs / known.count
  }

  /**
   * Returns every normalized query, with the facts from its sample, based on the current facts about the
   * tables.
   */
  describe(tables: TableFacts): readonly DescribedShape[] {
    return [...this.#shapes.values()].map(({ label, count, totalMs, sample }) => ({
      label,
      count,
      totalMs,
      facts: sample && planOf(sample.sql, sample.dialect, tables),
    }))
  }

  #of(fingerprint: string, label: string): Observation {
    const known = this.#shapes.get(fingerprint)
    if (known !== undefined) return known
    const created = { label, count: 0, totalMs: 0, sample: undefined }
    this.#shapes.set(fingerprint, created)
    return created
  }
}
