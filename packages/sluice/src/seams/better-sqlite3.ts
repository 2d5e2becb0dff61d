import {
  attachClient,
  BETTER_SQLITE3_METHODS,
  type BetterSqlite3Call,
  betterSqlite3Connection,
  isSending,
  outcomeOfSynchronous,
  sendBetterSqlite3,
} from '@sluice/core/adapter'
import { guarded } from '../guarded.ts'
import { DriverClient } from './driver-clients.ts'
import { driverDescription } from './orms/driver-description.ts'

type Method = (...args: unknown[]) => unknown
type Send = (call: BetterSqlite3Call) => unknown
type Prepare = (sql: string) => Statement

interface Statement extends Record<PropertyKey, unknown> {
  readonly source: string
  readonly database: Database
  readonly reader: boolean
  all: Method
  run: Method
}

export interface Database {
  prepare: Prepare
  exec: Method
  close: Method
}

const databases = new WeakMap<Database, DriverClient<Send>>()

/**
 * Returns what sends the call of a database that is made now; `undefined`: an adapter above sees it.
 *
 * @param prepare - The method of a database without Sluice.
 */
export function databaseNow(database: Database, prepare: Prepare): Send | undefined {
  if (isSending()) return undefined
  let client = databases.get(database)
  if (client === undefined) {
    client = driverClientOf(database, prepare)
    databases.set(database, client)
  }
  return client.standInNow()
}

/** The app closes a database. */
export function releaseDatabase(database: Database): void {
  databases.get(database)?.attachment?.release()
}

/** Replaces the methods that run statements, of all databases. */
export function patchStatements(prototype: Statement, prepare: Prepare): void {
  for (const name of BETTER_SQLITE3_METHODS) {
    const method = prototype[name] as Method
    Object.assign(prototype, {
      [name](this: Statement, ...args: unknown[]) {
        const { database, source: sql } = this
        const send = () => method.apply(this, args)
        const observed = guarded('better-sqlite3', () => databaseNow(database, prepare))
        return observed === undefined ? send() : observed({ method: name, sql, args, send })
      },
    })
  }
}

function driverClientOf(database: Database, prepare: Prepare): DriverClient<Send> {
  const held = new WeakRef(database)
  return new DriverClient('better-sqlite3', (sluice, orm) => {
    const {
      orm: name = 'better-sqlite3',
      moduleUrl = import.meta.url,
      fix,
    } = driverDescription('better-sqlite3', orm)
    const client = attachClient(sluice, {
      orm: name,
      dialect: 'sqlite',
      moduleUrl,
      ...(fix && { fix }),
      connection: () => {
        const living = held.deref()
        return living && betterSqlite3Connection((sql) => prepare.call(living, sql))
      },
      writeOutcome: outcomeOfSynchronous,
    })
    const standIn: Send = (call) => {
      const living = held.deref()
      return living === undefined ? call.send() : sendBetterSqlite3(client, living, call)
    }
    return { standIn, release: () => client.detach() }
  })
}
