import { types } from 'node:util'
import { type AdapterClient, isSending, sending } from '@sluice/core/adapter'
import { isObject } from '../is-object.ts'
import { DriverClient } from './driver-clients.ts'
import { attachDriver } from './orms/driver-description.ts'

export type Method = (...args: unknown[]) => unknown

export const MARIADB = 'mariadb'

const CONTROLS: Readonly<Record<string, string>> = {
  beginTransaction: 'START TRANSACTION',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
}

interface Statement {
  readonly sql: string
  readonly params: readonly unknown[]
}

interface Prepared {
  execute: Method
  executeStream: Method
}

type Client = DriverClient<AdapterClient>

/** By pool, cluster or connection. */
const clients = new WeakMap<object, Client>()
/** By database: the connections that no pool has created. */
const databases = new Map<string, Client>()
const connections = new WeakSet<object>()

/**
 * The app receives a connection.
 *
 * @param source - A pool, a cluster, or the options of the connection.
 */
export function connectionTaken(source: unknown, connection: object): void {
  if (connections.has(connection)) return
  connections.add(connection)
  const isPool = isObject(source) && 'getConnection' in source
  clients.set(connection, isPool ? clientOf(source, 'Pool') : clientOfDatabase(source))
}

/**
 * Returns what sends a call of a pool or of a connection that is made now; `undefined`: the call is sent
 * unchanged.
 *
 * @param isPromised - Whether the method is known to return promises, which can wait for other processes.
 */
export function mariadbCall(
  target: object,
  method: string,
  args: readonly unknown[],
  send: Method,
  isPromised: boolean,
): (() => unknown) | undefined {
  if (isSending()) return undefined
  if (method === 'reset' || method === 'changeUser') return sessionEnding(target, args, send)
  // A pool's event passes connections that no call has returned.
  const isConnection = !('getConnection' in target)
  if (isConnection) connections.add(target)
  const observer = clientOf(target, isConnection ? 'Connection' : 'Pool').standInNow()
  if (observer === undefined) return undefined
  const session = isConnection ? target : {}
  const control = CONTROLS[method]
  if (control !== undefined) {
    const statement = { sql: control, params: [] }
    return () => sent(observer, session, statement, args, send, isPromised)
  }
  if (method === 'importFile') return () => answered(args, send, (run) => observer.script(run))
  const statement = statementOf(args)
  if (statement === undefined) return undefined
  if (method === 'prepare') return () => prepared(observer, session, statement.sql, args, send)
  // The values of a batch are those of many statements: of a statement without values, nothing is known.
  const known = method === 'batch' ? { ...statement, params: [] } : statement
  return () => sent(observer, session, known, args, send, isPromised)
}

/** The same for a call that rolls back what is open. */
export function sessionEnding(
  connection: object,
  args: readonly unknown[],
  send: Method,
): (() => unknown) | undefined {
  const observer = clients.get(connection)?.attachment?.standIn
  if (isSending() || observer?.isOpen(connection) !== true) return undefined
  return () =>
    answered(args, send, (run) => observer.control(connection, { kind: 'rollback' }, { send: run }))
}

function sent(
  observer: AdapterClient,
  session: object,
  statement: Statement,
  args: readonly unknown[],
  send: Method,
  isPromised = false,
): unknown {
  const isKnown = connections.has(session)
  return answered(
    args,
    send,
    (run) => observer.statement(session, { ...statement, rows, isKnown, send: run }),
    isPromised,
  )
}

/**
 * Sends a call and returns what the driver returns: a promise, a command or a stream with events, or nothing
 * if the call has a callback.
 */
