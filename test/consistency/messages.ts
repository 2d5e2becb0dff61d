import type { ReadSeen, Turn } from './oracle.ts'
import type { OrmSet } from './orms.ts'
import type { StoreName } from './store-server.ts'
import type { SubjectMode } from './subject.ts'

/** The plan that a worker is started with. */
export interface WorkerPlan {
  readonly index: number
  readonly seed: number
  readonly mode: SubjectMode
  readonly orms: OrmSet
  readonly databaseUrl: string
  readonly store: StoreName
  readonly storePort: number
  readonly concurrency: number
  readonly writeShare: number
  readonly leaseMs: number
  readonly maxStalenessMs: number
}

export type Version = readonly [row: string, version: number]

/** Each request is answered by a message with its number. */
export type Question =
  | { readonly ask: 'turn' }
  | { readonly ask: 'lock'; readonly rows: readonly string[] }
  | { readonly ask: 'attempt'; readonly row: string; readonly isAbsence: boolean }

export interface Answers {
  readonly turn: Turn
  readonly lock: number
  readonly attempt: number
}

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'question'; readonly number: number; readonly question: Question }
  /**
   * `hits`: reads that this worker's cache has served so far; `knownHits`: those for which it already knew
   * the state of the tags.
   */
  | { readonly type: 'read'; readonly read: ReadSeen; readonly hits: number; readonly knownHits: number }
  | { readonly type: 'acknowledged'; readonly versions: readonly Version[] }
  | { readonly type: 'raised'; readonly rows: readonly string[]; readonly turn: number }
  | { readonly type: 'released'; readonly lock: number; readonly isCertain: boolean }
  | {
      readonly type: 'failed'
      readonly what: 'rejected' | 'refused' | 'unknown' | 'read'
      readonly message: string
    }
  | { readonly type: 'idle' }
  | { readonly type: 'swept'; readonly compared: number; readonly differences: readonly string[] }

/** A fault that a worker inflicts on itself, at its next COMMIT. */
export type OwnFault =
  | 'die-after-commit'
  | 'stop-before-commit'
  | 'end-backend-in-commit'
  | 'drop-connection-in-commit'

export type ToWorker =
  | { readonly type: 'answer'; readonly number: number; readonly answer: Turn | number }
  | { readonly type: 'run' }
  | { readonly type: 'rest' }
  | { readonly type: 'sweep' }
  | { readonly type: 'arm'; readonly fault: OwnFault }
  | { readonly type: 'quit' }
