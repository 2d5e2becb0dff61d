import type { Sluice } from '@sluice/core'
import { registerOwnFrames, sluiceOf } from '@sluice/core/adapter'
import { sluiceDialect, withSluice } from '@sluice/kysely'
import type { Dialect, DialectAdapter } from 'kysely'
import { attached } from '../attached-clients.ts'
import { adaptedOrms } from '../process-state.ts'
import { attachesTo, registeredSluice } from '../registered-sluice.ts'
import { unseen } from '../unseen-clients.ts'
import { ormNow } from './callers.ts'
import { mikroOrmFix } from './orms/mikro-orm.ts'

registerOwnFrames(import.meta.url, '@mikro-orm')

const DATABASES: Readonly<Record<string, string>> = {
  PostgresAdapter: 'postgresql',
  MysqlAdapter: 'mysql',
  SqliteAdapter: 'sqlite',
}

/**
 * Returns the arguments with which an instance of Kysely is created, with an instrumented dialect. Kysely
 * derives instances from the parts of others: those are already attached.
 */
export function kyselyArguments(args: readonly unknown[]): readonly unknown[] {
  const config = args[0] as { readonly dialect?: Dialect; readonly executor?: unknown } | undefined
  const dialect = config?.dialect
  if (typeof dialect?.createDriver !== 'function' || config?.executor !== undefined) return args
  // The only ORM that creates instances itself.
  const orm = ormNow() === 'MikroORM' ? 'MikroORM' : undefined
  if (!attachesTo('Kysely', ...(orm === undefined ? [] : [orm]))) return args
  adaptedOrms.add('Kysely')
  if (sluiceOf(dialect) !== undefined) return args
  const sluice = registeredSluice()
  const instrumented = orm === undefined ? withSluice(dialect, sluice) : mikroOrmDialect(dialect, sluice)
  // It has warned of a dialect that it does not support.
  if (instrumented === dialect) {
    unseen('Kysely', databaseOf(dialect.createAdapter()))
    return args
  }
  if (orm !== undefined) adaptedOrms.add(orm)
  attached(`${orm ?? 'Kysely'} (${databaseOf(dialect.createAdapter())})`, sluice)
  const withDialect = { dialect: { value: instrumented, enumerable: true } }
  return [Object.create(config as object, withDialect), ...args.slice(1)]
}

/** Returns a dialect that MikroORM has created, instrumented. */
export function mikroOrmDialect(dialect: Dialect, sluice: Sluice): Dialect {
  return sluiceDialect(dialect, sluice, { orm: 'mikroorm', fix: mikroOrmFix, writesLiterals: true })
}

function databaseOf(adapter: DialectAdapter): string {
  for (let at: object | null = adapter; at !== null; at = Object.getPrototypeOf(at)) {
    const database = DATABASES[at.constructor?.name]
    if (database !== undefined) return database
  }
  return 'sql'
}
