import { median } from '../../shared/median.ts'
/** Something unusual. */
export interface MetricAnomaly {
  /** `value`: a value that is far from the expected one; `change`: the level has changed since then. */
  readonly kind: 'value' | 'change'
  readonly metric: string
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly value: number
  /** Expected value. */
  readonly expected: number
  /** How many usual deviations it is away; of a change, the accumulated ones. */
  readonly score: number
}

/** Number of values for which deviations are stored. */
const WINDOW = 240
const LEAST = 30
/** A value is unusual from so many deviations on. */
const UNUSUAL = 6
/**
 * CUSUM: half a deviation is normal, and 8 accumulated ones are a change. Source: Page, Biometrika 41 (1954),
 * with the usual constants doubled for autocorrelated values.
 */
const SLACK = 1
const DECISION = 16
/** Medians of absolute deviations, as standard deviations. */
const MAD_TO_SIGMA = 1.4826
/** Deviations smaller than that share of the level are none. */
const LEAST_SHARE = 0.02
const MAX_STORED = 200

/**
 * Finds unexpected values and changes of level from the errors of a forecast: a robust z-score of each value,
 * and CUSUM over all. The forecast knows the seasonality, so a usual evening is not an anomaly.
 */
export class AnomalyWatch {
  readonly #residuals: number[] = []
  #at = 0
  #up = 0
  #down = 0
  readonly #found: MetricAnomaly[] = []

  constructor(private readonly metric: string) {}

  /** The newest last. */
  get found(): readonly MetricAnomaly[] {
    return this.#found
  }

  /** @returns The anomaly of this value. */
  see(value: number, expected: number, timestamp: number): MetricAnomaly | undefined {
    const residual = value - expected
    const known = this.#residuals
    let anomaly: MetricAnomaly | undefined
    if (known.length >= LEAST) {
      const middle = median(known) ?? 0
      const spread = Math.max(
        MAD_TO_SIGMA * (median(known.map((one) => Math.abs(one - middle))) ?? 0),
        LEAST_SHARE * Math.abs(expected),
        1e-9,
      )
      const z = (residual - middle) / spread
      const capped = Math.max(-UNUSUAL, Math.min(UNUSUAL, z))
      this.#up = Math.max(0, this.#up + capped - SLACK)
      this.#down = Math.max(0, this.#down - capped - SLACK)
      const accumulated = Math.max(this.#up, this.#down)
      if (accumulated >= DECISION) {
        anomaly = { kind: 'change', metric: this.metric, timestamp, value, expected, score: accumulated }
        this.#up = 0
        this.#down = 0
        // The usual deviations are outdated.
        this.#residuals.length = 0
        this.#at = 0
      } else if (Math.abs(z) >= UNUSUAL)
        anomaly = { kind: 'value', metric: this.metric, timestamp, value, expected, score: Math.abs(z) }
    }
    this.#remember(residual)
    if (anomaly !== undefined) {
      this.#found.push(anomaly)
      if (this.#found.length > MAX_STORED) this.#found.shift()
    }
    return anomaly
  }

  #remember(residual: number): void {
    this.#residuals[this.#at] = residual
    this.#at = (this.#at + 1) % WINDOW
  }
}
