import type { ReadCounts } from './app-node.ts'

/** The result of one request. `lost`: it was not idempotent, and its outcome is unknown. */
export type Outcome = 'answered' | 'failed' | 'lost'

export interface Answer {
  /** Monotonic milliseconds. */
  readonly sentAt: number
  readonly ms: number
  readonly outcome: Outcome
  /** The node that answered; `undefined`: none did. */
  readonly node: string | undefined
}

/** The counts of one part of a run. */
export class Tally {
  readonly answers: Answer[] = []
  /** The first failures, as strings. */
  readonly failures: string[] = []
  /** Reads after a write of the same visitor to the same city, and those that did not show it. */
  ownReads = 0
  staleReads = 0
  onReplica = 0
  onPrimary = 0

  add(answer: Answer): void {
    this.answers.push(answer)
  }

  addReads({ onReplica, onPrimary }: ReadCounts): void {
    this.onReplica += onReplica
    this.onPrimary += onPrimary
  }
}
