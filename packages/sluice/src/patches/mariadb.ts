import { types } from 'node:util'
import { guarded } from '../guarded.ts'
import { isObject } from '../is-object.ts'
import { connectionTaken, MARIADB, mariadbCall, sessionEnding } from '../seams/mariadb.ts'
import { type Method, type Methods, patchMethods } from './patch-methods.ts'
import { replaceExport, standInOf } from './replace-export.ts'

const CREATORS = ['createPool', 'createConnection', 'createPoolCluster']

const POOL_METHODS = ['query', 'execute', 'batch', 'importFile']
const SESSION_METHODS = [
  'queryStream',
  'prepare',
  'beginTransaction',
  'commit',
  'rollback',
  'changeUser',
  'reset',
]
const CONNECTION_METHODS = [...POOL_METHODS, ...SESSION_METHODS]

/** The exports of the ES modules that are replaced. */
export const MARIADB_EXPORTS: readonly string[] = [...CREATORS, 'default']

const patched = new WeakSet<object>()

/** Replaces the functions that create the pools and connections of CommonJS modules. */
export function patchMariadb(exports: unknown): unknown {
  return CREATORS.reduce((all, name) => replaceExport(all, name, (value) => creator(value, name)), exports)
}

/** Returns a stand-in for an export of an ES module. */
export function mariadbExport(value: unknown, name: string): unknown {
  return name === 'default' ? patchMariadb(value) : creator(value, name)
}

/** The classes are not exported: they are patched with their first instances. */
function creator(original: unknown, name: string): unknown {
  return standInOf(
    original,
    (create: Method): Method =>
      (...args) => {
        const created = create(...args)
        if (name === 'createConnection') taken(args[0] ?? {}, created)
        else
          guarded(MARIADB, () => {
            if (name === 'createPool') patchMethods(created as object, POOL_METHODS, observed)
            watchConnections(created as object)
          })
        return created
      },
  )
}

/** Patches what takes connections: of pools, of clusters, and of parts of clusters. */
function watchConnections(source: object): void {
  const prototype: Methods = Object.getPrototypeOf(source)
  const { getConnection, of } = prototype
  if (getConnection === undefined || patched.has(getConnection)) return
  const watched: Method = function (this: object, ...args) {
    const at = args.findLastIndex((one) => typeof one === 'function')
    if (at < 0) return taken(this, getConnection.apply(this, args))
    const callback = args[at] as Method
    const source = this
    const own = function (this: unknown, ...results: unknown[]) {
      if (isObject(results[1])) taken(source, results[1])
      return callback.apply(this, results)
    }
    return getConnection.apply(this, args.with(at, own))
  }
  patched.add(watched)
  prototype.getConnection = watched
  if (of === undefined) return
  prototype.of = function (this: object, ...args) {
    const part = of.apply(this, args)
    guarded(MARIADB, () => watchConnections(part as object))
    return part
  }
}

/** Attaches to a connection before the app receives it, and returns what the driver returned. */
function taken<T>(source: unknown, connection: T): T {
  const attach = (one: unknown) =>
    guarded(MARIADB, () => {
      connectionTaken(source, one as object)
      patchMethods(one as object, CONNECTION_METHODS, observed)
      patchRelease(one as Methods)
    })
  if (types.isPromise(connection)) connection.then(attach, () => {})
  else attach(connection)
  return connection
}

function observed(name: string, method: Method): Method {
  // Classes with callbacks return commands.
  let isPromised = false
  return function (this: object, ...args) {
    const send: Method = (...own) => method.apply(this, own)
    const call = guarded(MARIADB, () => mariadbCall(this, name, args, send, isPromised))
    const returned = call === undefined ? send(...args) : call()
    isPromised ||= types.isPromise(returned)
    return returned
  }
}

/** Each connection that a pool returns has its own methods, which roll back. */
function patchRelease(connection: Methods): void {
  for (const name of ['release', 'end', 'close']) {
    const method = Object.hasOwn(connection, name) ? connection[name] : undefined
    if (method === undefined || patched.has(method)) continue
    const released: Method = (...args) => {
      const call = guarded(MARIADB, () => sessionEnding(connection, args, method))
      return call === undefined ? method(...args) : call()
    }
    patched.add(released)
    connection[name] = released
  }
}
