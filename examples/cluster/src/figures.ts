import type { StepResult } from './run-steps.ts'
import type { Answer } from './tally.ts'

export const NODE_NAMES = ['node-1', 'node-2', 'node-3'] as const

/** The figures of one step. */
export interface Figures {
  readonly name: string
  readonly requests: number
  /** Requests without a response, or with a server error. */
  readonly failed: number
  /** POSTs in flight on a node that crashed or hung. */
  readonly lostPosts: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** The share of the responses of each node. */
  readonly nodes: Readonly<Record<string, number>>
  /** The share of the reads on the replica. */
  readonly replicaShare: number
  readonly ownReads: number
  readonly staleReads: number
  readonly usedAgainMs: number | null
}

export function figuresOf({ name, tally, usedAgainMs }: StepResult): Figures {
  const { answers, ownReads, staleReads, onReplica, onPrimary } = tally
  const times = answers.map(({ ms }) => ms).sort((a, b) => a - b)
  const countOf = (is: (answer: Answer) => boolean) => answers.filter(is).length
  const answered = countOf(({ node }) => node !== undefined)
  return {
    name,
    requests: answers.length,
    failed: countOf(({ outcome }) => outcome === 'failed'),
    lostPosts: countOf(({ outcome }) => outcome === 'lost'),
    p50Ms: tenth(percentile(times, 0.5)),
    p99Ms: tenth(percentile(times, 0.99)),
    nodes: Object.fromEntries(
      NODE_NAMES.map((one) => [
        one,
        share(
          countOf(({ node }) => node === one),
          answered,
        ),
      ]),
    ),
    replicaShare: share(onReplica, onReplica + onPrimary),
    ownReads,
    staleReads,
    usedAgainMs: usedAgainMs === undefined ? null : tenth(usedAgainMs),
  }
}

function percentile(ascending: readonly number[], part: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * part))] ?? 0
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 1_000) / 1_000
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10
}
