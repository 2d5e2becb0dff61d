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

/** An engine of a Sluice. @throws SluiceError `SLUICE_ENGINE_OFF` that says how to switch it on. */
export function engineOf<K extends EngineName>(sluice: Sluice, name: K): NonNullable<Sluice[K]> {
  const engine = sluice[name]
  if (engine) return engine
  throw new SluiceError(
    'SLUICE_ENGINE_OFF',
    `${called[name]} is switched off: take \`${name}: false\` out of the options of createSluice().`,
  )
}

/**
 * Who performs a mutation, as the app returned it.
 *
 * @throws SluiceError `SLUICE_NOT_AUTHORIZED` if it is neither `undefined` nor a name: an action must not pass the job engine's `authorize` without its actor.
 */
export function actorFrom(actor: unknown): string | undefined {
  if (actor === undefined || (typeof actor === 'string' && actor !== '')) return actor
  throw new SluiceError('SLUICE_NOT_AUTHORIZED', 'Not allowed: `actor` did not return the name of the user.')
}

/** @throws InvalidArgumentError unless `value` is an integer from 1 to `max`. */
export function whole(argument: string, value: unknown, max: number): number {
  const rule = option.integer(1, max)
  if (!rule.accepts(value)) throw new InvalidArgumentError(argument, rule.expected, value)
  return value as number
}

/** @throws InvalidArgumentError for what is no text of 1 to 200 characters. */
export function text(argument: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_NAME)
    throw new InvalidArgumentError(argument, `a text of 1 to ${MAX_NAME} characters`, value)
  return value
}
