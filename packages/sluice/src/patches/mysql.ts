import { basename } from 'node:path'
import { guarded } from '../guarded.ts'
import {
  connectionNow,
  knownConnection,
  type Method,
  type MysqlConnection,
  type MysqlDriver,
  type MysqlPool,
  patchStatements,
  poolNow,
  releasePool,
} from '../seams/mysql.ts'

export type Prototype = Record<string, Method>
type Patch = (exports: unknown) => unknown

/** Patches a module in `lib` of `mysql`. */
export function patchMysql(exports: unknown, file: string): unknown {
  const { pool, connection, poolConnection } = mysqlPatches('mysql')
  const name = basename(file, '.js')
  return (name === 'Pool' ? pool : name === 'Connection' ? connection : poolConnection)(exports)
}

/** How the exports of a driver's modules are patched. */
export interface MysqlPatches {
  readonly pool: Patch
  readonly connection: Patch
  readonly poolConnection: Patch
}

/** Attaches to the pools and connections of `mysql2` or `mysql` when they are first used. */
export function mysqlPatches(driver: MysqlDriver): MysqlPatches {
  return {
    pool: (exports) => {
      const { prototype } = exports as { readonly prototype: Prototype }
      // The class of the package can extend the one with the methods.
      if (!Object.hasOwn(prototype, 'query')) return exports
      const { execute } = prototype
      const original = { execute, ...methodsOf(driver, prototype, 'query', 'getConnection', 'end') }
      replaceOfPool(driver, prototype, (pool) => poolNow(driver, pool, original))
      prototype.end = function (this: MysqlPool, ...args) {
        guarded(driver, () => releasePool(this))
        return original.end.apply(this, args)
      }
      return exports
    },
    connection: (exports) => {
      const { prototype } = exports as { readonly prototype: Prototype }
      if (!Object.hasOwn(prototype, 'query')) return exports
      const now = (connection: MysqlConnection) => connectionNow(driver, connection)
      for (const name of ['query', 'changeUser']) replace(driver, prototype, name, now)
      for (const name of ['execute', 'reset']) if (name in prototype) replace(driver, prototype, name, now)
      if ('prepare' in prototype) watchPrepare(driver, prototype)
      return exports
    },
    poolConnection: (exports) => {
      const { prototype } = exports as { readonly prototype: Prototype }
      // Not the function itself: its module loads the core.
      const known = (connection: MysqlConnection) => knownConnection(connection)
      for (const name of ['release', 'destroy']) replace(driver, prototype, name, known)
      return exports
    },
  }
}

export function methodsOf<TName extends string>(
  client: string,
  prototype: Prototype,
  ...names: readonly TName[]
): Record<TName, Method> {
  const methods = names.map((name) => [name, prototype[name]] as const)
  for (const [name, method] of methods)
    if (typeof method !== 'function') throw new Error(`This version of ${client} has no ${name}.`)
  return Object.fromEntries(methods) as Record<TName, Method>
}

/** Replaces the methods of pools that use a connection. */
export function replaceOfPool(
  driver: MysqlDriver,
  prototype: Prototype,
  standInOf: (pool: MysqlPool) => MysqlPool,
): void {
  for (const name of ['query', 'execute', 'getConnection'] as const) {
    const method = prototype[name]
    if (method === undefined) continue
    prototype[name] = function (this: MysqlPool, ...args) {
      const send = guarded(driver, () => standInOf(this)[name])
      return send === undefined ? method.apply(this, args) : send(...args)
    }
  }
}

/**
 * Replaces a method of connections, or of one connection, by that of the stand-in, which calls the method
 * itself.
 *
 * @param standInOf - Returns `undefined` if Sluice already sees the statement.
 */
export function replace(
  driver: string,
  prototype: Prototype,
  name: string,
  standInOf: (connection: MysqlConnection) => MysqlConnection | undefined,
): void {
  const { [name]: method } = methodsOf(driver, prototype, name) as Prototype
  const entered = new WeakSet<MysqlConnection>()
  prototype[name] = function (this: MysqlConnection, ...args) {
    const standIn = entered.has(this) ? undefined : guarded(driver, () => standInOf(this))
    if (standIn === undefined) return (method as Method).apply(this, args)
    entered.add(this)
    try {
      return (standIn[name] as Method)(...args)
    } finally {
      entered.delete(this)
    }
  }
}

/** Finds the class of prepared statements, which is not exported. */
function watchPrepare(driver: MysqlDriver, prototype: Prototype): void {
  const { prepare } = methodsOf(driver, prototype, 'prepare')
  let isPatched = false
  prototype.prepare = function (this: MysqlConnection, ...args) {
    const [options, callback] = args
    if (isPatched || typeof callback !== 'function') return prepare.apply(this, args)
    return prepare.call(this, options, function (this: unknown, ...results: unknown[]) {
      const [, statement] = results
      if (!isPatched && statement instanceof Object) {
        isPatched = true
        guarded(driver, () => patchStatements(driver, Object.getPrototypeOf(statement)))
      }
      return callback.apply(this, results)
    })
  }
}
