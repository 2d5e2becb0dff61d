import { InvalidArgumentError, type Sluice, SluiceError } from '@sluice/core'
import { option } from '@sluice/core/siblings'

const MAX_NAME = 200

type EngineName = 'cache' | 'database' | 'balancer' | 'jobs' | 'monitor'

const called: Readonly<Record<EngineName, string>> = {
  cache: 'The cache',
  database: 'The database engine',
  balancer: 'The balancer',
  jobs: 'The job engine',
  monitor: 'The monitor',
}

/**
 * Returns an engine.
 *
 * @throws SluiceError `SLUICE_ENGINE_DISABLED` if it is disabled
 */
export function engineOf<K extends EngineName>(sluice: Sluice, name: K): NonNullable<Sluice[K]> {
  const engine = sluice[name]
  if (engine) return engine
  throw new SluiceError(
    'SLUICE_ENGINE_DISABLED',
    `${called[name]} is disabled. Remove \`${name}: false\` from the options of createSluice().`,
  )
}

/**
 * Returns the user of a mutation.
 *
 * @throws SluiceError `SLUICE_NOT_AUTHORIZED` unless it is `undefined` or a name: an action without its actor
 * must not reach `authorize` of the job engine.
 */
export function actorFrom(actor: unknown): string | undefined {
  if (actor === undefined || (typeof actor === 'string' && actor !== '')) return actor
  throw new SluiceError(
    'SLUICE_NOT_AUTHORIZED',
    'Not authorized: `actor` returned neither a name nor undefined.',
  )
}

/** @throws InvalidArgumentError unless `value` is an integer from 1 to `max`. */
export function whole(argument: string, value: unknown, max: number): number {
  const rule = option.integer(1, max)
  if (!rule.accepts(value)) throw new InvalidArgumentError(argument, rule.expected, value)
  return value as number
}

/** @throws InvalidArgumentError unless `value` is a string of 1 to 200 characters. */
export function text(argument: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_NAME)
    throw new InvalidArgumentError(argument, `a string of 1 to ${MAX_NAME} characters`, value)
  return value
}
