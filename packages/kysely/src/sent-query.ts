import type { SentStatement, Stack } from '@sluice/core/adapter'
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely'
import type { AbortOptions } from './connection-stand-in.ts'
import type { PgWire } from './pg-wire.ts'
import { rawQuery } from './raw-query.ts'

type Sent = SentStatement<Promise<QueryResult<unknown>>>

/** A query that is sent on a connection of the app's driver. A class: each query creates one. */
export class SentQuery implements Sent {
  readonly stack?: () => Stack

  constructor(
    private readonly connection: DatabaseConnection,
    private readonly query: CompiledQuery,
    private readonly options: AbortOptions,
    readonly isKnown: boolean,
    /** Whether it belongs to a read that was routed already. */
    readonly isRouted: boolean,
    stack: (() => Stack) | undefined,
    private readonly wire: PgWire | undefined,
  ) {
    if (stack !== undefined) this.stack = stack
  }

  get sql(): string {
    return this.query.sql
  }

  get params(): readonly unknown[] {
    return this.query.parameters
  }

  send(): Promise<QueryResult<unknown>> {
    this.wire?.expects()
    return this.connection.executeQuery(this.query, this.options)
  }

  rows({ rows }: QueryResult<unknown>): number {
    return rows.length
  }

  isRolledBack({ rows: [row] }: QueryResult<unknown>): boolean {
    return (row as { command?: unknown } | undefined)?.command === 'ROLLBACK'
  }

  rollBack(): Promise<unknown> {
    return this.connection.executeQuery(rawQuery('rollback'))
  }
}
