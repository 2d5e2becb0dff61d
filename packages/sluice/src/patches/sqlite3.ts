import { guarded } from '../guarded.ts'
import { type Database, databaseCall, prepared, releaseDatabase, statementCall } from '../seams/sqlite3.ts'
import type { Method, Methods } from './patch-methods.ts'

const NAME = 'sqlite3'

interface Sqlite3 {
  readonly Database: { readonly prototype: Methods }
  readonly Statement: { readonly prototype: Methods }
}

type CallOf<T> = (
  target: T,
  name: string,
  args: readonly unknown[],
  send: Method,
) => (() => unknown) | undefined

/** Methods of this module: copies of the driver share the classes of its native module. */
const own = new WeakSet<Method>()

/** Attaches to each database of `sqlite3` when it first runs a statement. */
export function patchSqlite3(exports: unknown): unknown {
  const { Database, Statement } = exports as Sqlite3
  for (const name of ['run', 'get', 'all', 'each', 'map', 'exec', 'prepare', 'close'])
    methodOf(Database.prototype, name)
  // Not the function itself: its module loads the core.
  for (const name of ['run', 'get', 'all', 'each', 'map', 'exec'])
    replace<Database>(Database.prototype, name, (...call) => databaseCall(...call))
  for (const name of ['run', 'get', 'all', 'each', 'bind'])
    replace<Record<'sql', string>>(Statement.prototype, name, (...call) => statementCall(...call))
  patchOnce(
    Database.prototype,
    'prepare',
    (prepare) =>
      function (this: Database, ...args) {
        const statement = prepare.apply(this, args)
        guarded(NAME, () => prepared(this, statement as object, args))
        return statement
      },
  )
  patchOnce(
    Database.prototype,
    'close',
    (close) =>
      function (this: Database, ...args) {
        guarded(NAME, () => releaseDatabase(this))
        return close.apply(this, args)
      },
  )
  return exports
}

function methodOf(prototype: Methods, name: string): Method {
  const method = prototype[name]
  if (method === undefined) throw new Error(`This version of ${NAME} has no ${name}.`)
  return method
}

function replace<T>(prototype: Methods, name: string, callOf: CallOf<T>): void {
  patchOnce(
    prototype,
    name,
    (method) =>
      function (this: T, ...args) {
        const send: Method = (...passed) => method.apply(this, passed)
        const call = guarded(NAME, () => callOf(this, name, args, send))
        return call === undefined ? send(...args) : call()
      },
  )
}

function patchOnce(prototype: Methods, name: string, observed: (method: Method) => Method): void {
  const method = methodOf(prototype, name)
  if (own.has(method)) return
  const replacement = observed(method)
  own.add(replacement)
  prototype[name] = replacement
}
