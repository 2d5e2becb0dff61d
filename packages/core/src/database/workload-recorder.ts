import type { Clock } from '../shared/clock.ts'
import type { RandomSource } from '../shared/random.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { DatabaseOptions } from './database-options.ts'
import { PoolMonitor } from './pool-monitor.ts'
import { TrafficLog } from './traffic/traffic-log.ts'

export interface WorkloadRecorderParts {
  readonly clock: Clock
  readonly random: RandomSource
  readonly onError: (error: unknown) => void
}

/** Records the statements and pools that a database engine analyzes. A Sluice records before its engine is created. */
export class WorkloadRecorder {
  /** `undefined` if the option `traffic` is `false`. */
  readonly traffic: TrafficLog | undefined
  readonly pools: PoolMonitor
  /** Called for each execution of a read. */
  onRead: ((fingerprint: string, dialect: Dialect) => void) | undefined

  constructor({ traffic }: Pick<DatabaseOptions, 'traffic'>, { clock, random, onError }: WorkloadRecorderParts) {
    this.pools = new PoolMonitor(onError)
    if (traffic === false) return
    this.traffic = new TrafficLog(traffic, {
      ...{ clock, random, onError, onPeriod: () => this.pools.sample() },
      onRead: (fingerprint, dialect) => this.onRead?.(fingerprint, dialect),
    })
  }
}
