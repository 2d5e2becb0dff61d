import type { AsyncBatchProcessingEngine } from '../../jobs/async-batch-processing-engine.ts'
import type { ExpectedEffect, TuningAdvice } from '../../monitoring/report/advice.ts'
import {
  isHeldUp,
  type QueueFacts,
  queueAdvice,
  queueSetting,
} from '../../monitoring/report/tuning-advice.ts'
import type { Clock } from '../../shared/clock.ts'
import type { MeasuredEffect, Measurement, TunedSetting } from './tuned-setting.ts'

/** 99% of the differences that are due to chance are within this many standard errors. */
const MARGIN = 2.58
/** Period of the throughput, in seconds. */
const SECONDS = 60
/**
 * Tasks no longer wait, and at least this share of the former number finishes: that is comparable traffic.
 */
const COMPARABLE = 0.95

/** How many tasks of a queue run concurrently in this process. */
export class QueueConcurrency implements TunedSetting {
  readonly kind = 'concurrency'
  readonly name: string

  constructor(
    private readonly queue: string,
    private readonly jobs: AsyncBatchProcessingEngine,
    private readonly clock: Clock,
    /** CPU usage in percent; `0` if it is unknown. */
    private readonly cpu: () => number,
  ) {
    this.name = queueSetting(queue)
  }

  current(): number | undefined {
    return this.jobs.getQueues().find(({ name }) => name === this.queue)?.maxConcurrency
  }

  async advise(): Promise<TuningAdvice | undefined> {
    const facts = await this.#facts()
    return facts && queueAdvice(facts, this.cpu())
  }

  set(value: number): void {
    this.jobs.setConcurrency(this.queue, value)
  }

  measure(_from: number, expected: ExpectedEffect): Measurement {
    const now = () => this.clock.now()
    let startedAt = now()
    return {
      restart: () => {
        startedAt = now()
      },
      result: async () => {
        if (now() - startedAt < SECONDS * 1_000) return undefined
        const facts = await this.#facts()
        return facts && effectOf(facts, expected)
      },
      close: () => {},
    }
  }

  async #facts(): Promise<QueueFacts | undefined> {
    const maxConcurrency = this.current()
    if (maxConcurrency === undefined) return undefined
    return { ...(await this.jobs.getProcessingStats(this.queue)), maxConcurrency }
  }
}

/** `undefined` if fewer tasks finish because fewer were added. */
function effectOf(facts: QueueFacts, { from, to }: ExpectedEffect): MeasuredEffect | undefined {
  const rate = facts.throughputPerSecond
  const effect = { without: from, with: rate }
  if (isHeldUp(facts)) {
    const gain = rate - from
    const margin = MARGIN * Math.sqrt((rate + from) / SECONDS)
    return { ...effect, helped: gain >= (to - from) / 2 && gain > margin }
  }
  return rate >= from * COMPARABLE ? { ...effect, helped: true } : undefined
}
