import type { Protocol } from './rules.ts'
import { EVERY, FAULTS, type Scenario, tagsUnder } from './scenario.ts'

interface PlannedWriter {
  readonly rows: readonly number[]
  readonly tags: readonly number[]
  readonly rollsBack: boolean
}

export interface PlannedRead {
  readonly key: number
  readonly rows: readonly number[]
  readonly tags: readonly number[]
  readonly fromReplica: boolean
}

interface PlannedReader {
  readonly reads: readonly PlannedRead[]
  readonly joins: number | undefined
  readonly prefetches: boolean
}

/** Offsets of the parts of a world in its cells. */
interface Offsets {
  readonly db: number
  readonly replica: number
  readonly acknowledged: number
  readonly seen: number
  /** The state of Redis begins here: stamps, the server of the epoch, quarantine, intents, entries. */
  readonly stamp: number
  readonly epochServer: number
  readonly quarantine: number
  readonly intent: number
  /** The server that a writer's intent on everything was declared on. */
  readonly intentServer: number
  readonly entry: number
  readonly server: number
  /** A copy of the state of Redis. */
  readonly snapshot: number
  readonly hasSnapshot: number
  readonly fault: number
  readonly writer: number
  readonly reader: number
  readonly nextStamp: number
  readonly size: number
}

/** A scenario under a protocol, in numbers. */
export interface Plan {
  readonly protocol: Protocol
  readonly hasReplica: boolean
  readonly rows: readonly string[]
  /** Tags, with the tag of everything last. */
  readonly tags: readonly string[]
  readonly every: number
  readonly keys: readonly PlannedRead[]
  readonly writers: readonly PlannedWriter[]
  readonly readers: readonly PlannedReader[]
  readonly faults: readonly number[]
  readonly at: Offsets
  readonly entrySize: number
  readonly writerSize: number
  readonly readerSize: number
  /** The cells that contain stamps: only whether they are equal matters. */
  readonly stampCells: readonly number[]
}

/**
 * Within a writer: its step, then these, then the versions that it wrote. `unsure`: by its clock, its intent
 * may be gone.
 */
export const WRITER = { step: 0, late: 1, inFlight: 2, unsure: 3, versions: 4 } as const
/** Within a reader: its step, then these, then floors, stamps and values. */
export const READER = { step: 0, read: 1, keeps: 2, ahead: 3, floors: 4 } as const

export function planOf(scenario: Scenario, protocol: Protocol): Plan {
  const tags = [...scenario.tags, EVERY]
  const indexes = (names: readonly string[], among: readonly string[]) =>
    names.map((name) => {
      const index = among.indexOf(name)
      if (index < 0) throw new Error(`Expected "${name}" among ${among.join(', ')}.`)
      return index
    })
  const keyNames = [...new Set(scenario.readers.flatMap(({ reads }) => reads.map(({ key }) => key)))]
  const readers = scenario.readers.map(
    ({ reads, joins, prefetches }): PlannedReader => ({
      reads: reads.map((read) => ({
        key: keyNames.indexOf(read.key),
        rows: indexes(read.rows, scenario.rows),
        tags: indexes(tagsUnder(read, protocol), tags),
        fromReplica: read.fromReplica ?? false,
      })),
      joins,
      prefetches: prefetches ?? false,
    }),
  )
  const keys = keyNames.map(
    (_, key) => readers.flatMap(({ reads }) => reads).find((read) => read.key === key) as PlannedRead,
  )
  const writers = scenario.writers.map((writer) => ({
    rows: indexes(writer.rows, scenario.rows),
    tags: indexes(tagsUnder(writer, protocol), tags),
    rollsBack: writer.rollsBack ?? false,
  }))
  const rows = scenario.rows.length
  const entrySize = 1 + rows + tags.length
  const writerSize = WRITER.versions + rows
  const readerSize = READER.floors + 3 * rows + tags.length
  let size = 0
  const take = (cells: number) => {
    size += cells
    return size - cells
  }
  const redisAt = { stamp: 0, epochServer: 0, quarantine: 0, intent: 0, intentServer: 0, entry: 0 }
  const head = { db: take(rows), replica: take(rows), acknowledged: take(rows), seen: take(rows) }
  redisAt.stamp = take(tags.length)
  redisAt.epochServer = take(1)
  redisAt.quarantine = take(1)
  redisAt.intent = take(tags.length * writers.length)
  redisAt.intentServer = take(writers.length)
  redisAt.entry = take(keys.length * entrySize)
  const server = take(1)
  const at: Offsets = {
    ...head,
    ...redisAt,
    server,
    snapshot: take(scenario.faults.restore === undefined ? 0 : server - redisAt.stamp),
    hasSnapshot: take(1),
    fault: take(FAULTS.length),
    writer: take(writers.length * writerSize),
    reader: take(readers.length * readerSize),
    nextStamp: take(1),
    size,
  }
  const stampCells: number[] = []
  const stampsAt = (cell: number) => stampCells.push(...tags.map((_, tag) => cell + tag))
  stampsAt(at.stamp)
  for (const key of keys.keys()) stampsAt(at.entry + key * entrySize + 1 + rows)
  if (scenario.faults.restore !== undefined) {
    stampsAt(at.snapshot)
    for (const key of keys.keys()) stampsAt(at.snapshot + at.entry - at.stamp + key * entrySize + 1 + rows)
  }
  for (const reader of readers.keys()) stampsAt(at.reader + reader * readerSize + READER.floors + 3 * rows)
  return {
    protocol,
    hasReplica: scenario.hasReplica ?? false,
    rows: scenario.rows,
    tags,
    every: tags.length - 1,
    keys,
    writers,
    readers,
    faults: FAULTS.map((fault) => scenario.faults[fault] ?? 0),
    at: { ...at, size },
    entrySize,
    writerSize,
    readerSize,
    stampCells,
  }
}
