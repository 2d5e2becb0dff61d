import type { ExplainResult } from './query.ts'

/** What each action takes: `POST api/actions/<name>` with this as JSON. */
export interface ActionBodies {
  'acknowledge-alert': { readonly id: string }
  'resolve-alert': { readonly id: string }
  /** One (`id`), a group (`group`), or all of a queue (`queue`), or of all queues; `limit` of them. */
  'retry-dead-letters': { readonly id?: string; readonly group?: string; readonly queue?: string; readonly limit?: number }
  'discard-dead-letters': { readonly id?: string; readonly group?: string; readonly queue?: string; readonly limit?: number }
  'pause-queue': { readonly queue: string }
  'resume-queue': { readonly queue: string }
  /** Left out: all of it, with what query results are kept. */
  'clear-cache': { readonly namespace?: string }
  /** Values by key, 1 to 1,000, for a namespace of the app's; `ttl` in seconds, an hour where it is left out. */
  'warm-cache': { readonly namespace: string; readonly data: Readonly<Record<string, unknown>>; readonly ttl?: number }
  /** A node gets nothing new; what runs goes on. */
  'drain-node': { readonly id: string }
  'undrain-node': { readonly id: string }
  /** For this process, until it ends. `id` is `FindingItem.id`. */
  'mute-finding': { readonly id: string; readonly muted: boolean }
  /** The most queries that a request of this name should make; `null` takes it back. For this process, until it ends. */
  'set-budget': { readonly name: string; readonly queries: number | null }
  explain: { readonly fingerprint: string; readonly dialect: string }
  /** Reads what the database is made of; `analyze` plans its traffic, too, which takes longer. */
  'inspect-database': { readonly analyze?: boolean }
}

export type ActionName = keyof ActionBodies

/** What each answers. */
export interface ActionResults {
  'acknowledge-alert': { readonly done: boolean }
  'resolve-alert': { readonly done: boolean }
  'retry-dead-letters': { readonly count: number }
  'discard-dead-letters': { readonly count: number }
  'pause-queue': { readonly done: boolean }
  'resume-queue': { readonly done: boolean }
  'clear-cache': { readonly done: boolean }
  /** How many the cache took, of how many; it leaves out what is too large for it. */
  'warm-cache': { readonly count: number; readonly of: number }
  'drain-node': { readonly done: boolean }
  'undrain-node': { readonly done: boolean }
  'mute-finding': { readonly muted: readonly string[] }
  'set-budget': { readonly done: boolean }
  explain: ExplainResult
  'inspect-database': { readonly tables: number; readonly advice: number; readonly tookMs: number }
}

/** The header that every action needs, with any value: a form or a link of another site cannot set it. */
export const actionHeader = 'x-sluice-action'
