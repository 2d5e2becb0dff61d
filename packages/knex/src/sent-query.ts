import type { PgTransactions, SentStatement, Stack } from '@sluice/core/adapter'
import type { Conversions } from './internals/conversions.ts'
import { rowsIn, wasRolledBack } from './internals/response.ts'
import type { ClientInternals, QueryObject } from './internals/types.ts'

const NO_BINDINGS: readonly unknown[] = []

export function bindingsOf({ bindings = NO_BINDINGS }: QueryObject): readonly unknown[] {
  return bindings
}

/** A Knex query on its connection. A class, because each query creates one. */
export class SentQuery implements SentStatement<Promise<QueryObject>> {
  readonly stack?: () => Stack

  constructor(
    private readonly base: ClientInternals,
    private readonly client: ClientInternals,
    private readonly connection: object,
    private readonly query: QueryObject,
    stack: (() => Stack) | undefined,
    private readonly conversions: Conversions,
    /** Set in a transaction of `pg`. */
    private readonly transactions: PgTransactions | undefined,
  ) {
    if (stack !== undefined) this.stack = stack
  }

  get sql(): string {
    return this.query.sql
  }

  get params(): readonly unknown[] {
    return bindingsOf(this.query)
  }

  get isKnown(): boolean {
    return this.client.transacting === true
  }

  send(): Promise<QueryObject> {
    const { conversions, transactions } = this
    const sent =
      transactions === undefined ? this.#query() : transactions.send(this.connection, () => this.#query())
    if (conversions.received === undefined) return sent
    return sent.then((query) => {
      conversions.received?.(query?.response)
      return query
    })
  }

  #query(): Promise<QueryObject> {
    return this.base._query.call(this.client, this.connection, this.query)
  }

  rows({ response }: QueryObject): number {
    return rowsIn(response)
  }

  resultOf({ response }: QueryObject): unknown {
    return response
  }

  isRolledBack({ response }: QueryObject): boolean {
    return wasRolledBack(response)
  }

  rollBack(): Promise<unknown> {
    return this.base._query.call(this.client, this.connection, {
      sql: 'ROLLBACK',
      bindings: [],
      method: 'raw',
    })
  }
}
