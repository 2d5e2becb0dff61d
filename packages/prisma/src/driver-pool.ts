import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils'
import { isPgPool, pgPoolState, timePgConnects } from '@sluice/core/adapter'
import type { AdapterHost } from '@sluice/core/siblings'

/**
 * Lets the core look at the pool of an adapter's driver, and reports how long callers wait for a connection of it. Of `@prisma/adapter-pg`
 * only: the pools of other drivers do not tell how large they may become.
 *
 * @returns The function that ends it.
 */
export function watchDriverPool(adapter: SqlDriverAdapter, host: AdapterHost, sourceId: string): () => void {
  const { underlyingDriver } = adapter as { underlyingDriver?: () => unknown }
  const pool = typeof underlyingDriver === 'function' ? underlyingDriver.call(adapter) : undefined
  if (typeof pool !== 'object' || pool === null || !isPgPool(pool)) return () => {}
  const held = new WeakRef(pool)
  const detach = host.attachPool(sourceId, () => {
    const living = held.deref()
    return living === undefined ? undefined : pgPoolState(living)
  })
  const restore = timePgConnects(
    pool,
    (ms, wasExhausted) => host.poolWaited(sourceId, ms, wasExhausted),
    () => host.now(),
  )
  return () => {
    restore()
    detach()
  }
}
