import type { Protocol, Rule } from './rules.ts'

export const FAULTS = [
  /** A writer's process dies at any step. */
  'crash',
  /** A writer's lease expires while it works. */
  'lapse',
  /** A writer is suspended between its check of the lease and its COMMIT. */
  'pause',
  /** The lease of a suspended writer expires. */
  'lapsePaused',
  /** A writer is suspended there for longer than a quarantine. */
  'longPause',
  'flush',
  'evictStamp',
  'evictIntent',
  /** Redis restarts with the state of an earlier snapshot, under another replication id. */
  'restore',
  /** END does not reach Redis. */
  'endLost',
  /** The connection is lost in COMMIT; the server executes it later or never. */
  'unknownCommit',
] as const
export type Fault = (typeof FAULTS)[number]

/** The tag whose stamp is the epoch: every entry has it. */
export const EVERY = '*'

interface Tagged {
  readonly tags: readonly string[]
  /** The tags that it has instead if a rule about the vocabulary of tags is disabled. */
  readonly without?: Partial<Record<Rule, readonly string[]>>
}

export interface Read extends Tagged {
  readonly key: string
  /** The rows whose versions the result shows. */
  readonly rows: readonly string[]
  readonly fromReplica?: boolean
}

export interface ReaderPlan {
  readonly reads: readonly Read[]
  /** May join this reader's flights. */
  readonly joins?: number
  /** Its first read was prefetched. */
  readonly prefetches?: boolean
}

export interface WriterPlan extends Tagged {
  /** The rows whose versions it raises by one. */
  readonly rows: readonly string[]
  readonly rollsBack?: boolean
}

export interface Scenario {
  readonly rows: readonly string[]
  readonly tags: readonly string[]
  readonly writers: readonly WriterPlan[]
  readonly readers: readonly ReaderPlan[]
  readonly faults: Partial<Record<Fault, number>>
  readonly hasReplica?: boolean
}

export function tagsUnder({ tags, without }: Tagged, rules: Protocol): readonly string[] {
  for (const [rule, others] of Object.entries(without ?? {})) if (!rules[rule as Rule]) return others
  return tags
}
