import {
  type MeteredPool,
  type PeriodWaits,
  type PoolMonitor,
  type PoolWindow,
  waitsSince,
} from '../../database/pool-monitor.ts'
import type { ExpectedEffect, TuningAdvice } from '../../monitoring/report/advice.ts'
import { poolAdvice, poolSetting } from '../../monitoring/report/tuning-advice.ts'
import type { Clock } from '../../shared/clock.ts'
import type { MeasuredEffect, Measurement, TunedSetting } from './tuned-setting.ts'

const ENOUGH_REQUESTS = 200
/** 99% of the differences that are due to chance are within this many standard errors. */
const MARGIN = 2.58
/** With fewer requests per second than this share of those before, less waiting proves nothing. */
const COMPARABLE = 0.7

export interface PoolSizeParts {
  readonly pools: PoolMonitor
  readonly clock: Clock
  /** CPU usage in percent; `0` if it is unknown. */
  readonly cpu: () => number
  /** The maximum that the server's connections allow for a pool; `undefined` if it is unknown. */
  readonly poolLimit: (max: number) => number | undefined
}

/** The maximum of one connection pool whose driver can change it. */
export class PoolSize implements TunedSetting {
  readonly kind = 'poolSize'
  readonly name: string
  #since: PoolWindow | undefined
  #before: PeriodWaits | undefined

  constructor(
    private readonly pool: string,
    private readonly parts: PoolSizeParts,
  ) {
    this.name = poolSetting(pool)
  }

  current(): number | undefined {
    return this.#found()?.now.max
  }

  advise(): TuningAdvice | undefined {
    const { poolLimit, cpu, clock } = this.parts
    const [since, found] = [this.#since, this.#found()]
    this.#since = this.#window()
    if (since === undefined || found === undefined) return undefined
    const { max } = found.now
    const waits = waitsSince(since, found.requests, clock.now())
    this.#before = waits
    if (waits.requests < ENOUGH_REQUESTS) return undefined
    return poolAdvice({ name: this.pool, max, limit: poolLimit(max), cpu: cpu(), waits })
  }

  limit(): number | undefined {
    const max = this.current()
    return max === undefined ? undefined : this.parts.poolLimit(max)
  }

  set(max: number): void {
    this.#found()?.resize?.(max)
  }

  measure(_from: number, expected: ExpectedEffect): Measurement {
    const before = this.#before
    let since = this.#window()
    return {
      restart: () => {
        since = this.#window()
      },
      result: () => {
        const found = this.#found()
        if (since === undefined || found === undefined || before === undefined) return undefined
        const after = waitsSince(since, found.requests, this.parts.clock.now())
        return effectOf(before, after, expected)
      },
      close: () => {
        this.#since = undefined
      },
    }
  }

  #window(): PoolWindow | undefined {
    const found = this.#found()
    return found && { at: this.parts.clock.now(), requests: { ...found.requests } }
  }

  #found(): MeteredPool | undefined {
    return this.parts.pools.pool(this.pool)
  }
}

/** `undefined` if there is too little traffic, or if it is not comparable. */
function effectOf(
  before: PeriodWaits,
  after: PeriodWaits,
  { from, to }: ExpectedEffect,
): MeasuredEffect | undefined {
  if (after.requests < ENOUGH_REQUESTS || after.perSecond < before.perSecond * COMPARABLE) return undefined
  const saved = before.meanMs - after.meanMs
  const helped = saved >= (from - to) / 2 && saved > MARGIN * Math.sqrt(before.error + after.error)
  // More requests than before can wait longer although the change helped.
  if (!helped && after.perSecond * COMPARABLE > before.perSecond) return undefined
  return { without: before.meanMs, with: after.meanMs, helped }
}
