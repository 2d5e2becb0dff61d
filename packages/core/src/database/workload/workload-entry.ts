import type { CallSite } from '../../pipeline/call-site.ts'
import type { Dialect } from '../../sql/dialect.ts'

/** Statistics of one normalized query. Plain data: it can be written to a file and read again. */
export interface WorkloadEntry {
  readonly fingerprint: string
  readonly dialect: Dialect
  /**
   * One text as it was sent: with placeholders, and with values where the app writes them into it. A redacted
   * text, and one over 20,000 characters, has the shape here.
   */
  readonly sql: string
  readonly kind: 'read' | 'write' | 'other'
  readonly calls: number
  /** Number of failed calls. Omitted if it is unknown. */
  readonly errors?: number
  readonly totalMs: number
  readonly maxMs: number
  /** Rows returned, over all calls. */
  readonly rows: number
  /** Call sites, most frequent first; at most 5. Calls are sampled: `count` is an estimate. */
  readonly callSites: readonly (CallSite & { readonly count: number })[]
  /**
   * Parameter values of `sql`: at most 5 sets, selected evenly over time. A value that was too long is an
   * `OmittedValue`. Empty if the workload is redacted.
   */
  readonly samples: readonly (readonly unknown[])[]
  /** Milliseconds since 1970. */
  readonly firstSeenAt: number
  readonly lastSeenAt: number
  /** `app`: seen on the app's connections; `server`: counted by the database. */
  readonly source: 'app' | 'server'
}
