import type { ExplainResult } from './query.ts'

/** The JSON body of each action: `POST api/actions/<name>`. */
export interface ActionBodies {
  'acknowledge-alert': { readonly id: string }
  'resolve-alert': { readonly id: string }
  /** One task (`id`), a group (`group`), a queue (`queue`), or all queues; at most `limit` tasks. */
  'retry-dead-letters': {
    readonly id?: string
    readonly group?: string
    readonly queue?: string
    readonly limit?: number
  }
  'discard-dead-letters': {
    readonly id?: string
    readonly group?: string
    readonly queue?: string
    readonly limit?: number
  }
  'pause-queue': { readonly queue: string }
  'resume-queue': { readonly queue: string }
  /** If omitted, clears the whole cache, including query results. */
  'clear-cache': { readonly namespace?: string }
  /** 1 to 1,000 values by key, for a namespace of the app. `ttl` in seconds. Default: 1 hour. */
  'warm-cache': {
    readonly namespace: string
    readonly data: Readonly<Record<string, unknown>>
    readonly ttl?: number
  }
  /** Stops new requests to a node. Requests in flight continue. */
  'drain-node': { readonly id: string }
  'undrain-node': { readonly id: string }
  /** Until the process ends. `id` is `FindingItem.id`. */
  'mute-finding': { readonly id: string; readonly muted: boolean }
  /**
   * Maximum number of queries per request with this name; `null` removes the budget. Until the process ends.
   */
  'set-budget': { readonly name: string; readonly queries: number | null }
  /** Records statements for `GET api/yield`. Only in mode `observe`. */
  'record-yield': Readonly<Record<string, never>>
  explain: { readonly fingerprint: string; readonly dialect: string }
  /** Reads the schema of the database. `analyze` also explains its workload, which takes longer. */
  'inspect-database': { readonly analyze?: boolean }
}

export type ActionName = keyof ActionBodies

/** The response of each action. */
export interface ActionResults {
  'acknowledge-alert': { readonly done: boolean }
  'resolve-alert': { readonly done: boolean }
  'retry-dead-letters': { readonly count: number }
  'discard-dead-letters': { readonly count: number }
  'pause-queue': { readonly done: boolean }
  'resume-queue': { readonly done: boolean }
  'clear-cache': { readonly done: boolean }
  /** Number of cached values, and of given values. The cache rejects values that are too large. */
  'warm-cache': { readonly count: number; readonly of: number }
  'drain-node': { readonly done: boolean }
  'undrain-node': { readonly done: boolean }
  'mute-finding': { readonly muted: readonly string[] }
  'set-budget': { readonly done: boolean }
  'record-yield': { readonly done: boolean }
  explain: ExplainResult
  'inspect-database': { readonly tables: number; readonly advice: number; readonly tookMs: number }
}

/** Header that every action requires, with any value: a form or link of another site cannot set it. */
export const actionHeader = 'x-sluice-action'
