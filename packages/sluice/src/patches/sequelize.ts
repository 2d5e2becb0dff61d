import { guarded } from '../guarded.ts'
import { lazySequelizeConnection, releaseLazy } from '../seams/orms/sequelize-connections.ts'
import type { ConnectionManager } from '../seams/orms/sequelize-pools.ts'

/** Lets selects of Sequelize on PostgreSQL and MySQL take connections when they need them. */
export function patchConnectionManager(exports: unknown): unknown {
  const { prototype } = exports as { readonly prototype: ConnectionManager }
  const { getConnection, releaseConnection } = prototype
  if (typeof getConnection !== 'function' || typeof releaseConnection !== 'function')
    throw new Error('This version of Sequelize has no getConnection or releaseConnection.')
  const original = { getConnection, releaseConnection }
  prototype.getConnection = function (this: ConnectionManager, ...args) {
    const lazy = guarded('Sequelize', () => lazySequelizeConnection(this, original, args[0]))
    return lazy === undefined ? getConnection.apply(this, args) : Promise.resolve(lazy)
  }
  prototype.releaseConnection = function (this: ConnectionManager, ...args) {
    const isLazy = guarded('Sequelize', () => releaseLazy(args[0] as object))
    return isLazy === true ? undefined : releaseConnection.apply(this, args)
  }
  return exports
}
