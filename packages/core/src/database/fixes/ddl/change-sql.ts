import { type Dialect, quoteName } from '../../../sql/dialect.ts'
import type { NamedTable } from '../database-facts.ts'

/** A change as statements, and what takes it back. */
export interface ChangeSql {
  readonly steps: readonly SqlStep[]
  readonly undo: readonly SqlStep[]
  /** Notes for the person who runs them: one sentence each. */
  readonly notes: readonly string[]
}

export interface SqlStep {
  /** One statement, without a semicolon. */
  readonly sql: string
  /** PostgreSQL executes it only outside transactions, and alone in its message. */
  readonly isConcurrent: boolean
  /** The index that exists afterwards. */
  readonly creates?: IndexPlace
  /** The index that is no longer there afterwards. */
  readonly drops?: IndexPlace
}

export interface IndexPlace {
  /** Default: that of the connection. */
  readonly schema?: string
  readonly table: string
  readonly name: string
}

/**
 * Lock timeouts on PostgreSQL. A statement that waits for a lock on the whole table blocks all later ones, so
 * it gives up soon. A concurrent build waits for open transactions without blocking others: it has more time,
 * because a timeout discards all of its work.
 */
export const LOCK_TIMEOUT = { concurrent: '5min', blocking: '5s' } as const

export function placeOf(table: NamedTable, name: string): IndexPlace {
  return { ...(table.isInDefaultSchema ? {} : { schema: table.schema }), table: table.name, name }
}

/** A name in the schema of a table, which is written only where it is not the default one. */
export function quoteIn({ schema, isInDefaultSchema }: NamedTable, name: string, dialect: Dialect): string {
  return isInDefaultSchema
    ? quoteName(name, dialect)
    : `${quoteName(schema, dialect)}.${quoteName(name, dialect)}`
}
