import { LoadForecaster } from '../../../packages/core/src/monitoring/forecast/load-forecaster.ts'
import type { Forecasts } from '../../../packages/core/src/monitoring/scaling/control/control-options.ts'
import { ScalingController } from '../../../packages/core/src/monitoring/scaling/control/scaling-controller.ts'
import { CAPACITY, type FluidWorkers, type Second } from './fluid-workers.ts'
import type { Load } from './load.ts'

export const MIN_WORKERS = 2
const MAX_WORKERS = 60
const TARGET = 0.7

/** Decides the number of workers. */
export interface Rule {
  readonly name: string
  /** Called after each second; returns a number if it decides. */
  after(second: Second, at: number, workers: FluidWorkers): number | undefined
}

export type RuleMaker = (load: Load, startUpSeconds: number) => Rule

function within(count: number): number {
  return Math.max(MIN_WORKERS, Math.min(MAX_WORKERS, count))
}

/** As many workers as the highest minute of the load needs, all the time. */
const noScaling: RuleMaker = ({ rates }) => {
  const peak = rates.reduce((most, rate) => Math.max(most, rate), 0)
  return {
    name: 'no scaling, enough for the peak',
    after: () => within(Math.ceil(peak / (CAPACITY * TARGET))),
  }
}

/** As many workers as the load on average needs, all the time. */
const noScalingMean: RuleMaker = ({ rates }) => {
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  return {
    name: 'no scaling, enough for the mean',
    after: () => within(Math.ceil(mean / (CAPACITY * TARGET))),
  }
}

/** Knows the load until workers started now are up, and 30 s longer. */
export const oracle: RuleMaker = ({ rates }, startUpSeconds) => {
  const highest = highestAhead(rates, startUpSeconds + 30)
  return {
    name: 'oracle',
    after: (_, at) =>
      at % 15 === 14 ? within(Math.ceil((highest[at] ?? 0) / (CAPACITY * TARGET))) : undefined,
  }
}

function highestAhead(rates: Float64Array, seconds: number): Float64Array {
  const highest = new Float64Array(rates.length)
  const descending: number[] = []
  let first = 0
  for (let at = rates.length - 1; at >= 0; at -= 1) {
    while (descending.length > first && (rates[descending.at(-1) ?? 0] ?? 0) <= (rates[at] ?? 0))
      descending.pop()
    descending.push(at)
    while ((descending[first] ?? 0) > at + seconds) first += 1
    highest[at] = rates[descending[first] ?? at] ?? 0
  }
  return highest
}

/**
 * The Horizontal Pod Autoscaler of Kubernetes with its defaults: every 15 s, a tolerance of 0.1, down to the
 * highest of 300 s, up to double or by four.
 *
 * @param metric - `cpu` saturates at the capacity of the workers; `rps` counts arriving requests.
 */
function hpa(metric: 'cpu' | 'rps'): RuleMaker {
  return () => {
    const recommended: (readonly [at: number, workers: number])[] = []
    let sum = 0
    return {
      name: `HPA on ${metric} 70`,
      after(second, at, workers) {
        sum += metric === 'cpu' ? second.busy : second.arrivals
        if (at % 15 !== 14) return undefined
        const current = workers.workers
        const load =
          metric === 'cpu' ? (sum / 15) * workers.active * CAPACITY : sum / 15 + workers.backlog / 15
        sum = 0
        const raw = load / (CAPACITY * TARGET)
        const wanted = Math.abs(raw / current - 1) <= 0.1 ? current : Math.ceil(raw - 1e-9)
        recommended.push([at, wanted])
        while ((recommended[0]?.[0] ?? at) < at - 300) recommended.shift()
        const highest = Math.max(...recommended.map(([, count]) => count))
        return within(
          wanted > current
            ? Math.min(wanted, Math.max(current * 2, current + 4))
            : Math.min(current, highest),
        )
      },
    }
  }
}

/** Sluice's rule, with its production code. */
function sluice(isForecasting: boolean): RuleMaker {
  return (load, startUpSeconds) => {
    let seconds = 0
    const clock = { now: () => seconds * 1000, wall: () => seconds * 1000 }
    const forecasts = isForecasting ? forecastsOf(load, startUpSeconds, () => seconds) : undefined
    const controller = new ScalingController(
      { capacity: CAPACITY, minWorkers: MIN_WORKERS, maxWorkers: MAX_WORKERS, startUpSeconds },
      {
        clock,
        ...(forecasts && { forecasts, onMinute: forecasts.add }),
      },
    )
    return {
      name: isForecasting ? 'Sluice' : 'Sluice without forecasts',
      after(second, at, workers) {
        seconds = at + 1
        controller.record(second.arrivals, workers.backlog)
        return at % 5 === 4 ? controller.decide({ current: workers.workers }).desired : undefined
      },
    }
  }
}

interface FedForecasts extends Forecasts {
  add(perSecond: number): void
}

/** @param now - In seconds since the replay began. */
function forecastsOf({ before }: Load, startUpSeconds: number, now: () => number): FedForecasts {
  const first = Math.ceil((startUpSeconds + 30) / 60)
  const longest = first + 2
  const forecaster = new LoadForecaster({ horizonsMinutes: [first, first + 1, longest] })
  const originMs = before.length * 60_000
  for (const [minute, value] of before.entries()) forecaster.add(value, minute * 60_000)
  let addedAt = 0
  return {
    add(perSecond) {
      addedAt = now()
      if (!Number.isNaN(perSecond)) forecaster.add(perSecond, originMs + addedAt * 1000 - 60_000)
    },
    at(seconds) {
      const forecast = forecaster.predict(Math.min(longest, (seconds + now() - addedAt) / 60))
      return forecast && { p50: forecast.value, p90: forecast.p90, accuracy: forecast.recentAccuracy }
    },
  }
}

export const rules: readonly RuleMaker[] = [
  noScaling,
  noScalingMean,
  hpa('cpu'),
  hpa('rps'),
  sluice(false),
  sluice(true),
]
