import {
  type AdapterClient,
  afterCaller,
  captureStack,
  isSending,
  type SentStatement,
  sending,
} from '@sluice/core/adapter'
import { DriverClient } from './driver-clients.ts'
import { attachDriver } from './orms/driver-description.ts'

const NAME = '@libsql/client'

interface ResultSet {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

interface Client {
  execute(statement: { readonly sql: string; readonly args: readonly unknown[] }): Promise<ResultSet>
}

interface Statement {
  readonly sql: string
  readonly params: readonly unknown[]
}

/** Where the statements of a client or of a transaction run. */
interface Session {
  readonly client: Client
  readonly connection: object
}

const clients = new WeakMap<Client, DriverClient<AdapterClient>>()
const transactions = new WeakMap<object, Session>()

/**
 * Returns what sends a call of a client or of a transaction that is made now; `undefined`: the call is sent
 * unchanged.
 */
export function libsqlCall(
  target: object,
  method: string,
  args: readonly unknown[],
  send: () => unknown,
): (() => unknown) | undefined {
  const transaction = transactions.get(target)
  if (transaction === undefined && method === 'close') return () => closed(target as Client, send)
  if (isSending() || (transaction === undefined && !('transaction' in target))) return undefined
  // Each call of a client has a connection, and what it leaves open is rolled back.
  const { client, connection } = transaction ?? { client: target as Client, connection: {} }
  const observer = observerNow(client)
  if (observer === undefined) return undefined
  const sent = send as () => Promise<unknown>
  const run = (statement: Statement | undefined) =>
    statement &&
    (() => withLateStack(observer, connection, { ...statement, rows, isKnown: true, send: sent }))
  switch (method) {
    case 'execute':
      return run(statementOf(typeof args[0] === 'string' ? args : args[0]))
    case 'executeMultiple':
      return run(statementOf(args[0]))
    case 'batch':
    case 'migrate':
      return () => batched(observer, connection, args[0], sent)
    case 'sync':
      return () => observer.script(sent)
    case 'transaction':
      return async () => {
        const begun = (await run({ sql: 'BEGIN', params: [] })?.()) as object
        transactions.set(begun, { client, connection })
        return begun
      }
    case 'close':
      if ((target as { readonly closed: boolean }).closed) return undefined
      transactions.delete(target)
      return () =>
        observer.statementSync(connection, { sql: 'ROLLBACK', params: [], rows, isKnown: true, send })
    default:
      // Transactions of remote databases close themselves afterwards.
      transactions.delete(target)
      return run({ sql: method.toUpperCase(), params: [] })
  }
}

/**
 * Drizzle sends a query when it is awaited: its call site is known two microtasks later, when the query has
 * been sent.
 */
function withLateStack(
  observer: AdapterClient,
  connection: object,
  sent: SentStatement<Promise<unknown>>,
): Promise<unknown> {
  const { orm } = observer.source
  if (orm !== 'drizzle' || !observer.needsCaller(sent.sql)) return observer.statement(connection, sent)
  const late: { stack?: string } = {}
  const answered = observer.statement(connection, { ...sent, stack: () => late })
  return afterCaller().then(() => {
    Object.assign(late, { stack: captureStack().stack })
    return answered
  })
}

/** A client can be connected again after it was closed. */
function closed(client: Client, send: () => unknown): unknown {
  const result = send()
  clients.get(client)?.attachment?.release()
  clients.delete(client)
  return result
}

/** Sends several statements in one transaction, or in the one that is open. */
async function batched(
  observer: AdapterClient,
  connection: object,
  list: unknown,
  send: () => Promise<unknown>,
): Promise<unknown> {
  const statements = Array.isArray(list) ? list.map(statementOf) : []
  const running = statements.map((one) => one && observer.stream(connection, one))
  const ended = async (error: unknown, results: readonly unknown[]) =>
    void (await Promise.all(running.map((one, at) => one?.end(error, rows(results[at])))))
  let results: unknown
  try {
    results = await sending({ send })
  } catch (error) {
    await ended(error, [])
    throw error
  }
  await ended(undefined, results as readonly unknown[])
  return results
}

/** A statement as a string, an object, or a pair of its SQL and its values. */
function statementOf(statement: unknown): Statement | undefined {
  const [sql, args = []] = (
    typeof statement === 'object' && statement !== null && 'sql' in statement
      ? [statement.sql, (statement as { readonly args?: unknown }).args]
      : Array.isArray(statement)
        ? statement
        : [statement]
  ) as readonly unknown[]
  return typeof sql === 'string' ? { sql, params: Array.isArray(args) ? args : [args] } : undefined
}

function rows(result: unknown): number {
  return (result as Partial<ResultSet> | undefined)?.rows?.length ?? 0
}

function observerNow(client: Client): AdapterClient | undefined {
  let known = clients.get(client)
  if (known === undefined) {
    known = driverClientOf(client)
    clients.set(client, known)
  }
  return known.standInNow()
}

function driverClientOf(client: Client): DriverClient<AdapterClient> {
  const held = new WeakRef(client)
  return new DriverClient(NAME, (sluice, orm) => {
    const standIn = attachDriver(sluice, NAME, orm, {
      dialect: 'sqlite',
      connection: () =>
        held.deref() && {
          dialect: 'sqlite',
          async query(sql, params = []) {
            const send = () => held.deref()?.execute({ sql, args: params })
            return (await sending({ send }))?.rows ?? []
          },
        },
    })
    return { standIn, release: () => standIn.detach() }
  })
}
