import { type Dialect, quoteName } from '../../../sql/dialect.ts'
import type { NamedTable } from '../database-facts.ts'

/** A change as statements, and what takes it back. */
export interface ChangeSql {
  readonly steps: readonly SqlStep[]
  readonly undo: readonly SqlStep[]
  /** What someone who runs them should know: each a sentence. */
  readonly notes: readonly string[]
}

export interface SqlStep {
  /** One statement, without a semicolon. */
  readonly sql: string
  /** PostgreSQL runs it outside of a transaction only, alone in what is sent. */
  readonly isConcurrent: boolean
  /** The index that is there afterwards. */
  readonly creates?: IndexPlace
  /** The index that is no longer there afterwards. */
  readonly drops?: IndexPlace
}

export interface IndexPlace {
  /** Left out: the connection's default one. */
  readonly schema?: string
  readonly table: string
  readonly name: string
}

/**
 * How long PostgreSQL may wait for a lock. What waits for a lock on the whole table makes all that comes after it wait as well, so it gives up
 * soon. A concurrent build waits for transactions that are open, and nobody waits for it: it has time, since all that it built is lost with it.
 */
export const LOCK_TIMEOUT = { concurrent: '5min', blocking: '5s' } as const

export function placeOf(table: NamedTable, name: string): IndexPlace {
  return { ...(table.isInDefaultSchema ? {} : { schema: table.schema }), table: table.name, name }
}

/** A name in the schema of a table, which is written only where it is not the default one. */
export function quoteIn({ schema, isInDefaultSchema }: NamedTable, name: string, dialect: Dialect): string {
  return isInDefaultSchema ? quoteName(name, dialect) : `${quoteName(schema, dialect)}.${quoteName(name, dialect)}`
}
