import type { TransactionControl } from '../../sql/statement.ts'
import type { AdapterClient } from '../attach-client.ts'
import { sending } from '../sending.ts'
import { copyResult, type QueryResult } from './pg-result.ts'

type Query = (...args: unknown[]) => unknown

/** The members of a client of `pg` that Sluice uses for transactions. */
interface PgConnection {
  query: Query
  readonly connection?: { readonly stream?: { destroy?(): void } }
}

/** Statements that only begin or end a transaction, with the settings of the session. */
const PLAIN_BEGIN = /^(?:BEGIN|START TRANSACTION);?$/i
const PLAIN_END = /^(?:COMMIT|ROLLBACK|END);?$/i

/** How an adapter sends a statement of transaction control, and what its callers receive. */
interface ControlForm<T> {
  send(): Promise<T>
  /** The result of the driver in an answer. */
  resultOf(answer: T): QueryResult
  answerOf(result: QueryResult): T
}

/** A BEGIN that was answered, and not sent yet. */
interface Held {
  readonly sql: string
  begun: Promise<void> | undefined
  /** Number of statements that wait for it. */
  waiting: number
}

/**
 * The transactions on the connections of one client of `pg`.
 *
 * A transaction whose reads are all served from the cache needs neither BEGIN nor COMMIT. So a plain BEGIN is
 * held back until another statement is sent on its connection, and awaited before that: no statement may run
 * outside its transaction because BEGIN failed.
 */
export class PgTransactions {
  readonly #held = new WeakMap<object, Held>()
  readonly #followed = new WeakSet<object>()
  /** Results of the driver by SQL string. Statements that are not sent receive copies. */
  readonly #results = new Map<string, QueryResult>()
  /** The connection on which Sluice sends a statement now. */
  #sending: object | undefined

  constructor(private readonly client: Pick<AdapterClient, 'holdsBegin' | 'readsOf' | 'control' | 'count'>) {}

  /**
   * Notices what is sent on a connection without Sluice, such as COPY. Returns `false` for other drivers.
   */
  follow(connection: object): boolean {
    if (this.#followed.has(connection)) return true
    const client = connection as PgConnection
    if (typeof client.query !== 'function' || typeof client.connection?.stream?.destroy !== 'function')
      return false
    this.#followed.add(connection)
    const own = Object.hasOwn(client, 'query') ? client.query : undefined
    client.query = (...args) => {
      if (this.#sending !== client) this.#bypassed(client)
      return (own ?? (Object.getPrototypeOf(client) as PgConnection).query).apply(client, args)
    }
    return true
  }

  /**
   * Sends BEGIN, COMMIT or the like, or returns an answer without sending it.
   *
   * @param sql - A statement without options that change its result.
   */
  control<T>(
    connection: object,
    sql: string,
    control: TransactionControl,
    { send, resultOf, answerOf }: ControlForm<T>,
  ): Promise<T> {
    const result = this.#answer(connection, sql)
    if (result !== undefined)
      return this.client.control(connection, control, {
        send: () => Promise.resolve(answerOf(result)),
        isKnown: true,
      })
    return send().then((answer) => {
      this.#remember(sql, resultOf(answer))
      return answer
    })
  }

  /**
   * The result of a statement that need not be sent: a BEGIN that is held back from now on, or the end of a
   * transaction in which nothing was sent. `undefined`: it must be sent.
   */
  #answer(connection: object, sql: string): QueryResult | undefined {
    const held = this.#held.get(connection)
    const isPossible =
      held === undefined
        ? PLAIN_BEGIN.test(sql) && this.client.holdsBegin && this.follow(connection)
        : held.begun === undefined && PLAIN_END.test(sql)
    const result = isPossible ? this.#results.get(sql) : undefined
    if (result === undefined) return undefined
    if (held === undefined) this.#held.set(connection, { sql, begun: undefined, waiting: 0 })
    else this.#held.delete(connection)
    return copyResult(result, { rows: [], fields: [] })
  }

  /** Sends a statement, after a BEGIN that is held back. */
  send<T>(connection: object, send: () => Promise<T>): Promise<T> {
    const held = this.#held.get(connection)
    if (held === undefined) return this.#known(connection, send)
    held.waiting += 1
    held.begun ??= this.#begin(connection as PgConnection, held)
    return held.begun.then(() => {
      // Later statements wait as long as earlier ones do.
      held.waiting -= 1
      if (held.waiting === 0) this.#held.delete(connection)
      return this.#known(connection, send)
    })
  }

  #remember(sql: string, result: QueryResult): void {
    if (this.#results.has(sql)) return
    // The server answers COMMIT with ROLLBACK if a statement of the transaction failed.
    const isCommitted = result.command === 'COMMIT' || /ROLLBACK/i.test(sql)
    if (PLAIN_BEGIN.test(sql) || (PLAIN_END.test(sql) && isCommitted))
      this.#results.set(sql, copyResult(result, { rows: [], fields: [] }))
  }

  #known<T>(connection: object, send: () => T): T {
    const outer = this.#sending
    this.#sending = connection
    try {
      return sending({ send })
    } finally {
      this.#sending = outer
    }
  }

  async #begin(connection: PgConnection, { sql }: Held): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#sendBegin(connection, sql, (error) => (error ? reject(error) : resolve()))
      })
    } catch (error) {
      this.#held.delete(connection)
      throw error
    }
  }

  /** Sends BEGIN. If it fails, its connection is closed: what is sent next belongs to the transaction. */
  #sendBegin(connection: PgConnection, sql: string, ended: (error: unknown) => void): void {
    this.client.count()
    this.#known(connection, () =>
      connection.query(sql, (error: unknown) => {
        if (error) connection.connection?.stream?.destroy?.()
        ended(error)
      }),
    )
  }

  /** `pg` sends statements in their order. */
  #bypassed(connection: PgConnection): void {
    this.client.readsOf(connection)?.spoil()
    const held = this.#held.get(connection)
    if (held === undefined || held.begun !== undefined) return
    this.#held.delete(connection)
    this.#sendBegin(connection, held.sql, () => {})
  }
}
