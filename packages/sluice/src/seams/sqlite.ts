import {
  isSending,
  outcomeOfSynchronous,
  SQLITE_METHODS,
  type SqliteCall,
  sendSqlite,
  sqliteConnection,
} from '@sluice/core/adapter'
import { guarded } from '../guarded.ts'
import { type Method, patchMethods } from '../patches/patch-methods.ts'
import { DriverClient } from './driver-clients.ts'
import { attachDriver } from './orms/driver-description.ts'

type Send = (call: SqliteCall) => unknown

/** `better-sqlite3` sets `source` and `database`, also on the statements that it prepares itself. */
interface Statement extends Record<PropertyKey, unknown> {
  readonly source?: string
  readonly database?: Database
  readonly sourceSQL?: string
  readonly reader?: boolean
  all: Method
  run: Method
}

export interface Database extends Record<PropertyKey, unknown> {
  prepare: (sql: string) => Statement
  exec: Method
  close: Method
}

/** A synchronous driver of SQLite. */
export interface SqliteDriver {
  readonly name: 'better-sqlite3' | 'node:sqlite'
  /** The method of its databases without Sluice. */
  readonly prepare: Database['prepare']
}

interface Origin {
  readonly database: Database
  readonly sql: string
}

const clients = new WeakMap<Database, DriverClient<Send>>()
/** Copies of `better-sqlite3` share the classes of its native statements, but not those of its databases. */
const drivers = new WeakMap<Database, SqliteDriver>()
const origins = new WeakMap<Statement, Origin>()
/** The values that the app has bound permanently, which `better-sqlite3` can. */
const bound = new WeakMap<Statement, readonly unknown[]>()

/** Returns what sends the call of a database that is made now; `undefined`: an adapter above sees it. */
export function databaseNow(driver: SqliteDriver, database: Database): Send | undefined {
  if (isSending()) return undefined
  let client = clients.get(database)
  if (client === undefined) {
    client = driverClientOf(drivers.get(database) ?? driver, database)
    clients.set(database, client)
  }
  return client.standInNow()
}

/** The app has closed a database. `node:sqlite` can open it again. */
export function releaseDatabase(database: Database): void {
  clients.get(database)?.attachment?.release()
  clients.delete(database)
}

/** The app has prepared a statement. The classes of statements are not exported by each driver. */
export function prepared(driver: SqliteDriver, database: Database, statement: Statement): void {
  drivers.set(database, driver)
  const { sourceSQL } = statement
  if (sourceSQL !== undefined) origins.set(statement, { database, sql: sourceSQL })
  patchStatements(driver, statement, ({ database, source }) =>
    database === undefined || source === undefined ? undefined : { database, sql: source },
  )
}

/** The app has created a tag store, which prepares its statements itself. */
export function tagStoreCreated(driver: SqliteDriver, store: Statement): void {
  patchStatements(driver, store, ({ db }, [strings]) => ({
    database: db as Database,
    sql: (strings as readonly string[]).join('?'),
  }))
}

/** Replaces the methods that run statements. */
function patchStatements(
  driver: SqliteDriver,
  instance: Statement,
  originOf: (instance: Statement, args: readonly unknown[]) => Origin | undefined,
): void {
  const observed = (name: SqliteCall['method'], method: Method): Method =>
    function (this: Statement, ...args) {
      const send = () => method.apply(this, args)
      const call = guarded(driver.name, () => {
        const origin = origins.get(this) ?? originOf(this, args)
        const sendNow = origin && databaseNow(driver, origin.database)
        const values = bound.get(this) ?? args
        return sendNow && (() => sendNow({ method: name, sql: origin.sql, args: values, send }))
      })
      return call === undefined ? send() : call()
    }
  const prototype = patchMethods(instance, SQLITE_METHODS, observed)
  const bind = prototype?.bind
  if (prototype === undefined || bind === undefined) return
  prototype.bind = function (this: Statement, ...args) {
    const result = bind.apply(this, args)
    bound.set(this, args)
    return result
  }
}

function driverClientOf({ name, prepare }: SqliteDriver, database: Database): DriverClient<Send> {
  const held = new WeakRef(database)
  return new DriverClient(name, (sluice, orm) => {
    const client = attachDriver(sluice, name, orm, {
      dialect: 'sqlite',
      connection: () => {
        const living = held.deref()
        return living && sqliteConnection((sql) => prepare.call(living, sql))
      },
      writeOutcome: outcomeOfSynchronous,
    })
    const standIn: Send = (call) => {
      const living = held.deref()
      return living === undefined ? call.send() : sendSqlite(client, living, call)
    }
    return { standIn, release: () => client.detach() }
  })
}
