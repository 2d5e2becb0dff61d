import { InvalidOptionError } from '../../shared/errors.ts'
import { checkOptions, option } from '../../shared/options.ts'
import {
  type LoadRuleOptions,
  type ResolvedControlOptions,
  resolveControlOptions,
} from './control/control-options.ts'
import type { ScalerTarget } from './scaling-executor.ts'

export interface ScalingOptions {
  /**
   * Starts and stops workers. `close()` does not close it or its workers: its owner closes it afterwards.
   * @defaultValue none: decisions are only recorded
   */
  readonly target?: ScalerTarget
  /**
   * Scales by the load and its forecast.
   * @defaultValue none: policies alone scale
   */
  readonly rule?: LoadRuleOptions
  /**
   * Workers at least. Minimum: `0`.
   * @defaultValue 1
   */
  readonly minWorkers?: number
  /**
   * Workers at most. Minimum: `1`.
   * @defaultValue 10
   */
  readonly maxWorkers?: number
  /**
   * Milliseconds from one decision to the next. Minimum: `1000`.
   * @defaultValue 5000
   */
  readonly intervalMs?: number
  /**
   * Seconds after a step up before a policy can scale down; 20% of it in the other direction. Minimum: `0`.
   * @defaultValue 300
   */
  readonly stabilizationSeconds?: number
}

export interface ResolvedScalingOptions extends Required<Omit<ScalingOptions, 'target' | 'rule'>> {
  readonly target: ScalerTarget | undefined
  readonly rule: ResolvedControlOptions | undefined
}

const target = {
  expected: 'an object with the methods current and scaleTo',
  accepts: (value: unknown) =>
    option.object.accepts(value) &&
    ['current', 'scaleTo'].every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
}

const rules = {
  target,
  rule: option.object,
  minWorkers: option.integer(0),
  maxWorkers: option.integer(1),
  intervalMs: option.number(1000),
  stabilizationSeconds: option.number(0),
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
export function resolveScalingOptions(options: ScalingOptions, prefix = ''): ResolvedScalingOptions {
  checkOptions(options, rules, prefix)
  const { minWorkers = 1, maxWorkers = Math.max(10, minWorkers), rule } = options
  if (maxWorkers < minWorkers)
    throw new InvalidOptionError(`${prefix}maxWorkers`, `an integer of at least ${minWorkers}`, maxWorkers)
  for (const name of ['minWorkers', 'maxWorkers']) {
    if (rule !== undefined && name in rule)
      throw new InvalidOptionError(`${prefix}rule.${name}`, `${prefix}${name} instead`, 'a value here')
  }
  return {
    target: options.target,
    rule: rule && resolveControlOptions({ ...rule, minWorkers, maxWorkers }, `${prefix}rule.`),
    minWorkers,
    maxWorkers,
    intervalMs: options.intervalMs ?? 5000,
    stabilizationSeconds: options.stabilizationSeconds ?? 300,
  }
}
