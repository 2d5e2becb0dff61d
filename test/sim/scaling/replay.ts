import { CAPACITY, FluidWorkers, type Second } from './fluid-workers.ts'
import type { Load } from './load.ts'
import { MIN_WORKERS, oracle, type Rule, type RuleMaker } from './rules.ts'

export interface Replayed {
  readonly rule: string
  /** Seconds in which the p99 latency exceeded the objective, in percent. */
  readonly over: number
  /** Requests that found the queue full, in percent. */
  readonly dropped: number
  readonly workerHours: number
  /** Worker-hours relative to those of an oracle. */
  readonly cost: number
  /** Changes of the number of workers per day. */
  readonly eventsADay: number
  /** The number of workers and the load, each minute. */
  readonly minutes: readonly Minute[]
}

interface Minute {
  readonly rate: number
  readonly workers: number
  /** The p99 latency of its worst second, in seconds. */
  readonly slowest: number
}

const SEED = 777

/** Replays a load with each rule. The same requests arrive each time. */
export function replayAll(load: Load, startUpSeconds: number, makers: readonly RuleMaker[]): Replayed[] {
  const least = replay(load, startUpSeconds, oracle(load, startUpSeconds), Number.NaN).workerHours
  return makers.map((make) => replay(load, startUpSeconds, make(load, startUpSeconds), least))
}

function replay(load: Load, startUpSeconds: number, rule: Rule, least: number): Replayed {
  const { rates, retries } = load
  const workers = new FluidWorkers({ startUpSeconds, retries, seed: SEED, workers: firstWorkers(load) })
  let over = 0
  let dropped = 0
  let arrivals = 0
  let paidSeconds = 0
  let events = 0
  const minutes: Minute[] = []
  let worst = 0
  for (let at = 0; at < rates.length; at += 1) {
    const second: Second = workers.pass(rates[at] ?? 0)
    if (second.isOver) over += 1
    dropped += second.dropped
    arrivals += second.arrivals
    paidSeconds += workers.paid
    worst = Math.max(worst, second.slowest)
    const desired = rule.after(second, at, workers)
    if (desired !== undefined && desired !== workers.workers) {
      events += 1
      workers.scaleTo(desired)
    }
    if (at % 60 !== 59) continue
    minutes.push({ rate: rates[at] ?? 0, workers: workers.active, slowest: worst })
    worst = 0
  }
  const workerHours = paidSeconds / 3600
  return {
    rule: rule.name,
    over: (100 * over) / rates.length,
    dropped: (100 * dropped) / arrivals,
    workerHours,
    cost: workerHours / least,
    eventsADay: (events * 86_400) / rates.length,
    minutes,
  }
}

function firstWorkers({ rates }: Load): number {
  return Math.max(MIN_WORKERS, Math.ceil((rates[0] ?? 0) / (CAPACITY * 0.7)))
}
