import {
  type Dialect as DialectName,
  InvalidArgumentError,
  type Sluice,
  type SluiceOptions,
  sluiceFrom,
} from '@sluice/core'
import {
  hostOf,
  isInstrumented,
  markInstrumented,
  OriginStacks,
  registerOwnFrames,
} from '@sluice/core/adapter'
import type { Dialect, DialectAdapter, QueryCompiler } from 'kysely'
import { CompiledQueries } from './compiled-queries.ts'
import { fixForSelect } from './fix.ts'
import { isA } from './is-a.ts'
import { isDialect, type KyselyOptions, replicasOf } from './replicas.ts'
import { type DialectDescription, SluiceDriver } from './sluice-driver.ts'
import { untilDone } from './until-done.ts'

registerOwnFrames(import.meta.url, 'kysely')

/**
 * Returns a dialect through which Sluice sees every query of a Kysely instance. The dialect itself is not
 * modified. One that `withSluice` returned is returned unchanged.
 *
 * It must be a dialect of PostgreSQL, MySQL or SQLite: Kysely's own, or one that uses their adapters. Any
 * other is returned unchanged, with a warning.
 *
 * @param sluice - A Sluice, or options to create one. Default: the process-wide Sluice, which observes.
 * @param options - `replicas` serve reads that do not need the primary.
 * @throws InvalidArgumentError if the first argument is not a dialect; InvalidOptionError for unknown
 * options.
 * @example
 * ```ts
 * const db = new Kysely<Database>({ dialect: withSluice(new PostgresDialect({ pool }), sluice) })
 * ```
 */
export function withSluice(
  dialect: Dialect,
  sluice?: Sluice | SluiceOptions,
  options: KyselyOptions = {},
): Dialect {
  if (!isDialect(dialect))
    throw new InvalidArgumentError(
      'dialect',
      'a dialect of Kysely, such as new PostgresDialect({ pool })',
      dialect,
    )
  return sluiceDialect(dialect, sluiceFrom(sluice), { fix: fixForSelect }, options)
}

/**
 * The same for an ORM that creates its instance of Kysely itself: its findings are described in its words.
 *
 * @param description - The name of the ORM, and its fixes.
 */
export function sluiceDialect(
  dialect: Dialect,
  used: Sluice,
  description: DialectDescription,
  options: KyselyOptions = {},
): Dialect {
  if (isInstrumented(dialect, used)) return dialect
  const replicas = replicasOf(options)
  const adapter = dialect.createAdapter()
  const name = dialectOf(adapter)
  if (name === undefined) {
    hostOf(used).warn(
      `@sluice/kysely works with dialects of PostgreSQL, MySQL and SQLite; this one uses ${adapter.constructor.name}. Its queries pass through.`,
    )
    return dialect
  }
  const origins = new OriginStacks()
  const compiled = new CompiledQueries()
  const instrumented: Dialect = {
    createDriver() {
      const bare = dialect.createDriver()
      const driver = new SluiceDriver(bare, used, name, adapter, replicas, origins, compiled, description)
      // Sluice calls it before Kysely does if the schema is requested before the first query.
      driver.init = untilDone(driver.init.bind(driver))
      return driver
    },
    createQueryCompiler: () => remembering(dialect.createQueryCompiler(), origins, compiled),
    createAdapter: () => withManyConnections(dialect.createAdapter()),
    createIntrospector: (db) => dialect.createIntrospector(db),
  }
  markInstrumented(instrumented, used)
  return instrumented
}

function dialectOf(adapter: DialectAdapter): DialectName | undefined {
  if (isA(adapter, 'PostgresAdapter')) return 'postgresql'
  if (isA(adapter, 'MysqlAdapter')) return 'mysql'
  return isA(adapter, 'SqliteAdapter') ? 'sqlite' : undefined
}

/** Kysely compiles a query when the app executes it, and sends it later. */
function remembering(
  compiler: QueryCompiler,
  origins: OriginStacks,
  compiled: CompiledQueries,
): QueryCompiler {
  return {
    compileQuery(...args) {
      const query = compiler.compileQuery(...args)
      compiled.compiled(query)
      if (origins.areCaptured) origins.capture(query)
      return query
    },
  }
}

/**
 * Without this, Kysely sends queries one by one if the database has one connection, so that lookups never
 * wait together. {@link SluiceDriver} does this instead, where a connection is taken.
 */
function withManyConnections(adapter: DialectAdapter): DialectAdapter {
  return new Proxy(adapter, {
    get(target, name) {
      if (name === 'supportsMultipleConnections') return true
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
