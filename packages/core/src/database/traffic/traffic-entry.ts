import type { CallSite } from '../../pipeline/call-site.ts'
import type { Dialect } from '../../sql/dialect.ts'

/** What was seen of all statements of one shape. Plain data: it can be written to a file and read again. */
export interface TrafficEntry {
  readonly fingerprint: string
  readonly dialect: Dialect
  /** One text as it was sent: with placeholders, and with values where the app writes them into it. Redacted traffic, and one over 20,000 characters, has the shape here. */
  readonly sql: string
  readonly kind: 'read' | 'write' | 'other'
  readonly calls: number
  /** Calls that failed. Left out where that is not known. */
  readonly errors?: number
  readonly totalMs: number
  readonly maxMs: number
  /** Rows returned, over all calls. */
  readonly rows: number
  /** Where it comes from, most frequent first; at most 5. Not every call is looked at: `count` is an estimate of the calls. */
  readonly callSites: readonly (CallSite & { readonly count: number })[]
  /**
   * Bindings that `sql` was called with: at most 5, picked evenly over time. What was too long to keep is an `OmittedValue` in its place. Empty
   * where the traffic is redacted.
   */
  readonly samples: readonly (readonly unknown[])[]
  /** Milliseconds since 1970. */
  readonly firstSeenAt: number
  readonly lastSeenAt: number
  /** `app`: seen on the app's connections; `server`: counted by the database. */
  readonly source: 'app' | 'server'
}
