import { InvalidArgumentError, type Sluice, SluiceError } from '@sluice/core'
import { checkOptions, option } from '@sluice/core/siblings'
import type { AuthorizeField } from './field-gate.ts'
import type { DefinedName } from './type-defs.ts'

export interface SluiceSchemaOptions<TContext = unknown> {
  /**
   * Authorizes each field of Sluice, including queries. Only `true` allows it; any other result and an error
   * deny it.
   * @defaultValue denies all fields
   */
  readonly authorize?: AuthorizeField<TContext>
  /**
   * Returns the user of a mutation, for `authorize` and `audit` of `jobs`, which also cover mutations on
   * caches, and for the scaling history. An error, or anything except a name or `undefined`, denies the
   * mutation.
   * @defaultValue no actor
   */
  readonly actor?: (context: TContext) => string | undefined
  /**
   * Types that the SDL defines: any of `'Query'`, `'Mutation'` and `'JSON'`. It extends a root type that is
   * not listed, which must exist in the schema of your app.
   * @defaultValue ['JSON']
   */
  readonly defines?: readonly DefinedName[]
  /**
   * Names that `submitBatchJob` accepts although this process has no processor for them.
   * @defaultValue none
   */
  readonly batchJobs?: readonly string[]
  /**
   * Maximum number of entries of `warmCache` and items of `submitBatchJob`. From `1` to `1000000`.
   * @defaultValue 10000
   */
  readonly maxItems?: number
  /**
   * Maximum depth of a JSON argument. From `1` to `100`.
   * @defaultValue 20
   */
  readonly maxJsonDepth?: number
}

export interface InputLimits {
  readonly maxItems: number
  readonly maxJsonDepth: number
}

const names = ['Query', 'Mutation', 'JSON']
const defines = {
  expected: 'an array of "Query", "Mutation" and "JSON"',
  accepts: (value: unknown) => Array.isArray(value) && value.every((name) => names.includes(name)),
}

/** @throws InvalidOptionError. */
export function checkSchemaOptions(options: unknown): void {
  checkOptions(options, {
    authorize: option.callback,
    actor: option.callback,
    defines,
    batchJobs: option.strings,
    maxItems: option.integer(1, 1_000_000),
    maxJsonDepth: option.integer(1, 100),
  })
}

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
