import { LRUCache } from 'lru-cache'
import type { Dialect } from '../../sql/dialect.ts'
import { planOf } from '../cost/cost-model.ts'
import type { PlanFacts } from '../cost/query-plan.ts'
import type { TableFacts } from '../cost/table-facts.ts'

/** Shapes that are remembered; the longest unseen leave first. */
const MAX_SHAPES = 2_000
const MAX_TEXT_LENGTH = 20_000

interface Observation {
  readonly label: string
  /** Executions with a known time. */
  count: number
  totalMs: number
  /** A text that stands for the shape; `undefined` where none was seen. */
  sample: { readonly sql: string; readonly dialect: Dialect } | undefined
}

/** What was seen of one shape. */
export interface DescribedShape {
  readonly label: string
  /** Executions with a known time. */
  readonly count: number
  readonly totalMs: number
  /** What its text tells; `undefined` where no text was seen. */
  readonly facts: PlanFacts | undefined
}

/** How often each shape was run, and how long it took. */
export class Observations {
  readonly #shapes = new LRUCache<string, Observation>({ max: MAX_SHAPES })

  /** Executions of a shape took some time together. */
  time(fingerprint: string, label: string, count: number, totalMs: number): void {
    const known = this.#of(fingerprint, label)
    known.count += count
    known.totalMs += totalMs
  }

  /** A text of a shape was seen. It is read only when somebody asks. */
  text(fingerprint: string, label: string, sql: string, dialect: Dialect): void {
    if (sql.length <= MAX_TEXT_LENGTH) this.#of(fingerprint, label).sample ??= { sql, dialect }
  }

  /** The mean time of a shape in milliseconds; `undefined` while none is known. */
  meanMs(fingerprint: string): number | undefined {
    const known = this.#shapes.peek(fingerprint)
    return known === undefined || known.count === 0 ? undefined : known.totalMs / known.count
  }

  /** Every shape, with what its text tells by what is known of the tables now. */
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
    const made = { label, count: 0, totalMs: 0, sample: undefined }
    this.#shapes.set(fingerprint, made)
    return made
  }
}
