import type { DatabaseFinding } from './database-finding.ts'

/** A finding before it has its place in the report. */
export type DraftFinding = Omit<DatabaseFinding, 'id' | 'key'> & {
  /** What tells it from others of its code, the same at any time. */
  readonly identity: string
}
