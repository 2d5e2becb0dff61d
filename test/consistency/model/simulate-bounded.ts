import { Random } from '../../support/random.ts'
import type { BoundedFaults, BoundedProtocol } from './bounded-protocol.ts'
import { EventQueue } from './event-queue.ts'

const PROCESSES = 3
const KEYS = 6
const LEASE_MS = 3_000
const PING_MS = 250
/** Maximum lifetime of an entry. */
const ENTRY_MS = 10_000
/** The share of reads for which memory has evicted its copy. */
const EVICTED = 0.02
const NEVER = Number.NEGATIVE_INFINITY

export interface Simulation {
  readonly reads: number
  readonly fromMemory: number
  readonly fromRedis: number
  /** The number of these reads that accepted an entry because of a noted stamp. */
  readonly byNotedStamp: number
  /** The number of these reads that received a message about a write to their key before they returned. */
  readonly overtaken: number
  /** Entries that were filled under a noted stamp. */
  readonly filledByNote: number
  readonly writes: number
  /** Reads that began more than the bound after something newer was acknowledged. */
  readonly tooStale: number
  /** Reads that began more than the bound after something newer was committed, acknowledged or not. */
  readonly tooStaleSinceCommit: number
  /** The longest time between an acknowledgement and the start of a read that did not show it. */
  readonly worstMs: number
}

interface Copy {
  readonly version: number
  readonly mark: number
}

interface Process {
  readonly copies: Map<number, Copy>
  /** By key: the generation, or the last received stamp. */
  readonly marks: Map<number, number>
  /** By key: the last stamp that was read, with its generation. */
  readonly noted: Map<number, { readonly stamp: number; readonly mark: number }>
  trustedSince: number
  isConnected: boolean
  connection: number
  /** When the last message on the connection arrives: none overtakes another. */
  arrivesAt: number
  stopsUntil: number
}

interface Moment {
  readonly version: number
  readonly at: number
}

/**
 * Runs reads and writes of several processes in virtual time, with faults, and returns how stale reads were.
 */
