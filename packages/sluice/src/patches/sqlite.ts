import { guarded } from '../guarded.ts'
import {
  type Database,
  databaseNow,
  prepared,
  releaseDatabase,
  type SqliteDriver,
  tagStoreCreated,
} from '../seams/sqlite.ts'

interface NodeSqlite {
  readonly DatabaseSync: { readonly prototype: Database }
}

/** Attaches to each database of `better-sqlite3` when it first runs a statement. */
export function patchBetterSqlite3(exports: unknown): unknown {
  patchDatabases('better-sqlite3', (exports as { readonly prototype: Database }).prototype)
  return exports
}

/** Attaches to each database of `node:sqlite` when it first runs a statement. */
export function patchNodeSqlite(exports: unknown): void {
  patchDatabases('node:sqlite', (exports as NodeSqlite).DatabaseSync.prototype)
}

function patchDatabases(name: SqliteDriver['name'], prototype: Database): void {
  const { prepare, exec, close, createTagStore } = prototype
  if (![prepare, exec, close].every((method) => typeof method === 'function'))
    throw new Error(`This version of ${name} has no prepare, exec or close.`)
  const driver: SqliteDriver = { name, prepare }
  prototype.prepare = function (this: Database, ...args) {
    const statement = prepare.apply(this, args)
    guarded(name, () => prepared(driver, this, statement))
    return statement
  }
  prototype.exec = function (this: Database, ...args) {
    const [sql] = args
    const send = () => exec.apply(this, args)
    const observed = typeof sql === 'string' ? guarded(name, () => databaseNow(driver, this)) : undefined
    return observed === undefined ? send() : observed({ method: 'exec', sql: sql as string, args: [], send })
  }
  if (typeof createTagStore === 'function')
    prototype.createTagStore = function (this: Database, ...args: unknown[]) {
      const store = createTagStore.apply(this, args)
      guarded(name, () => tagStoreCreated(driver, store))
      return store
    }
  for (const key of ['close', (Symbol as { readonly dispose?: symbol }).dispose ?? '']) {
    const method = prototype[key]
    if (typeof method !== 'function') continue
    prototype[key] = function (this: Database, ...args: unknown[]) {
      const result = method.apply(this, args)
      guarded(name, () => releaseDatabase(this))
      return result
    }
  }
}
