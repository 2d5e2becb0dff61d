import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type AdapterClient,
  captureStack,
  isSending,
  OriginStacks,
  type SentStatement,
} from '@sluice/core/adapter'
import { guarded } from '../guarded.ts'
import { DriverClient } from './driver-clients.ts'
import { attachDriver } from './orms/driver-description.ts'

type Method = (...args: unknown[]) => unknown
type Stack = { readonly stack?: string }

/** The members of a query of `postgres` that Sluice uses. */
export interface PostgresQuery {
  handle: Method
  then: Method
  readonly executed: boolean
  readonly tagged: boolean
  readonly strings: readonly string[]
  readonly args: unknown
  /** The function of its client that cancels it, shared by all queries of the client. */
  readonly canceller: unknown
  /** The first stack of its template, which is captured in any case. */
  readonly origin: string
  readonly onlyDescribe?: boolean
  readonly forEachFn?: unknown
  readonly cursorFn?: unknown
  /** Of its connection. */
  readonly state: Session
  readonly string: string
  readonly parameters: readonly unknown[]
}

interface Session {
  readonly pid: unknown
  readonly secret: unknown
}

interface Result {
  readonly length: number
  readonly count?: number | null
  readonly command?: string | null
}

interface Attached {
  readonly client: AdapterClient
  readonly isOfOrm: boolean
}

interface Observed extends Attached {
  /** Runs a function in the context in which the query was executed: a connection may send it later. */
  run?: <T>(work: () => T) => T
  stack?: Stack
  isAwaited?: boolean
}

const clients = new WeakMap<object, DriverClient<Attached>>()
const closed = new FinalizationRegistry<DriverClient<Attached>>(({ attachment }) => attachment?.release())
const queries = new WeakMap<PostgresQuery, Observed>()
const sessions = new WeakMap<Session, Session>()
const origins = new OriginStacks()

/** The app or an ORM creates a query, or a part of one. */
export function created(query: PostgresQuery): void {
  const { canceller, strings, tagged } = query
  // Queries of a connection itself cannot be canceled.
  if (typeof canceller !== 'function' || isSending()) return
  let clientNow = clients.get(canceller)
  if (clientNow === undefined) {
    clientNow = driverClient()
    clients.set(canceller, clientNow)
    closed.register(canceller, clientNow)
  }
  const attached = clientNow.standInNow()
  if (attached === undefined) return
  const observed: Observed = { ...attached }
  queries.set(query, observed)
  if (tagged) origins.capture(query)
  else if (!observed.isOfOrm && needsCaller(observed, strings)) observed.stack = captureStack()
}

/** A query is about to be sent, when its client has a connection. */
export function executed(query: PostgresQuery): void {
  const observed = queries.get(query)
  if (observed !== undefined) observed.run = AsyncLocalStorage.snapshot()
}

/**
 * Returns a promise for the result of a query that an ORM awaits: V8 knows the code of the app that awaits
 * the ORM only in a function that it awaits. `undefined`: the app itself awaits the query.
 *
 * @param then - The method of a query without Sluice.
 */
export function awaited(query: PostgresQuery, then: Method): { then: Method } | undefined {
  const observed = queries.get(query)
  if (observed === undefined || !observed.isOfOrm || observed.isAwaited === true) return undefined
  observed.isAwaited = true
  const sent: { result?: unknown } = {}
  const answer = async () => {
    await undefined
    guarded('postgres', () => {
      if (needsCaller(observed, query.strings)) observed.stack = captureStack()
    })
    return sent.result
  }
  const answered = answer()
  // The driver sends the query a microtask later, after the stack is captured.
  sent.result = then.call(query)
  return answered as unknown as { then: Method }
}

/** The SQL of a query was built, and is sent before anything else happens. */
export function sent(query: PostgresQuery): void {
  const observed = queries.get(query)
  if (observed === undefined || query.onlyDescribe === true) return
  const { run = (work) => work() } = observed
  run(() => observe(query, observed))
}

function observe(query: PostgresQuery, { client, stack }: Observed): void {
  const { string: sql, state, forEachFn } = query
  const answer = new Promise<Result>((resolve, reject) => {
    onEnded(query, { resolve: resolve as Method, reject })
  })
  const sent: SentStatement<Promise<Result>> = {
    sql,
    // The driver replaces them with strings.
    params: [...query.parameters],
    send: () => answer,
    rows: ({ length, count }) => (forEachFn === undefined ? (length ?? 0) : (count ?? 0)),
    isRolledBack: ({ command }) => command === 'ROLLBACK',
    isKnown: true,
    stack: () => stack ?? origins.created(query) ?? { stack: query.origin },
  }
  client.statement(sessionOf(state), sent).catch(() => {})
}

interface Settle {
  resolve: Method
  reject: Method
}

/**
 * Calls functions right before a query has ended. Iterators replace the functions of a query with each step,
 * so these are accessors until then.
 */
function onEnded(query: PostgresQuery, ended: Readonly<Settle>): void {
  const members = query as unknown as Settle
  const own: Settle = { resolve: members.resolve, reject: members.reject }
  const end = (name: keyof Settle, value: unknown) => {
    if (name === 'resolve' ? isCopyTo(value) : isThrownInCursor(query, value)) return
    for (const one of SETTLE) define(members, one, { value: own[one], writable: true })
    ended[name](value)
  }
  for (const name of SETTLE) {
    const method: Method = (value) => {
      guarded('postgres', () => end(name, value))
      return own[name](value)
    }
    const set = (changed: Method) => {
      own[name] = changed
    }
    define(members, name, { get: () => method, set })
  }
}

const SETTLE = ['resolve', 'reject'] as const

function define(members: Settle, name: keyof Settle, property: PropertyDescriptor): void {
  Object.defineProperty(members, name, { configurable: true, enumerable: true, ...property })
}

/** Whether a query has returned the stream for the rows that it will write. */
function isCopyTo(value: unknown): boolean {
  const { write, read } = (value ?? {}) as { readonly write?: unknown; readonly read?: unknown }
  return typeof write === 'function' && typeof read !== 'function'
}

/**
 * Whether the app's function for the rows of a cursor has thrown: the server commits later. The driver adds
 * the arguments of a query to the errors of the server.
 */
function isThrownInCursor({ cursorFn, args }: PostgresQuery, error: unknown): boolean {
  return cursorFn !== undefined && (error as { readonly args?: unknown } | undefined)?.args !== args
}

/** Whether the stack of a query may be needed. That of a file is not known yet. */
function needsCaller({ client }: Attached, [sql]: readonly string[]): boolean {
  return sql === undefined || client.needsCaller(sql)
}

/** Identifies the session of a connection, which can connect again. */
function sessionOf(state: Session): Session {
  const { pid, secret } = state
  const known = sessions.get(state)
  if (known !== undefined && known.pid === pid && known.secret === secret) return known
  const session = { pid, secret }
  sessions.set(state, session)
  return session
}

function driverClient(): DriverClient<Attached> {
  return new DriverClient('postgres', (sluice, orm) => {
    const client = attachDriver(sluice, 'postgres', orm, {
      dialect: 'postgresql',
      // Its connections are not accessible, and a transaction of the app may use the only one.
      connection: () => undefined,
    })
    return { standIn: { client, isOfOrm: orm !== undefined }, release: () => client.detach() }
  })
}
