import { InvalidArgumentError } from '../../../shared/errors.ts'

export type ScaleDirection = 'up' | 'down'

/** Scales by a threshold of a metric. */
export interface ScalingPolicy {
  readonly id: string
  readonly name: string
  /** A metric's name. */
  readonly metric: string
  /** In the metric's own unit. */
  readonly threshold: number
  /** `up`: when the metric is above the threshold; `down`: when it is below. */
  readonly scaleDirection: ScaleDirection
  /** By how many percent of the workers; always by one at least. */
  readonly scaleAmount: number
  /** Seconds after a decision for which it makes none. */
  readonly cooldownSeconds: number
  readonly enabled: boolean
}

/** @throws InvalidArgumentError */
export function checkPolicy({ name, metric, threshold, scaleDirection, scaleAmount, cooldownSeconds }: Omit<ScalingPolicy, 'id'>): void {
  for (const [argument, value] of Object.entries({ name, metric })) {
    if (typeof value !== 'string' || value === '') throw new InvalidArgumentError(argument, 'a text', value)
  }
  if (!(Number.isFinite(threshold) && threshold >= 0)) throw new InvalidArgumentError('threshold', 'a number of at least 0', threshold)
  checkDirection(scaleDirection)
  checkAmount('scaleAmount', scaleDirection, scaleAmount)
  if (!(Number.isFinite(cooldownSeconds) && cooldownSeconds >= 0)) {
    throw new InvalidArgumentError('cooldownSeconds', 'a number of at least 0', cooldownSeconds)
  }
}

/** @throws InvalidArgumentError */
export function checkDirection(direction: ScaleDirection): void {
  if (direction !== 'up' && direction !== 'down') throw new InvalidArgumentError('direction', '"up" or "down"', direction)
}

/** @throws InvalidArgumentError */
export function checkAmount(argument: string, direction: ScaleDirection, amount: number): void {
  const most = direction === 'down' ? 100 : 1000
  if (!(Number.isFinite(amount) && amount > 0 && amount <= most)) {
    throw new InvalidArgumentError(argument, `a number of percent above 0, at most ${most}`, amount)
  }
}

/** The number that so many percent more or fewer make: one more or fewer at least. */
export function scaledBy(current: number, direction: ScaleDirection, amount: number): number {
  return direction === 'up'
    ? Math.max(current + 1, Math.ceil(current * (1 + amount / 100)))
    : Math.max(0, Math.min(current - 1, Math.floor(current * (1 - amount / 100))))
}
