import { type AdapterClient, type StreamedStatement, sending } from '@sluice/core/adapter'
import type { ClientInternals, QueryObject } from './internals/types.ts'
import { bindingsOf } from './sent-query.ts'

/** The queries of one Knex instance whose rows are streamed. */
export class KnexStreams {
  readonly #running = new Set<object>()

  constructor(
    /** The client's class before instrumentation. */
    private readonly base: ClientInternals,
    private readonly statements: AdapterClient,
  ) {}

  /** Whether a query is being streamed. */
  has(query: object): boolean {
    return this.#running.size > 0 && this.#running.has(query)
  }

  /** Streams the rows of a query. */
  send(
    client: ClientInternals,
    connection: object,
    query: QueryObject,
    stream: object,
    options: unknown,
  ): Promise<unknown> {
    this.#running.add(query)
    const { ready, end } = this.statements.stream(connection, {
      sql: query.sql,
      params: bindingsOf(query),
    })
    if (ready !== undefined)
      return this.#sendWhenReady(client, connection, query, stream, options, ready, end)
    let streamed: Promise<unknown>
    try {
      streamed = sending({ send: () => this.base._stream.call(client, connection, query, stream, options) })
    } catch (error) {
      // Knex reports an error that is thrown here on the stream, but does not report a rejection.
      this.#running.delete(query)
      end(error, 0)
      throw error
    }
    streamed.then(
      () => void (this.#running.delete(query) && end(undefined, 0)),
      (error: unknown) => void (this.#running.delete(query) && end(error, 0)),
    )
    return streamed
  }

  /** Streams a statement that writes, after other processes have been notified of the write. */
  async #sendWhenReady(
    client: ClientInternals,
    connection: object,
    query: QueryObject,
    stream: object,
    options: unknown,
    ready: Promise<void>,
    end: StreamedStatement['end'],
  ): Promise<unknown> {
    try {
      await ready
      const result = await this.base._stream.call(client, connection, query, stream, options)
      await end(undefined, 0)
      return result
    } catch (error) {
      await end(error, 0)
      // Knex only reports synchronously thrown errors on the stream.
      ;(stream as { emit?(event: string, error: unknown): void }).emit?.('error', error)
      throw error
    } finally {
      this.#running.delete(query)
    }
  }
}
