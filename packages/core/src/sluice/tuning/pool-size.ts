import type { MeteredPool, PoolMonitor, PoolRequests } from '../../database/pool-monitor.ts'
import type { ExpectedEffect, TuningAdvice } from '../../monitoring/report/advice.ts'
import { poolAdvice, poolSetting } from '../../monitoring/report/pool-advice.ts'
import type { Clock } from '../../shared/clock.ts'
import { LONG_POOL_WAIT_MS } from '../../shared/pool-wait.ts'
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

interface Window {
  readonly at: number
  readonly requests: PoolRequests
}

/** Waits in a period. */
interface Waits {
  readonly requests: number
  readonly perSecond: number
  readonly meanMs: number
  /** Square of the standard error of the mean. */
  readonly error: number
}

/** The maximum of one connection pool whose driver can change it. */
export class PoolSize implements TunedSetting {
  readonly kind = 'poolSize'
  readonly name: string
  #since: Window | undefined
  #before: Waits | undefined

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
    const periodMs = clock.now() - since.at
    const { max } = found.now
    const before = waitsSince(since, found.requests, periodMs)
    this.#before = before
    const { requests, meanMs } = before
    if (requests < ENOUGH_REQUESTS) return undefined
    // The share of long waits is known, and not how long these are.
    const longest = (found.requests.long - since.requests.long) / requests
    const p95Ms = longest >= 0.05 ? LONG_POOL_WAIT_MS : 0
    return poolAdvice(
      { name: this.pool, max, limit: poolLimit(max), periodMs, requests, meanMs, p95Ms },
      cpu(),
    )
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
        const after = waitsSince(since, found.requests, this.parts.clock.now() - since.at)
        return effectOf(before, after, expected)
      },
      close: () => {
        this.#since = undefined
      },
    }
  }

  #window(): Window | undefined {
    const found = this.#found()
    return found && { at: this.parts.clock.now(), requests: { ...found.requests } }
  }

  #found(): MeteredPool | undefined {
    return this.parts.pools.pool(this.pool)
  }
}

function waitsSince({ requests: before }: Window, now: PoolRequests, periodMs: number): Waits {
  const requests = now.count - before.count
  const many = Math.max(1, requests)
  const meanMs = (now.waitedMs - before.waitedMs) / many
  const variance = Math.max(0, (now.squares - before.squares) / many - meanMs ** 2)
  return { requests, meanMs, perSecond: (requests * 1_000) / periodMs, error: variance / many }
}

/** `undefined` if there is too little traffic, or if it is not comparable. */
function effectOf(before: Waits, after: Waits, { from, to }: ExpectedEffect): MeasuredEffect | undefined {
  if (after.requests < ENOUGH_REQUESTS || after.perSecond < before.perSecond * COMPARABLE) return undefined
  const saved = before.meanMs - after.meanMs
  const helped = saved >= (from - to) / 2 && saved > MARGIN * Math.sqrt(before.error + after.error)
  // More requests than before can wait longer although the change helped.
  if (!helped && after.perSecond * COMPARABLE > before.perSecond) return undefined
  return { without: before.meanMs, with: after.meanMs, helped }
}
