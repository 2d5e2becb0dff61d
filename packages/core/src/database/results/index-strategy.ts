import type { SchemaChange } from '../fixes/schema-change.ts'

/** An index that a table should have, and why. */
export interface IndexStrategy {
  /** As the database writes it, with its schema where that is not the default one. */
  readonly table: string
  readonly columns: readonly string[]
  readonly indexName: string
  /** `fulltext`: GIN over a text search vector (PostgreSQL), `FULLTEXT` (MySQL), an FTS5 table (SQLite). */
  readonly type: 'btree' | 'hash' | 'fulltext'
  readonly unique: boolean
  /** Whether it holds a part of the rows only. */
  readonly sparse: boolean
  /** Bytes, as an estimate; 0 where nothing is known of the table's size. */
  readonly indexSize: number
  /** For people: one sentence. */
  readonly reason: string
  /** Fingerprints of the statements that it serves, dearest first. */
  readonly queries: readonly string[]
  /** What it saves, and what keeping it up to date costs, over the traffic that was looked at, both in the planner's unit; 0: not estimated. */
  readonly estimatedGain: number
  readonly writeCost: number
  /** The statement that makes it, without locking the table where the database can do that. */
  readonly ddl: string
  /** The same as a change that files can be written from; `undefined` where none can: a primary key, an FTS5 table. */
  readonly fix: SchemaChange | undefined
}
