import { type CacheStats, sizingBetween } from '../../cache/cache-stats.ts'
import type { CachingStrategyEngine } from '../../cache/caching-strategy-engine.ts'
import { SizeTrial } from '../../cache/size-trial.ts'
import type { ExpectedEffect, TuningAdvice } from '../../monitoring/report/advice.ts'
import { CACHE_SETTING, cacheAdvice } from '../../monitoring/report/tuning-advice.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Measurement, TunedSetting } from './tuned-setting.ts'

/** Sampled reads, of 1 in 8 keys. */
const ENOUGH_READS = 500
/** A smaller cache may lose so many hits per read. */
const TOLERATED_LOSS = 0.01

/** The budget of the in-process cache. */
export class CacheSize implements TunedSetting {
  readonly kind = 'cacheBytes'
  readonly name: string = CACHE_SETTING
  #since: { readonly at: number; readonly stats: CacheStats } | undefined

  /** @param engine - `undefined` as long as nothing was cached. */
  constructor(
    private readonly engine: () => CachingStrategyEngine | undefined,
    private readonly clock: Clock,
  ) {}

  current(): number | undefined {
    return this.engine()?.getStats().totalMemory
  }

  advise(): TuningAdvice | undefined {
    const stats = this.engine()?.getStats()
    const since = this.#since
    const at = this.clock.now()
    this.#since = stats && { at, stats }
    return stats && since && cacheAdvice(sizingBetween(since.stats, stats, at - since.at))
  }

  set(bytes: number): void {
    this.engine()?.setMaxBytes(bytes)
  }

  measure(from: number, expected: ExpectedEffect): Measurement {
    const engine = this.engine() as CachingStrategyEngine
    const trial = new SizeTrial({ ...engine.settings, maxBytes: from })
    engine.watch(trial)
    return {
      restart: () => trial.restart(),
      result: () => {
        const { reads, hitRate, otherHitRate, margin } = trial.comparison
        if (reads < ENOUGH_READS) return undefined
        const gain = hitRate - otherHitRate
        const promised = expected.to - expected.from
        const helped = promised > 0 ? gain > margin && gain >= promised / 2 : gain - margin >= -TOLERATED_LOSS
        return { without: otherHitRate, with: hitRate, helped }
      },
      close: () => {
        engine.watch(undefined)
        trial.close()
        this.#since = undefined
      },
    }
  }
}
