import { type CacheControl, InvalidArgumentError } from '@sluice/core'
import { checkCacheControl } from '@sluice/core/adapter'
import type { Knex } from 'knex'

/** In a separate map, not in the builders: Knex or other tools could act on a property of a builder. */
const controls = new WeakMap<object, CacheControl>()

/**
 * Sets the cache control of one read, and returns the builder. Copies made with `clone()` have the same
 * control. It applies to selects on instances that `withSluice` has instrumented; otherwise it has no effect.
 *
 * @throws InvalidOptionError if the control is invalid; InvalidArgumentError if the first argument is not a
 * query builder.
 * @example
 * ```ts
 * const regions = await cached(db('region').where({ country: 'FR' }), { ttl: 60 })
 * ```
 */
// biome-ignore lint/suspicious/noExplicitAny: a builder of whatever rows
export function cached<TBuilder extends Knex.QueryBuilder<any, any>>(
  builder: TBuilder,
  control: CacheControl,
): TBuilder {
  checkCacheControl(control, 'cache')
  if (typeof (builder as { clone?: unknown } | null | undefined)?.clone !== 'function')
    throw new InvalidArgumentError('builder', 'a query builder of Knex', builder)
  attach(builder, control)
  return builder
}

/** The cache control that the app set for a builder. */
export function controlOf(builder: object): CacheControl | undefined {
  return controls.get(builder)
}

function attach(builder: object, control: CacheControl): void {
  if (!controls.has(builder)) followClones(builder as { clone(): object })
  controls.set(builder, control)
}

function followClones(builder: { clone(): object }): void {
  const { clone } = builder
  const value = function (this: object): object {
    const copy = clone.call(this as never)
    const control = controls.get(this)
    if (control !== undefined) attach(copy, control)
    return copy
  }
  Object.defineProperty(builder, 'clone', { value, configurable: true, enumerable: false, writable: true })
}
