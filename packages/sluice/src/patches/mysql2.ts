import { basename, dirname } from 'node:path'
import { guarded } from '../guarded.ts'
import {
  clusterNow,
  type Method,
  type Promised,
  promisedConnectionNow,
  promisedPoolNow,
} from '../seams/mysql.ts'
import { methodsOf, mysqlPatches, type Prototype, replaceOfPool } from './mysql.ts'

const { pool, connection, poolConnection } = mysqlPatches('mysql2')

/** Patches a module in `lib` of the package. */
export function patchMysql2(exports: unknown, file: string): unknown {
  const name = basename(file, '.js')
  const isPromised = basename(dirname(file)) === 'promise'
  if (name === 'pool')
    return isPromised ? patchPromised(exports, (one) => promisedPoolNow(one)) : pool(exports)
  if (name === 'connection')
    return isPromised ? patchPromised(exports, (one) => promisedConnectionNow(one)) : connection(exports)
  if (isPromised) return exports
  return name === 'pool_cluster' ? patchCluster(exports) : poolConnection(exports)
}

/** Attaches to the pools of each cluster that are queried by a pattern. */
function patchCluster(exports: unknown): unknown {
  const { prototype } = exports as { readonly prototype: Prototype }
  const { of } = methodsOf('mysql2', prototype, 'of')
  let isPatched = false
  // The class of what it returns is not exported.
  prototype.of = function (...args) {
    const namespace = of.apply(this, args)
    if (!isPatched)
      guarded('mysql2', () => {
        isPatched = true
        const own = Object.getPrototypeOf(namespace) as Prototype
        const original = { ...methodsOf('mysql2', own, 'query', 'execute', 'getConnection') }
        replaceOfPool('mysql2', own, (one) => clusterNow(one, original))
      })
    return namespace
  }
  return exports
}

/**
 * A promise of an ORM whose queries run when they are awaited must be that of its own call: the stack of the
 * call shows no caller.
 */
function patchPromised(exports: unknown, standInOf: (promised: Promised) => Promised | undefined): unknown {
  const { prototype } = exports as { readonly prototype: Prototype }
  const original = methodsOf('mysql2', prototype, 'query', 'execute')
  for (const name of ['query', 'execute'] as const)
    prototype[name] = function (this: Promised, ...args) {
      const standIn = guarded('mysql2', () => standInOf(this))
      return standIn === undefined ? original[name].apply(this, args) : (standIn[name] as Method)(...args)
    }
  return exports
}
