import type { EventEmitter } from 'node:events'
import { type AdapterClient, isSending, sending } from '@sluice/core/adapter'
import type { Method } from '../patches/patch-methods.ts'
import { DriverClient } from './driver-clients.ts'
import { attachDriver } from './orms/driver-description.ts'

const NAME = 'sqlite3'

export type Database = object

interface Call {
  readonly sql: string
  readonly params: readonly unknown[]
  /** The arguments of the method, without its callbacks. */
  readonly values: readonly unknown[]
  readonly callbacks: readonly Method[]
  readonly send: Method
}

const clients = new WeakMap<Database, DriverClient<AdapterClient>>()
const databases = new WeakMap<object, Database>()
/** The last values of prepared statements, which later calls without values use again. */
const bound = new WeakMap<object, readonly unknown[]>()

/** Returns what sends the call of a database that is made now; `undefined`: it is sent unchanged. */
export function databaseCall(
  database: Database,
  method: string,
  args: readonly unknown[],
  send: Method,
): (() => unknown) | undefined {
  const [sql, ...rest] = args
  const [values, callbacks] = split(rest)
  // The driver itself rejects other arguments.
  if (typeof sql !== 'string' || (method === 'exec' && values.some((value) => value !== undefined)))
    return undefined
  const passed = method === 'exec' ? [sql] : [sql, ...values]
  return callOf(database, method, { sql, params: values.flat(), values: passed, callbacks, send })
}

/** The same for a prepared statement. */
export function statementCall(
  statement: { readonly sql: string },
  method: string,
  args: readonly unknown[],
  send: Method,
): (() => unknown) | undefined {
  const [values, callbacks] = split(args)
  if (values.length > 0) bound.set(statement, values)
  const database = databases.get(statement)
  if (method === 'bind' || database === undefined) return undefined
  const params = (bound.get(statement) ?? []).flat()
  return callOf(database, method, { sql: statement.sql, params, values, callbacks, send })
}

/** The app has prepared a statement, with values or without. */
export function prepared(database: Database, statement: object, [, ...args]: readonly unknown[]): void {
  databases.set(statement, database)
  const [values] = split(args)
  if (values.length > 0) bound.set(statement, values)
}

/** The app closes a database. */
export function releaseDatabase(database: Database): void {
  clients.get(database)?.attachment?.release()
  clients.delete(database)
}

function split(args: readonly unknown[]): [values: readonly unknown[], callbacks: readonly Method[]] {
  const end = args.findLastIndex((one) => typeof one !== 'function') + 1
  return [args.slice(0, end), args.slice(end) as Method[]]
}

function callOf(database: Database, method: string, call: Call): (() => unknown) | undefined {
  if (isSending()) return undefined
  let client = clients.get(database)
  if (client === undefined) {
    client = newClient()
    clients.set(database, client)
  }
  const observer = client.standInNow()
  if (observer === undefined) return undefined
  return method === 'each'
    ? () => streamed(observer, database, call)
    : () => answered(observer, database, call)
}

/**
 * The driver calls the callback of the app, as it does with callbacks of other calls. The app may have sent
 * the next statements before the answer to BEGIN, so transactions are never known.
 */
function answered(observer: AdapterClient, database: Database, call: Call): unknown {
  const { sql, params, values, callbacks, send } = call
  const [callback = emitError] = callbacks.slice(-1)
  let answer: Promise<unknown> | undefined
  let returned: unknown
  let thrown: { readonly error: unknown } | undefined
  const start = (): Promise<unknown> => {
    answer ??= new Promise((resolve, reject) => {
      const called = function (this: unknown, ...results: unknown[]) {
        if (results[0]) reject(results[0])
        else resolve(results[1])
        return callback.apply(this, results)
      }
      try {
        returned = sending({ send: () => send(...values, called) })
      } catch (error) {
        thrown = { error }
        reject(error)
      }
    })
    return answer
  }
  observer.statement(database, { sql, params, rows, send: start }).catch(() => {})
  // Its caller expects its place in the order of the database, so it does not wait for other processes.
  start()
  if (thrown !== undefined) throw (thrown as { readonly error: unknown }).error
  return returned
}

/** Sends a call whose rows the app receives one by one. */
function streamed(observer: AdapterClient, database: Database, call: Call): unknown {
  const { sql, params, values, callbacks, send } = call
  const [row = emitError, complete] = callbacks.slice(-2)
  const { end } = observer.stream(database, { sql, params })
  let count = 0
  let isOver = false
  const over = (error: unknown) => {
    if (!isOver) end(error ?? undefined, count)
    isOver = true
  }
  const each = function (this: unknown, ...results: unknown[]) {
    if (results[0]) over(results[0])
    else count += 1
    return row.apply(this, results)
  }
  // It also receives the error of a statement that cannot be prepared.
  const completed = function (this: unknown, ...results: unknown[]) {
    over(results[0])
    return (complete ?? (results[0] ? row : undefined))?.apply(this, results)
  }
  try {
    return sending({ send: () => send(...values, each, completed) })
  } catch (error) {
    over(error)
    throw error
  }
}

/** What the driver does with an error if a call has no callback. */
const emitError: Method = function (this: EventEmitter | undefined, error) {
  if (!error) return
  // The app cannot listen to a statement that the driver prepares itself.
  if (this === undefined) throw error
  this.emit('error', error)
}

function rows(result: unknown): number {
  if (Array.isArray(result)) return result.length
  return result === undefined ? 0 : 1
}

function newClient(): DriverClient<AdapterClient> {
  return new DriverClient(NAME, (sluice, orm) => {
    const standIn = attachDriver(sluice, NAME, orm, { dialect: 'sqlite', connection: () => undefined })
    return { standIn, release: () => standIn.detach() }
  })
}