function answered(
  args: readonly unknown[],
  send: Method,
  observe: (run: () => Promise<unknown>) => Promise<unknown>,
  isPromised = false,
): unknown {
  let returned: unknown
  let answer: Promise<unknown> | undefined
  let thrown: { readonly error: unknown } | undefined
  const at = args.findLastIndex((one) => typeof one === 'function')
  let results: unknown[] = []
  const start = (): Promise<unknown> => {
    answer ??= new Promise((resolve, reject) => {
      const over = (error: unknown, result?: unknown) => (error ? reject(error) : resolve(result))
      const called = (...all: unknown[]) => {
        results = all
        over(all[0], all[1])
      }
      try {
        returned = sending({ send: () => send(...(at < 0 ? args : args.with(at, called))) })
      } catch (error) {
        thrown = { error }
        reject(error)
        return
      }
      if (at >= 0) return
      if (types.isPromise(returned)) returned.then(resolve, reject)
      else if (isEmitter(returned)) whenOver(returned, over)
      else resolve(undefined)
    })
    return answer
  }
  const observed = observe(start)
  if (at < 0 && (types.isPromise(returned) || (answer === undefined && isPromised))) return observed
  // What else the driver returns cannot wait for other processes.
  start()
  if (at < 0 && types.isPromise(returned)) return observed
  if (thrown !== undefined) {
    observed.catch(() => {})
    throw thrown.error
  }
  const call = at < 0 ? () => {} : () => process.nextTick(args[at] as Method, ...results)
  observed.then(call, call)
  return returned
}

function isEmitter(value: unknown): value is NodeJS.EventEmitter {
  return isObject(value) && 'once' in value
}

/** An error is also passed to `end` by commands, and kept by streams. */
function whenOver(emitter: NodeJS.EventEmitter, over: (error: unknown) => void): void {
  emitter.once('end', over)
  emitter.once('close', () => over((emitter as { readonly errored?: unknown }).errored))
}

/** Prepares a statement, whose own methods are observed. */
function prepared(
  observer: AdapterClient,
  session: object,
  sql: string,
  args: readonly unknown[],
  send: Method,
): unknown {
  const watch = (statement: unknown) => {
    const own = statement as Prepared
    for (const name of ['execute', 'executeStream'] as const) {
      const method = own[name]
      own[name] = function (this: unknown, ...passed) {
        const run: Method = (...all) => method.apply(this, all)
        if (isSending()) return run(...passed)
        const [values] = passed
        return sent(observer, session, { sql, params: paramsOf(values) }, passed, run)
      }
    }
  }
  const at = args.findLastIndex((one) => typeof one === 'function')
  if (at >= 0) {
    const callback = args[at] as Method
    const called: Method = (...results) => {
      if (isObject(results[1])) watch(results[1])
      return callback(...results)
    }
    return send(...args.with(at, called))
  }
  const promise = send(...args)
  if (types.isPromise(promise)) promise.then(watch, () => {})
  return promise
}

/** Values in the options take precedence. */
function statementOf([first, second]: readonly unknown[]): Statement | undefined {
  const { sql, values } = (isObject(first) ? first : { sql: first }) as Readonly<Record<string, unknown>>
  return typeof sql === 'string' ? { sql, params: paramsOf(values || second) } : undefined
}

/** Named values are not read. */
function paramsOf(values: unknown): readonly unknown[] {
  if (Array.isArray(values)) return values
  return values === undefined || values === null || typeof values === 'object' || typeof values === 'function'
    ? []
    : [values]
}

/** Callbacks and promises receive rows, or the result of a write. */
function rows(result: unknown): number {
  return Array.isArray(result) ? result.length : 0
}

function clientOf(source: object, kind: string): Client {
  let client = clients.get(source)
  if (client === undefined) {
    client = newClient(kind)
    clients.set(source, client)
  }
  return client
}

function clientOfDatabase(options: unknown): Client {
  const { host, port, socketPath, database, user } = options as Readonly<Record<string, unknown>>
  const key = typeof options === 'string' ? options : [host, port, socketPath, database, user].join('\n')
  let client = databases.get(key)
  if (client === undefined) {
    client = newClient('Connection')
    databases.set(key, client)
  }
  return client
}

function newClient(kind: string): Client {
  return new DriverClient(`${MARIADB}.${kind}`, (sluice, orm) => {
    const standIn = attachDriver(sluice, MARIADB, orm, {
      dialect: 'mysql',
      connection: () => undefined,
      isClosed: (one) => (one as { isValid?(): boolean }).isValid?.() === false,
    })
    return { standIn, release: () => standIn.detach() }
  })
}
