import type { SchemaChange } from '../fixes/schema-change.ts'

/** An index that nothing reads. */
export interface UnusedIndex {
  readonly table: string
  readonly index: string
  readonly columns: readonly string[]
  /** Bytes that it takes; `undefined` where that is not known. */
  readonly bytes: number | undefined
  readonly reason: string
  readonly ddl: string
  readonly fix: SchemaChange
}

/** An index that serves nothing that another does not serve. */
export interface DuplicateIndex {
  readonly table: string
  readonly index: string
  readonly columns: readonly string[]
  /** The other index; `PRIMARY KEY` for a key that the table itself is ordered by. */
  readonly coveredBy: string
  /** Whether the other has the same keys, or begins with them. */
  readonly kind: 'identical' | 'prefix'
  /** Bytes that it takes; `undefined` where that is not known. */
  readonly bytes: number | undefined
  readonly reason: string
  readonly ddl: string
  readonly fix: SchemaChange
}

/** A foreign key whose columns no index begins with. */
export interface MissingForeignKeyIndex {
  readonly table: string
  readonly columns: readonly string[]
  /** The table that it refers to. */
  readonly references: string
  /** Rows of the table that holds the key. -1: not known. */
  readonly rows: number
  readonly reason: string
  readonly ddl: string
  readonly fix: SchemaChange
}
