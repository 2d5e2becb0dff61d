import type { StatementWatch } from '../pipeline/statement-watch.ts'
import type { Clock } from '../shared/clock.ts'
import type { RandomSource } from '../shared/random.ts'
import { checkDatabaseOptions, type DatabaseOptions } from './database-options.ts'
import type { TrafficEntry } from './traffic/traffic-entry.ts'
import { type OtherTraffic, TrafficLog } from './traffic/traffic-log.ts'

/** What a Sluice joins its engine with. */
export interface DatabaseEngineParts {
  readonly clock?: Clock
  readonly random?: RandomSource
  readonly onError?: (error: unknown) => void
}

let watch: (engine: DatabaseOptimizationEngine) => StatementWatch | undefined

/** What an engine is told of statements by; `undefined` where it remembers none. */
export function watchOf(engine: DatabaseOptimizationEngine): StatementWatch | undefined {
  return watch(engine)
}

/** What an app asks its database, what the database is made of, and what to change in it. */
export class DatabaseOptimizationEngine {
  static {
    watch = (engine) => engine.#traffic
  }

  readonly #traffic: TrafficLog | undefined

  /** @throws InvalidOptionError for an unknown option, or one out of its bounds. */
  constructor(options?: DatabaseOptions)
  /**
   * @param parts - What a Sluice hands over; apps leave it out.
   * @internal
   */
  constructor(options?: DatabaseOptions, parts?: DatabaseEngineParts)
  constructor(options: DatabaseOptions = {}, parts: DatabaseEngineParts = {}) {
    checkDatabaseOptions(options)
    this.#traffic = options.traffic === false ? undefined : new TrafficLog(options.traffic, parts)
  }

  /** What was asked, by shape: those that took the most time first. */
  getTraffic(): TrafficEntry[] {
    return this.#traffic?.snapshot() ?? []
  }

  /** What was asked and is in no entry of `getTraffic()`, because there were too many shapes. */
  getOtherTraffic(): OtherTraffic {
    return this.#traffic?.others ?? { forgotten: 0, calls: 0, errors: 0, totalMs: 0, rows: 0 }
  }

  /** Forgets what was asked. */
  resetTraffic(): void {
    this.#traffic?.reset()
  }
}
