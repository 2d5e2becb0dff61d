import type { Connection } from '@sluice/core'
import {
  type AdapterClient,
  attachClient,
  isSending,
  outcomeOfSynchronous,
  sending,
} from '@sluice/core/adapter'
import { guarded } from '../guarded.ts'
import { DriverClient } from './driver-clients.ts'
import { driverDescription } from './orms/driver-description.ts'

type Method = (...args: unknown[]) => unknown

interface Statement extends Record<PropertyKey, unknown> {
  readonly source: string
  readonly database: Database
  readonly reader: boolean
}

interface Database {
  prepare(sql: string): Statement
  exec: Method
  close: Method
}

/** Methods of a statement that run it, and the number of rows in the value that each returns. */
const RUNNING: Readonly<Record<string, (returned: unknown) => number>> = {
  all: (rows) => (rows as readonly unknown[]).length,
  get: (row) => (row === undefined ? 0 : 1),
  run: () => 0,
}

/** Attaches to each database of `better-sqlite3` when it first runs a statement. */
export function patchBetterSqlite3(exports: unknown): unknown {
  const { prototype } = exports as { readonly prototype: Database }
  const { prepare, exec, close } = prototype
  if (![prepare, exec, close].every((method) => typeof method === 'function'))
    throw new Error('This version of better-sqlite3 has no prepare, exec or close.')
  const databases = new WeakMap<Database, DriverClient<AdapterClient>>()
  const clientOf = (database: Database): AdapterClient | undefined =>
    isSending()
      ? undefined
      : guarded('better-sqlite3', () => {
          let client = databases.get(database)
          if (client === undefined) {
            client = driverClientOf(database, prepare)
            databases.set(database, client)
          }
          return client.standInNow()
        })
  let isPatched = false
  // The class of statements is not exported.
  prototype.prepare = function (this: Database, ...args) {
    const statement = prepare.apply(this, args)
    if (!isPatched)
      guarded('better-sqlite3', () => patchStatements(Object.getPrototypeOf(statement), clientOf))
    isPatched = true
    return statement
  }
  prototype.exec = function (this: Database, ...args) {
    const send = () => exec.apply(this, args)
    const client = typeof args[0] === 'string' ? clientOf(this) : undefined
    if (client === undefined) return send()
    return client.statementSync(this, {
      sql: args[0] as string,
      params: [],
      send,
      rows: () => 0,
      isKnown: true,
    })
  }
  prototype.close = function (this: Database, ...args) {
    guarded('better-sqlite3', () => databases.get(this)?.attachment?.release())
    return close.apply(this, args)
  }
  return exports
}

function patchStatements(prototype: Statement, clientOf: (database: Database) => AdapterClient | undefined) {
  for (const [name, rows] of Object.entries(RUNNING)) {
    const method = prototype[name] as Method
    prototype[name as 'all'] = function (this: Statement, ...args: unknown[]) {
      const { database, source: sql } = this
      const send = () => method.apply(this, args)
      const client = clientOf(database)
      if (client === undefined) return send()
      return client.statementSync(database, { sql, params: args.flat(), rows, isKnown: true, send })
    }
  }
  const iterate = prototype.iterate as Method
  prototype.iterate = function (this: Statement, ...args: unknown[]) {
    const { database, source: sql } = this
    const client = clientOf(database)
    if (client === undefined) return iterate.apply(this, args)
    const { end } = client.stream(database, { sql, params: args.flat() })
    return iterated(iterate.apply(this, args) as Iterable<unknown>, end)
  }
}

function* iterated(rows: Iterable<unknown>, end: (error: unknown, rows: number) => unknown) {
  let count = 0
  let error: unknown
  try {
    for (const row of rows) {
      count += 1
      yield row
    }
  } catch (thrown) {
    error = thrown
    throw thrown
  } finally {
    end(error, count)
  }
}

function driverClientOf(database: Database, prepare: Database['prepare']): DriverClient<AdapterClient> {
  const held = new WeakRef(database)
  return new DriverClient('better-sqlite3', (sluice, orm) => {
    const {
      orm: name = 'better-sqlite3',
      moduleUrl = import.meta.url,
      fix,
    } = driverDescription('better-sqlite3', orm)
    const standIn = attachClient(sluice, {
      orm: name,
      dialect: 'sqlite',
      moduleUrl,
      ...(fix && { fix }),
      connection: () => {
        const living = held.deref()
        return living && connectionTo(living, prepare)
      },
      writeOutcome: outcomeOfSynchronous,
    })
    return { standIn, release: () => standIn.detach() }
  })
}

function connectionTo(database: Database, prepare: Database['prepare']): Connection {
  const connection: Connection = {
    dialect: 'sqlite',
    async query(sql, params = []) {
      const statement = prepare.call(database, sql)
      const run = statement[statement.reader ? 'all' : 'run'] as Method
      const rows = sending({ send: () => run.apply(statement, [...params]) })
      return (statement.reader ? rows : []) as readonly Readonly<Record<string, unknown>>[]
    },
    session: (work) => work(connection),
  }
  return connection
}
