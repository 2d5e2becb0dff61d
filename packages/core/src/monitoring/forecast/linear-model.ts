import type { ForecastModel } from './forecast-model.ts'
import type { LoadContext } from './present-load.ts'

const WINDOW_MINUTES = 30
const LEAST_STEPS = 2

/**
 * A straight line through the values of the last 30 minutes, or through the last two values where steps are
 * longer.
 */
export class LinearModel implements ForecastModel {
  /** @param horizon - In steps. */
  constructor(private readonly horizon: number) {}

  forecast({ grid, history }: LoadContext): number {
    const steps = history.recentSteps(Math.max(LEAST_STEPS, grid.stepsOf(WINDOW_MINUTES)))
    if (steps < LEAST_STEPS) return history.last
    const middle = (steps - 1) / 2
    let sum = 0
    let product = 0
    for (let at = 0; at < steps; at += 1) {
      const value = history.recent(steps - 1 - at)
      sum += value
      product += (at - middle) * value
    }
    const slope = (product * 12) / (steps * (steps * steps - 1))
    return Math.max(0, sum / steps + slope * (middle + this.horizon))
  }

  learn(): void {}

  translate(): void {}

  visit(): void {}
}
