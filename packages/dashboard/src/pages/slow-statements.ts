import { analyzeSql, type QuerySeverity, type Sluice } from '@sluice/core'

/** A statement that takes so long is worth a look by itself. */
const SLOW_MS = 1_000
const MAX_SLOW = 5
/** To go through all that was asked is dear, and what is slow stays so. */
const FRESH_MS = 5_000

export interface SlowStatement {
  readonly fingerprint: string
  /** Without values. */
  readonly label: string
  readonly calls: number
  readonly maxMs: number
  readonly severity: QuerySeverity
}

/** The statements that took long, as they were a little while ago. */
export class SlowStatements {
  #known: { readonly at: number; readonly statements: readonly SlowStatement[] } | undefined

  constructor(
    private readonly sluice: Pick<Sluice, 'database'>,
    private readonly now: () => number,
  ) {}

  get(): readonly SlowStatement[] {
    const at = this.now()
    if (this.#known === undefined || at - this.#known.at >= FRESH_MS) this.#known = { at, statements: this.#look() }
    return this.#known.statements
  }

  #look(): readonly SlowStatement[] {
    const { database } = this.sluice
    const slow = database?.getSlowQueries(SLOW_MS, MAX_SLOW) ?? []
    if (database === undefined || slow.length === 0) return []
    const dialects = new Map(database.getTraffic().map(({ fingerprint, dialect }) => [fingerprint, dialect]))
    return slow.map(({ fingerprint, query, calls = 0, maxTime = 0, severity }) => {
      // The engine has it as it was sent, with values that the app wrote into it.
      const dialect = dialects.get(fingerprint) ?? database.snapshot?.dialect ?? 'postgresql'
      return { fingerprint, label: analyzeSql(query, dialect).shape, calls, maxMs: maxTime, severity }
    })
  }
}
