import { type CacheControl, InvalidArgumentError } from '@sluice/core'
import { checkCacheControl } from '@sluice/core/adapter'
import type { Knex } from 'knex'

/** Beside the builders, not in them: what Knex or other tools find in a builder, they may act upon. */
const controls = new WeakMap<object, CacheControl>()

/**
 * Says what the cache is to do with one read, and returns the builder. Copies by `clone()` are treated alike. It holds on
 * instances that `withSluice` instrumented, for what selects; elsewhere it does nothing.
 *
 * @throws InvalidOptionError when it is no cache control; InvalidArgumentError when it is no query builder.
 * @example
 * ```ts
 * const regions = await cached(db('region').where({ country: 'FR' }), { ttl: 60 })
 * ```
 */
// biome-ignore lint/suspicious/noExplicitAny: a builder of whatever rows
export function cached<TBuilder extends Knex.QueryBuilder<any, any>>(builder: TBuilder, control: CacheControl): TBuilder {
  checkCacheControl(control, 'cache')
  if (typeof (builder as { clone?: unknown } | null | undefined)?.clone !== 'function')
    throw new InvalidArgumentError('builder', 'a query builder of Knex', builder)
  attach(builder, control)
  return builder
}

/** What the app said of a builder. */
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
