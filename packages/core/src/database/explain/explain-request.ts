import type { TableSnapshot } from '../inspectors/database-snapshot.ts'
import type { Explainable } from './explainable.ts'

/** What a dialect is asked with. */
export interface ExplainRequest {
  readonly statement: Explainable
  readonly bindings: readonly unknown[] | undefined
  readonly analyze: boolean
  readonly timeoutMs: number
  readonly tables: readonly TableSnapshot[]
  readonly defaultSchema: string | undefined
}
