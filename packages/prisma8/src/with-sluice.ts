import type { SqlMiddleware } from '@prisma/orm-postgres/family-runtime'
import { InvalidArgumentError, type Sluice, type SluiceOptions, sluiceFrom } from '@sluice/core'
import {
  hostOf,
  isInstrumented,
  isPgPool,
  registerMovedFrames,
  registerOwnFrames,
  sluicePool,
} from '@sluice/core/adapter'
import { fixForSelect, ModelNames } from './fix.ts'
import { PrismaReads, sluiceMiddleware } from './sluice-middleware.ts'

registerOwnFrames(import.meta.url, '@prisma')
// Its source maps lead to `1-framework/1-core/framework-components/dist/runtime.mjs` next to `node_modules`.
registerMovedFrames('@prisma', /[\\/]\d-[a-z]+[\\/](?:[\w-]+[\\/]){1,2}dist[\\/][\w-]+\.mjs$/)

/** The options of `postgres()` that Sluice reads or replaces. */
export interface ClientSetup {
  readonly pg?: object
  readonly binding?: { readonly kind: string; readonly pool?: object }
  readonly middleware?: readonly SqlMiddleware[]
  readonly contract?: unknown
  readonly contractJson?: unknown
}

/**
 * Returns the options for `postgres()` of `@prisma/orm-postgres/runtime` with Sluice: a stand-in for the
 * pool, and a middleware after yours. Options whose pool is already a stand-in are returned unchanged.
 *
 * The options must contain a pool of `pg`. Any other options are returned unchanged, with a warning.
 *
 * @param sluice - A Sluice, or options to create one. Default: the process-wide Sluice, which observes.
 * @throws InvalidArgumentError if the first argument is not an object; InvalidOptionError for unknown
 * options.
 * @example
 * ```ts
 * const pool = new pg.Pool({ connectionString })
 * const db = postgres<Contract>(withSluice({ contractJson, pg: pool }, sluice))
 * ```
 */
export function withSluice<TOptions extends ClientSetup>(
  options: TOptions,
  sluice?: Sluice | SluiceOptions,
): TOptions {
  if (typeof options !== 'object' || options === null)
    throw new InvalidArgumentError(
      'options',
      'the options of postgres(), such as { contractJson, pg }',
      options,
    )
  const used = sluiceFrom(sluice)
  const host = hostOf(used)
  const { pg, binding, middleware = [], contract, contractJson = contract } = options
  const driverPool = pg ?? binding?.pool
  if (!isPgPool(driverPool)) {
    host.warn(
      '@sluice/prisma8 works with pools of pg: pass postgres() the option pg: new pg.Pool(…). The queries of this client pass through.',
    )
    return options
  }
  if (isInstrumented(driverPool, used)) return options
  const reads = new PrismaReads()
  const names = new ModelNames(contractJson)
  const pool = sluicePool(driverPool, used, {
    orm: 'prisma8',
    moduleUrl: import.meta.url,
    fix: (select) => fixForSelect(select, names),
    parsersOf: (types) => reads.parsersOf(types),
  })
  reads.connect(pool)
  return {
    ...options,
    ...(pg === undefined ? { binding: { ...binding, pool } } : { pg: pool }),
    middleware: [...middleware, sluiceMiddleware(reads, middleware, () => host.isOptimizing())],
  }
}
