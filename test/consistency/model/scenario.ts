import type { Protocol, Rule } from './rules.ts'

export const FAULTS = [
  /** A writer's process dies, wherever it is. */
  'crash',
  /** A writer's lease runs out while it works. */
  'lapse',
  /** A writer stops between its check of the lease and its COMMIT. */
  'pause',
  /** The lease of a stopped writer runs out. */
  'lapsePaused',
  /** A writer stops there for longer than a quarantine lasts. */
  'longPause',
  'flush',
  'evictStamp',
  'evictIntent',
  /** Redis comes back with the state of an earlier snapshot, under another replication id. */
  'restore',
  /** END does not reach Redis. */
  'endLost',
  /** The connection is lost in COMMIT; the server carries it out later or never. */
  'unknownCommit',
] as const
export type Fault = (typeof FAULTS)[number]

/** The tag whose stamp is the epoch: every entry bears it. */
export const EVERY = '*'

interface Tagged {
  readonly tags: readonly string[]
  /** The tags that it has instead while a rule of the vocabulary of tags is off. */
  readonly without?: Partial<Record<Rule, readonly string[]>>
}

export interface Read extends Tagged {
  readonly key: string
  /** The rows whose versions the answer shows. */
  readonly rows: readonly string[]
  readonly fromReplica?: boolean
}

export interface ReaderPlan {
  readonly reads: readonly Read[]
  /** May join this reader's flights. */
  readonly joins?: number
  /** Its first read was asked ahead. */
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
