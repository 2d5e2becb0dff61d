import { guarded } from '../guarded.ts'
import { lazyTypeormConnection } from '../seams/orms/typeorm-connections.ts'
import type { PgPool } from '../seams/pg.ts'

interface PostgresDriver {
  readonly master?: PgPool
  obtainMasterConnection(): Promise<unknown>
}

/** Lets query runners of TypeORM on PostgreSQL take connections when they need them. */
export function patchPostgresDriver(exports: unknown): unknown {
  const { PostgresDriver } = exports as { readonly PostgresDriver: { readonly prototype: PostgresDriver } }
  const { prototype } = PostgresDriver
  const { obtainMasterConnection } = prototype
  if (typeof obtainMasterConnection !== 'function')
    throw new Error('This version of TypeORM has no PostgresDriver.prototype.obtainMasterConnection.')
  prototype.obtainMasterConnection = function (this: PostgresDriver) {
    const { master } = this
    const lazy = master && guarded('TypeORM', () => lazyTypeormConnection(master))
    return lazy === undefined ? obtainMasterConnection.call(this) : Promise.resolve(lazy)
  }
  return exports
}
