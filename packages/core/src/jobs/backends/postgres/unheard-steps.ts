import type { BatchRow } from '../job-backend.ts'
import type { PooledQueries } from './pooled-queries.ts'
import { batchOf } from './sql/records.ts'
import type { Statements } from './sql/statements.ts'

/** Milliseconds between the first two looks, doubled for each. */
const FIRST_WAIT_MS = 250
/** A step may wait on the server, for a row that somebody holds or because the server was stopped, long after its connection was given up. */
const LATE_MS = 60_000

/**
 * Steps of one queue whose answers were not heard. They may have been taken, or may be yet: several looks are made for what they gave. What they claimed is given
 * back, and each batch that they ended is told of once.
 */
export class UnheardSteps {
  readonly #names = new Set<string>()
  readonly #found = new Set<string>()
  #batches: BatchRow[] = []
  #askAt = 0
  #waitMs = FIRST_WAIT_MS
  #until = 0

  constructor(
    private readonly queries: PooledQueries,
    private readonly sql: Statements,
    private readonly queue: string,
  ) {}

  add(name: string): void {
    this.#names.add(name)
    this.#askAt = 0
    this.#waitMs = FIRST_WAIT_MS
    this.#until = performance.now() + LATE_MS
  }

  /** Looks, if it is time to. @throws JobBackendError. */
  async look(): Promise<void> {
    const now = performance.now()
    if (now < this.#askAt) return
    const names = [...this.#names]
    await this.queries.run(this.sql.giveBack, [this.queue, names])
    for (const { batch } of await this.queries.run(this.sql.endedBy, [names])) {
      const row = batchOf(batch ?? '')
      if (!this.#found.has(row.id)) this.#batches.push(row)
      this.#found.add(row.id)
    }
    // Those that were added meanwhile were not looked for.
    if (names.length < this.#names.size) return
    this.#askAt = now >= this.#until ? Number.POSITIVE_INFINITY : performance.now() + this.#waitMs
    this.#waitMs *= 2
  }

  /** What is to be told, once. */
  takeBatches(): BatchRow[] {
    const batches = this.#batches
    this.#batches = []
    return batches
  }

  /** Nothing more can come of them. */
  get isOver(): boolean {
    return this.#askAt === Number.POSITIVE_INFINITY && this.#batches.length === 0
  }
}