export function simulateBounded(
  protocol: BoundedProtocol,
  faults: BoundedFaults,
  seed: number,
  { durationMs = 60_000, maxStalenessMs = 1_000 } = {},
): Simulation {
  const random = new Random(seed)
  const events = new EventQueue()
  const database = keys(() => 0)
  const stamps = keys<number | undefined>(() => undefined)
  const entries = keys<{ readonly version: number; readonly stamp: number } | undefined>(() => undefined)
  const intents = keys(() => new Map<number, number>())
  const committed = keys((): Moment[] => [])
  const acknowledged = keys((): Moment[] => [])
  const counts = {
    reads: 0,
    fromMemory: 0,
    fromRedis: 0,
    byNotedStamp: 0,
    overtaken: 0,
    filledByNote: 0,
    writes: 0,
    tooStale: 0,
    tooStaleSinceCommit: 0,
    worstMs: 0,
  }
  let lastMark = 0
  let lastWriter = 0
  const processes = Array.from(
    { length: PROCESSES },
    (): Process => ({
      copies: new Map(),
      marks: new Map(),
      noted: new Map(),
      trustedSince: NEVER,
      isConnected: true,
      connection: 0,
      arrivesAt: 0,
      stopsUntil: 0,
    }),
  )

  const network = () => 0.1 + random.next() * 0.6 + (random.chance(0.01) ? random.next() * 40 : 0)
  const inProcess = (process: Process, ms: number, run: () => void) =>
    events.after(ms, run, () => process.stopsUntil)
  const hasIntent = (key: number) => [...at(intents, key).values()].some((deadline) => deadline > events.now)
  const generation = (process: Process, key: number) => {
    const known = process.marks.get(key)
    if (known !== undefined) return known
    process.marks.set(key, ++lastMark)
    return lastMark
  }
  const raise = (process: Process, key: number) => process.marks.set(key, ++lastMark)
  const isTrusted = (process: Process) => events.now - process.trustedSince <= maxStalenessMs

  function deliver(process: Process, receive: () => void): void {
    if (!process.isConnected) return
    const { connection } = process
    const stall = random.chance(faults.stalls) ? 500 + random.next() * 4_000 : 0
    process.arrivesAt = Math.max(process.arrivesAt, events.now + network() + stall)
    inProcess(process, process.arrivesAt - events.now, () => {
      if (process.connection === connection) receive()
    })
  }

  function publish(key: number, stamp: number | undefined): void {
    for (const process of processes) {
      deliver(process, () => {
        if (protocol.message === 'raises') raise(process, key)
        else if (stamp !== undefined && process.marks.has(key)) process.marks.set(key, stamp)
      })
    }
  }

  function judge(key: number, version: number, began: number): void {
    counts.reads += 1
    const sinceAcknowledged = staleFor(at(acknowledged, key), version, began)
    counts.worstMs = Math.max(counts.worstMs, sinceAcknowledged)
    if (sinceAcknowledged > maxStalenessMs) counts.tooStale += 1
    if (staleFor(at(committed, key), version, began) > maxStalenessMs) counts.tooStaleSinceCommit += 1
  }

  function keep(
    process: Process,
    key: number,
    version: number,
    stamp: number,
    watched: number | undefined,
  ): void {
    if (protocol.message === 'sets') {
      process.marks.set(key, stamp)
      process.copies.set(key, { version, mark: stamp })
      return
    }
    const mark = watched ?? generation(process, key)
    if (generation(process, key) === mark) process.copies.set(key, { version, mark })
  }

  function read(process: Process): void {
    const key = random.below(KEYS)
    const began = events.now
    const copy = random.chance(EVICTED) ? undefined : process.copies.get(key)
    if (copy !== undefined && isTrusted(process) && process.marks.get(key) === copy.mark) {
      counts.fromMemory += 1
      judge(key, copy.version, began)
      return
    }
    const stamp = notedStamp(process, key)
    if (stamp === undefined) look(process, key, began)
    else readEntry(process, key, began, stamp)
  }

  /** The stamp that an entry must have to be accepted on its own. */
  function notedStamp(process: Process, key: number): number | undefined {
    const noted = process.noted.get(key)
    if (noted === undefined || !isTrusted(process)) return undefined
    return !protocol.stampedAt || noted.mark === generation(process, key) ? noted.stamp : undefined
  }

  function note(process: Process, key: number, stamp: number | undefined, watched: number | undefined): void {
    if (stamp === undefined || !protocol.notesStamps || watched === undefined) return
    if (generation(process, key) === watched) process.noted.set(key, { stamp, mark: watched })
  }

  /** Reads an entry without its stamp. */
  function readEntry(process: Process, key: number, began: number, stamp: number): void {
    const watched = generation(process, key)
    events.after(network(), () => {
      const entry = entries[key]
      inProcess(process, network(), () => {
        const isCurrent = generation(process, key) === watched
        if (entry?.stamp === stamp && (isCurrent || !protocol.currentAtReply)) {
          counts.fromRedis += 1
          counts.byNotedStamp += 1
          if (!isCurrent) counts.overtaken += 1
          keep(process, key, entry.version, stamp, watched)
          judge(key, entry.version, began)
        } else if (entry === undefined && isCurrent) {
          counts.filledByNote += 1
          load(process, key, began, stamp, watched)
        } else look(process, key, began)
      })
    })
  }

  /** Reads an entry with its stamp. */
  function look(process: Process, key: number, began: number): void {
    const watched = protocol.watchesFirst ? generation(process, key) : undefined
    events.after(network(), () => {
      const entry = entries[key]
      const isLocked = hasIntent(key)
      const isHit = entry !== undefined && entry.stamp === stamps[key]
      if (!isHit && stamps[key] === undefined && !isLocked) stamps[key] = ++lastMark
      const stamp = stamps[key]
      inProcess(process, network(), () => {
        note(process, key, stamp, watched)
        if (isHit) {
          counts.fromRedis += 1
          keep(process, key, entry.version, entry.stamp, watched)
          judge(key, entry.version, began)
        } else load(process, key, began, isLocked ? undefined : stamp, watched)
      })
    })
  }

  function load(
    process: Process,
    key: number,
    began: number,
    stamp: number | undefined,
    watched: number | undefined,
  ): void {
    events.after(network() + random.next() * 3, () => {
      const version = at(database, key)
      inProcess(process, network() + (random.chance(0.02) ? random.next() * 300 : 0), () => {
        judge(key, version, began)
        if (stamp === undefined) return
        events.after(network(), () => {
          const entry = { version, stamp }
          entries[key] = entry
          events.after(random.next() * ENTRY_MS, () => {
            if (entries[key] === entry) entries[key] = undefined
          })
        })
        keep(process, key, version, stamp, watched)
      })
    })
  }

  function write(process: Process): void {
    const key = random.below(KEYS)
    const writer = ++lastWriter
    let version = 0
    const drop = () => (protocol.message === 'sets' ? process.marks.delete(key) : raise(process, key))
    const steps: readonly (readonly [() => number, 'here' | 'there', () => boolean])[] = [
      [
        network,
        'there',
        () => {
          at(intents, key).set(writer, events.now + LEASE_MS)
          if (protocol.beginDestroys) stamps[key] = undefined
          if (protocol.publishes === 'begin') publish(key, undefined)
          return true
        },
      ],
      [network, 'here', () => drop() !== undefined],
      [
        () => network() + random.next() * 2,
        'here',
        () => {
          version = at(database, key) + 1
          database[key] = version
          at(committed, key).push({ version, at: events.now })
          return !random.chance(faults.deaths)
        },
      ],
      // Acknowledged before END, which is sent in the background.
      [
        network,
        'here',
        () => {
          counts.writes += 1
          at(acknowledged, key).push({ version, at: events.now })
          return true
        },
      ],
      [
        network,
        'there',
        () => {
          at(intents, key).delete(writer)
          stamps[key] = hasIntent(key) ? undefined : ++lastMark
          if (protocol.publishes === 'end') publish(key, stamps[key])
          return true
        },
      ],
      [
        network,
        'here',
        () => {
          drop()
          return true
        },
      ],
    ]
    const run = (index: number) => {
      const step = steps[index]
      if (step === undefined) return
      const [delay, where, act] = step
      const next = () => {
        if (act()) run(index + 1)
      }
      if (where === 'here') inProcess(process, delay(), next)
      else events.after(delay(), next)
    }
    run(0)
  }

  function begin(process: Process): void {
    const repeat = (first: number, pause: () => number, act: () => void) => {
      const turn = () => {
        act()
        inProcess(process, pause(), turn)
      }
      inProcess(process, first, turn)
    }
    repeat(
      random.next() * 5,
      () => 1 + random.next() * 4,
      () => read(process),
    )
    repeat(
      random.next() * 100,
      () => 50 + random.next() * 400,
      () => write(process),
    )
    if (protocol.trustedSince === 'ping-sent')
      repeat(
        1,
        () => PING_MS,
        () => ping(process),
      )
    if (faults.pauses) events.after(random.next() * 5_000, () => pause(process))
    if (faults.cuts) events.after(random.next() * 6_000, () => cut(process))
  }

  function ping(process: Process): void {
    const sent = events.now
    if (!process.isConnected) return
    events.after(network(), () => {
      deliver(process, () => {
        process.trustedSince = Math.max(process.trustedSince, sent)
      })
    })
  }

  function beat(): void {
    for (const process of processes) {
      deliver(process, () => {
        process.trustedSince = events.now
      })
    }
    events.after(PING_MS, beat)
  }

  function pause(process: Process): void {
    process.stopsUntil = events.now + 300 + random.next() * 2_500
    events.after(4_000 + random.next() * 6_000, () => pause(process))
  }

  function cut(process: Process): void {
    process.isConnected = false
    process.connection += 1
    events.after(random.chance(0.5) ? 100 + random.next() * 600 : random.next() * 4_000, () => {
      process.isConnected = true
      if (!protocol.flushesOnReconnect) return
      process.copies.clear()
      process.trustedSince = NEVER
      for (const key of process.marks.keys()) raise(process, key)
    })
    events.after(6_000 + random.next() * 6_000, () => cut(process))
  }

  processes.forEach(begin)
  if (protocol.trustedSince === 'heartbeat-heard') beat()
  events.runUntil(durationMs)
  return counts
}

function keys<T>(create: () => T): T[] {
  return Array.from({ length: KEYS }, create)
}

function at<T>(items: readonly T[], key: number): T {
  return items[key] as T
}

/** Milliseconds from the first newer version to the start of the read; 0 if there was none by then. */
function staleFor(moments: readonly Moment[], version: number, began: number): number {
  const newer = moments.find((moment) => moment.version > version)
  return newer === undefined ? 0 : Math.max(0, began - newer.at)
}
