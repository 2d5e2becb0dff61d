import type { AdapterClient, Execution, PgTransactions, Stack } from '@sluice/core/adapter'
import type { Conversions } from './internals/conversions.ts'
import { rowsIn } from './internals/response.ts'
import type { ClientInternals, QueryObject } from './internals/types.ts'
import { bindingsOf } from './sent-query.ts'

/** The record of a query that is only counted. Knex copies it to the query that it reports with an error. */
const COUNTED: unique symbol = Symbol('sluice.counted')

interface CountedQuery extends QueryObject {
  [COUNTED]?: Execution | undefined
}

/** The queries of one Knex instance that need nothing but counting. Knex itself reports their end. */
export class CountedQueries {
  constructor(
    /** The client's class before instrumentation. */
    private readonly base: ClientInternals,
    private readonly reads: NonNullable<AdapterClient['reads']>,
    private readonly conversions: Conversions,
  ) {}

  /**
   * Sends a query. Its end is reported to `answered` or `failed`.
   *
   * @param pg - Set in a transaction of `pg`.
   * @returns `undefined` if the query needs more.
   */
  send(
    client: ClientInternals,
    connection: object,
    query: CountedQuery,
    stack: (() => Stack) | undefined,
    pg: PgTransactions | undefined,
  ): Promise<QueryObject> | undefined {
    if (!isOfRunner(query)) return undefined
    const execution = this.reads.begin(connection, query.sql, bindingsOf(query), stack)
    if (execution === undefined) return undefined
    query[COUNTED] = execution
    const send = () => this.base._query.call(client, connection, query)
    return this.reads.start(execution, pg === undefined ? send : () => pg.send(connection, send))
  }

  /** Called with the response to each query of a runner. */
  answered(query: CountedQuery): void {
    const execution = query[COUNTED]
    if (execution === undefined) return
    query[COUNTED] = undefined
    const { response } = query
    this.reads.end(execution, rowsIn(response))
    this.conversions.received?.(response)
  }

  /** Called with the error of each query, and a copy of the query. */
  readonly failed = (error: unknown, query: object): void => {
    const execution = (query as CountedQuery)[COUNTED]
    if (execution !== undefined) this.reads.failed(execution, error)
  }
}

/** Whether a runner of Knex sent a query, and waits for its response: it then reports its end. */
function isOfRunner(query: QueryObject): boolean {
  return Object.hasOwn(query, 'queryContext') && !query.timeout
}
