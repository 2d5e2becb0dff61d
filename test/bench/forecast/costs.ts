import { LoadForecaster } from '../../../packages/core/src/monitoring/forecast/load-forecaster.ts'
import type { BenchFigure } from '../database/report.ts'
import { type Series, syntheticSeries } from './series.ts'

const MINUTE_MS = 60_000
const HORIZONS: readonly number[] = [5, 15, 60]
const WARM_UPS = 3

/** The cost of a sample for three horizons, and the memory of a series. */
export function measureCosts(quick: boolean): BenchFigure[] {
  const [series] = syntheticSeries(quick ? 10 : 20)
  if (series === undefined) return []
  const { mean, worst } = timeSamples(series, quick ? 5 : 11)
  const forecaster = filled(series, MINUTE_MS)
  return [
    { id: 'a sample and three forecasts, mean', value: mean, unit: 'µs', target: 50 },
    { id: 'a sample and three forecasts, worst', value: worst, unit: 'µs', target: 200 },
    { id: 'numbers of a series', value: forecaster.bytes, unit: 'B', target: 32_768 },
    { id: 'a series in memory, with its objects', value: bytesInMemory(forecaster), unit: 'B' },
    { id: 'saved state', value: JSON.stringify(forecaster.save()).length, unit: 'B' },
  ]
}

function filled({ values }: Series, stepMs: number): LoadForecaster {
  const forecaster = new LoadForecaster({ stepMs, horizonsMinutes: HORIZONS })
  for (const [step, value] of values.entries()) forecaster.add(value, step * stepMs)
  return forecaster
}

/**
 * Each sample counts with the fastest of several rounds, because a slow sample in one round only is due to
 * the machine. Steps of five minutes cost most, since each begins a cell.
 */
function timeSamples(
  { values, stepMinutes }: Series,
  rounds: number,
): { readonly mean: number; readonly worst: number } {
  const least = new Float64Array(values.length).fill(Number.POSITIVE_INFINITY)
  const stepMs = stepMinutes * MINUTE_MS
  for (let round = -WARM_UPS; round < rounds; round += 1) {
    const forecaster = new LoadForecaster({ stepMs, horizonsMinutes: HORIZONS })
    for (let step = 0; step < values.length; step += 1) {
      const startedAt = performance.now()
      forecaster.add(values[step] ?? 0, step * stepMs)
      for (const horizon of HORIZONS) forecaster.predict(horizon)
      const us = (performance.now() - startedAt) * 1000
      if (round >= 0) least[step] = Math.min(least[step] ?? us, us)
    }
  }
  return { mean: least.reduce((sum, us) => sum + us, 0) / least.length, worst: Math.max(...least) }
}

/** Objects and typed arrays with the overhead of the engine. Requires `--expose-gc`. */
function bytesInMemory(forecaster: LoadForecaster): number {
  const state = forecaster.save()
  const kept: LoadForecaster[] = []
  const before = usedBytes()
  for (let count = 0; count < 200; count += 1) kept.push(LoadForecaster.restore(state))
  return (usedBytes() - before) / kept.length
}

function usedBytes(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
