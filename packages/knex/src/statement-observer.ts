import type { Dialect } from '@sluice/core'
import { ConnectionObserver, type StreamedStatement } from '@sluice/core/adapter'
import type { AdapterHost } from '@sluice/core/siblings'
import { fixForSql } from './fix.ts'
import type { ClientInternals, QueryObject } from './internal-types.ts'
import { rowsIn, wasRolledBack } from './internals.ts'
import { openConnection } from './knex-connection.ts'

const NO_BINDINGS: readonly unknown[] = []

/** Observes the statements of one Knex instance on its connections. */
export class StatementObserver {
  readonly #observer: ConnectionObserver

  constructor(
    host: AdapterHost,
    sourceId: string,
    private readonly dialect: Dialect,
    /** The client's class as it was. */
    private readonly base: ClientInternals,
  ) {
    this.#observer = new ConnectionObserver(host, { sourceId, dialect, fix: fixForSql })
  }

  /** Whether a statement certainly only reads, and returns the same on every server with the same rows. */
  onlyReads(sql: string): boolean {
    return this.#observer.onlyReads(sql)
  }

  statement(client: ClientInternals, connection: object, query: QueryObject): Promise<QueryObject> {
    const send = (query: QueryObject) => this.base._query.call(client, connection, query)
    return this.#observer.statement(connection, {
      sql: query.sql,
      params: query.bindings ?? NO_BINDINGS,
      send: () => send(query),
      rows: ({ response }) => rowsIn(response),
      isRolledBack: ({ response }) => wasRolledBack(response),
      rollBack: () => send({ sql: 'ROLLBACK', bindings: [], method: 'raw' }),
      isKnown: client.transacting === true,
    })
  }

  stream(connection: object, { sql, bindings = NO_BINDINGS }: QueryObject): StreamedStatement {
    return this.#observer.stream(connection, { sql, params: bindings })
  }

  /** Reads the catalog in the background once it is needed, and again after DDL. */
  ensureCatalog(client: ClientInternals): void {
    if (client.transacting === true) return
    void this.#observer.catalog.read((work) => openConnection(client, this.base, this.dialect, work))
  }

  /** Drops the catalog until it is needed again. */
  forgetCatalog(): void {
    this.#observer.catalog.forget()
  }
}
