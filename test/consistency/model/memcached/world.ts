import {
  certificateOf,
  fold,
  type LogTerms,
  type Losses,
  stampOf,
} from '../../../../packages/memcached/src/tag-log.ts'

/** The log of the epoch, and that of the only tag. */
export const TAGS = ['*', 'x'] as const
export type Tag = (typeof TAGS)[number]

/**
 * The server's clock stands still: a lease or a quarantine that has begun ends at a second to come, until a
 * step of the model replaces that second with the present one.
 */
export const NOW = 1
export const TERMS: LogTerms = { leaseS: 100, quarantineS: 200 }

const FAULTS = [
  /** A writer's process dies at any step. */
  'crash',
  /** A writer's lease expires while it works, and it notices that before its COMMIT. */
  'lapse',
  /** A writer is suspended between its check of the lease and its COMMIT. */
  'pause',
  /** The lease of a suspended writer expires. */
  'lapsePaused',
  /** The server restarts without its state. */
  'restart',
  /** One log is evicted, or deleted because a command for it found no memory. */
  'evict',
  /** END does not reach the server. */
  'endLost',
] as const
export type Fault = (typeof FAULTS)[number]

/**
 * Mistakes that the model must find.
 *
 * - `noQuarantine`: after a loss, tags are opened immediately.
 * - `tombstones`: a write deletes the stamp and sets a new one, without intents.
 * - `alwaysCertified`: a log that is missing was never there.
 * - `lateCertificate`: what the server has lost is read when the quarantine ends.
 * - `earlyLosses`: what the server has lost is read before the logs.
 * - `directStamps`: a missing log is replaced with a stamp, without a second look.
 * - `blindWrites`: a log is replaced even if it was changed meanwhile.
 * - `noRenewal`: a writer whose intent is gone does not announce it again.
 */
export const MISTAKES = [
  'noQuarantine',
  'tombstones',
  'alwaysCertified',
  'lateCertificate',
  'earlyLosses',
  'directStamps',
  'blindWrites',
  'noRenewal',
] as const
export type Mistake = (typeof MISTAKES)[number]

export interface Scenario {
  /** The tags that each writer modifies. */
  readonly writers: readonly (readonly Tag[])[]
  /** Number of reads of each reader. */
  readonly readers: readonly number[]
  readonly faults: Partial<Record<Fault, number>>
  /** Whether the tag was never used: it has no log. */
  readonly isFresh?: boolean
}

export interface Writer {
  step: 'idle' | 'begun' | 'paused' | 'committed' | 'ending' | 'acknowledging' | 'done' | 'dead'
  /** By its clock, its lease may have expired. */
  isLate: boolean
  version: number
}

interface Permit {
  epoch: string
  stamp: string
}

export interface Reader {
  step: 'idle' | 'asking' | 'looking' | 'asked' | 'reading' | 'filling'
  left: number
  /** The versions acknowledged, and seen, before the read began. */
  acknowledged: number
  seen: number
  permit: Permit | undefined
  value: number
  /** The logs as they were read while the tag is opened, and whether each was changed since. */
  texts: (string | null)[]
  isDirty: boolean[]
  lost: number | null
  writes: { tag: number; text: string }[]
  needsLosses: boolean
}

/** One state of the database, the server, writers and readers. It is plain data. */
export interface World {
  db: number
  acknowledged: number
  seen: number
  logs: (string | null)[]
  /** By log: the writers that renew their intents before its quarantine ends. */
  awaited: number[]
  /** Logs that the server counted as lost. */
  lost: number
  entry: { value: number; epoch: string; stamp: string } | null
  writers: Writer[]
  readers: Reader[]
  faults: Partial<Record<Fault, number>>
  stamps: number
}

export function initialWorld({ writers, readers, faults, isFresh = false }: Scenario): World {
  return {
    db: 0,
    acknowledged: 0,
    seen: 0,
    logs: [`V${certificateOf(lossesAt(0))};Ss1;`, isFresh ? null : 'Ss2;'],
    awaited: [0, 0],
    lost: 0,
    entry: null,
    writers: writers.map(() => ({ step: 'idle', isLate: false, version: 0 })),
    readers: readers.map((left) => idleReader(left)),
    faults: { ...faults },
    stamps: 2,
  }
}

export function idleReader(left: number): Reader {
  return {
    step: 'idle',
    left,
    acknowledged: 0,
    seen: 0,
    permit: undefined,
    value: 0,
    texts: [],
    isDirty: [],
    lost: null,
    writes: [],
    needsLosses: false,
  }
}

export function lossesAt(lost: number): Losses {
  return { lost, evictions: lost, stored: 0 }
}

/** The stamp of a log as every reader sees it. */
export function visible(world: World, tag: Tag): string | undefined {
  const text = world.logs[TAGS.indexOf(tag)]
  return text == null ? undefined : stampOf(fold(text))
}

export function newStamp(world: World): string {
  world.stamps += 1
  return `s${world.stamps}`
}

/** Every process that has read the log before cannot replace it anymore. */
export function setLog(world: World, at: number, text: string | null): void {
  world.logs[at] = text
  for (const reader of world.readers) if (reader.texts.length > 0) reader.isDirty[at] = true
  if (text === null) world.awaited[at] = 0
}

/** Identifies the world. Stamps are named by their first appearance, since only their equality matters. */
export function keyOf(world: World): string {
  const names = new Map<string, string>()
  const key = JSON.stringify({ ...world, stamps: 0 }).replace(/s\d+/g, (stamp) => {
    const known = names.get(stamp)
    if (known !== undefined) return known
    const name = `s${names.size + 1}`
    names.set(stamp, name)
    return name
  })
  return key.replace('"stamps":0', `"stamps":${names.size}`)
}
