import { OriginStacks, type SentStatement, type Stack } from '@sluice/core/adapter'
import { CompiledQuery, type DatabaseConnection, type QueryResult } from 'kysely'
import type { AbortOptions } from './connection-stand-in.ts'

type Sent = SentStatement<Promise<QueryResult<unknown>>>

/** By compiled query. */
export const origins: OriginStacks = new OriginStacks()

/** A query that is sent on a connection of the app's driver. A class: each query creates one. */
export class SentQuery implements Sent {
  readonly stack?: () => Stack
  readonly isRouted: boolean

  /** @param stack - Passed for statements of reads only. */
  constructor(
    private readonly connection: DatabaseConnection,
    private readonly query: CompiledQuery,
    private readonly options: AbortOptions,
    readonly isKnown: boolean,
    stack: (() => Stack) | undefined,
  ) {
    const known = stack ?? origins.of(query)
    if (known !== undefined) this.stack = known
    this.isRouted = stack !== undefined
  }

  get sql(): string {
    return this.query.sql
  }

  get params(): readonly unknown[] {
    return this.query.parameters
  }

  send(): Promise<QueryResult<unknown>> {
    return this.connection.executeQuery(this.query, this.options)
  }

  rows({ rows }: QueryResult<unknown>): number {
    return rows.length
  }

  isRolledBack({ rows: [row] }: QueryResult<unknown>): boolean {
    return (row as { command?: unknown } | undefined)?.command === 'ROLLBACK'
  }

  rollBack(): Promise<unknown> {
    return this.connection.executeQuery(CompiledQuery.raw('rollback'))
  }
}
