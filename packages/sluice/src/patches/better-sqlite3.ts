import { guarded } from '../guarded.ts'
import { type Database, databaseNow, patchStatements, releaseDatabase } from '../seams/better-sqlite3.ts'

/** Attaches to each database of `better-sqlite3` when it first runs a statement. */
export function patchBetterSqlite3(exports: unknown): unknown {
  const { prototype } = exports as { readonly prototype: Database }
  const { prepare, exec, close } = prototype
  if (![prepare, exec, close].every((method) => typeof method === 'function'))
    throw new Error('This version of better-sqlite3 has no prepare, exec or close.')
  let isPatched = false
  // The class of statements is not exported.
  prototype.prepare = function (this: Database, ...args) {
    const statement = prepare.apply(this, args)
    if (!isPatched)
      guarded('better-sqlite3', () => patchStatements(Object.getPrototypeOf(statement), prepare))
    isPatched = true
    return statement
  }
  prototype.exec = function (this: Database, ...args) {
    const [sql] = args
    const send = () => exec.apply(this, args)
    const observed =
      typeof sql === 'string' ? guarded('better-sqlite3', () => databaseNow(this, prepare)) : undefined
    return observed === undefined ? send() : observed({ method: 'exec', sql: sql as string, args: [], send })
  }
  prototype.close = function (this: Database, ...args) {
    guarded('better-sqlite3', () => releaseDatabase(this))
    return close.apply(this, args)
  }
  return exports
}
