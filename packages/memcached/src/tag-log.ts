import { EVERY_TAG, type Stamps } from '@sluice/core/stores'
import type { MetaReply } from './reply-parser.ts'

/**
 * Statistics of a server that increase when it drops an item that has not expired. `store_no_memory`: a
 * command that finds no memory also deletes the item that it was for.
 */
const LOSSES = [
  'evictions',
  'store_no_memory',
  'slab_reassign_evictions_nomem',
  'slab_reassign_busy_deletes',
  'extstore_objects_evicted',
  'cmd_flush',
] as const

/** Losses of a server since it started. */
export interface Losses {
  readonly lost: number
  readonly evictions: number
  /** Number of items that were stored. Only `stats reset` decreases it. */
  readonly stored: number
}

/** Reads the reply to `stats`. */
export function lossesOf({ flags }: MetaReply): Losses {
  const count = (name: string): number => Number(flags[name] ?? 0)
  return {
    lost: LOSSES.reduce((sum, name) => sum + count(name), 0),
    evictions: count('evictions'),
    stored: count('total_items'),
  }
}

export function certificateOf({ lost, stored }: Losses): string {
  return `${lost}.${stored}`
}

/**
 * Whether a server has lost nothing since a certificate was written. An item that is missing was then never
 * stored.
 */
export function certifies(certificate: string | undefined, { lost, stored }: Losses): boolean {
  if (certificate === undefined) return false
  const [before, storedBefore] = certificate.split('.').map(Number)
  return lost === before && stored >= (storedBefore as number)
}

/**
 * The state of a tag is a log, to which writers append. Each record ends with `;`:
 *
 * - `V<certificate>`: what the server had lost when the log's quarantine began. In the log of the epoch only.
 * - `S<stamp>`: from here on, every writer is known. The stamp may be empty.
 * - `Q<second>`: writers may be unknown until that second of the server's clock.
 * - `G<generation>`: entries of other generations are deleted. In the log of the epoch only.
 * - `b<token>` or `b<token>=<second>`: an intent, and when it expires. The first process that reads an intent
 *   without an end adds it.
 * - `e<token>:<stamp>`: the end of a write.
 *
 * A log without `S` or `Q` begins with a loss, or with the first write: whether writers are missing is
 * unknown.
 */
export interface TagLog {
  /** `until`: a quarantine, and the second at which it ends. */
  readonly base: 'unknown' | 'certain' | { readonly until: number }
  /** When each intent expires, by token; `undefined`: no process has read it yet. */
  readonly intents: ReadonlyMap<string, number | undefined>
  /** The stamp of the last record, if that is a base or the end of a known intent. */
  readonly last: string | undefined
  readonly certificate: string | undefined
  readonly generation: string | undefined
}

/** Durations in seconds of the server's clock. */
export interface LogTerms {
  readonly leaseS: number
  readonly quarantineS: number
}

const NO_INTENTS: ReadonlyMap<string, number | undefined> = new Map()
const BASE = 'S'.charCodeAt(0)

/** Reads a log. Time has no effect: an expired intent closes the tag until it is removed. */
export function fold(text: string): TagLog {
  // A tag without writes since it was opened, as most are.
  if (text.charCodeAt(0) === BASE && text.indexOf(';') === text.length - 1 && text.length > 2)
    return {
      base: 'certain',
      intents: NO_INTENTS,
      last: text.slice(1, -1),
      certificate: undefined,
      generation: undefined,
    }
  let base: TagLog['base'] = 'unknown'
  let last: string | undefined
  let certificate: string | undefined
  let generation: string | undefined
  const intents = new Map<string, number | undefined>()
  let from = 0
  for (let end = text.indexOf(';'); end >= 0; from = end + 1, end = text.indexOf(';', from)) {
    const rest = text.slice(from + 1, end)
    switch (text[from]) {
      case 'V':
        certificate = rest
        break
      case 'G':
        generation = rest
        break
      case 'S':
        base = 'certain'
        last = rest === '' ? undefined : rest
        intents.clear()
        break
      case 'Q':
        base = { until: Number(rest) }
        last = undefined
        break
      case 'b': {
        const equals = rest.indexOf('=')
        if (equals < 0) intents.set(rest, undefined)
        else intents.set(rest.slice(0, equals), Number(rest.slice(equals + 1)))
        last = undefined
        break
      }
      case 'e': {
        const colon = rest.indexOf(':')
        last = intents.delete(rest.slice(0, colon)) ? rest.slice(colon + 1) : undefined
        break
      }
    }
  }
  return { base, intents, last, certificate, generation }
}

/** The stamp of a tag; `undefined`: it is closed. */
export function stampOf({ base, intents, last }: TagLog): string | undefined {
  return base === 'certain' && intents.size === 0 ? last : undefined
}

/**
 * The log at a second of the server's clock: without expired intents, and without a quarantine that ended.
 */
function settled(log: TagLog, now: number): TagLog {
  const isOver = typeof log.base === 'object' && now >= log.base.until
  const live = [...log.intents].filter(([, until]) => until === undefined || now < until)
  if (!isOver && live.length === log.intents.size) return log
  return { ...log, base: isOver ? 'certain' : log.base, intents: new Map(live) }
}

/** Lets the leases of intents that no process had read begin at `now`. */
function withEnds(log: TagLog, now: number, { leaseS }: LogTerms): TagLog {
  const intents = new Map([...log.intents].map(([token, until]) => [token, until ?? now + leaseS]))
  return { ...log, intents }
}

/** The shortest text with the same meaning. */
export function textOf({ base, intents, last, certificate, generation }: TagLog): string {
  let text = certificate === undefined ? '' : `V${certificate};`
  if (generation !== undefined) text += `G${generation};`
  if (base === 'certain') text += `S${intents.size === 0 ? (last ?? '') : ''};`
  else if (base !== 'unknown') text += `Q${base.until};`
  for (const [token, until] of intents) text += `b${token}${until === undefined ? '' : `=${until}`};`
  return text
}

/** The log without finished writes and expired intents. */
export function compact(text: string, now: number): string {
  return textOf(settled(fold(text), now))
}

/** The action of a process on a log, to open its tag. */
export interface OpeningStep {
  /** The text that the log must be replaced with, if it is unchanged; `undefined`: none. */
  readonly text: string | undefined
  /** Whether the tag is open then. Otherwise, a writer or a quarantine keeps it closed. */
  readonly opens: boolean
}

/**
 * The next step to open a tag.
 *
 * @param now - The second of the server's clock at which the log was read.
 * @param isCertified - Whether the server has lost nothing that could have been in the log. Matters only if
 * the log has no base.
 * @param stamp - A new stamp.
 */
export function openingStep(
  log: TagLog,
  now: number,
  isCertified: boolean,
  stamp: string,
  terms: LogTerms,
): OpeningStep {
  if (stampOf(log) !== undefined) return { text: undefined, opens: true }
  const begun: TagLog['base'] = isCertified ? 'certain' : { until: now + terms.quarantineS }
  const known = settled(log.base === 'unknown' ? { ...log, base: begun } : log, now)
  const opens = known.base === 'certain' && known.intents.size === 0
  // A new stamp, even if a write ended with a stamp while another intent was alive.
  const next = opens ? { ...known, last: stamp } : withEnds(known, now, terms)
  const text = textOf(next)
  return { text: opens || text !== textOf(log) ? text : undefined, opens }
}

/** A log as it was read. */
export interface SeenLog {
  readonly tag: string
  /** `undefined`: there is no such log. */
  readonly text: string | undefined
  readonly log: TagLog
  /** The second of the server's clock. */
  readonly now: number
}

/** The state that a process has read, to open tags. */
export interface Look<Seen extends SeenLog> {
  /** The log of the epoch, and then those of the tags. */
  readonly seen: readonly [Seen, ...Seen[]]
  /** The losses of the server, read after the logs; `undefined`: not read. */
  readonly losses: Losses | undefined
}

/** The next actions of the process. */
export interface OpeningPlan<Seen extends SeenLog> {
  /** Logs to replace, if they are unchanged. */
  readonly writes: readonly { readonly seen: Seen; readonly text: string }[]
  /** Whether the next look must include the losses. */
  readonly needsLosses: boolean
  /** The stamps of all tags. Final if there is nothing to do. */
  readonly stamps: Stamps | undefined
}

/**
 * Plans how to open tags after a look. The logs must then be read again, until there is nothing to do.
 *
 * @param tags - In the order of the stamps to return.
 * @param newStamp - Creates a stamp.
 */
export function planOpening<Seen extends SeenLog>(
  { seen, losses }: Look<Seen>,
  tags: readonly string[],
  newStamp: () => string,
  terms: LogTerms,
): OpeningPlan<Seen> {
  const [epoch, ...others] = seen
  if (epoch.log.certificate === undefined) {
    // Before the quarantine begins, so that it covers all losses during it.
    if (losses === undefined) return { writes: [], needsLosses: true, stamps: undefined }
    const text = textOf({ ...epoch.log, certificate: certificateOf(losses) })
    return { writes: [{ seen: epoch, text }], needsLosses: false, stamps: undefined }
  }
  const writes: { readonly seen: Seen; readonly text: string }[] = []
  const step = openingStep(epoch.log, epoch.now, false, newStamp(), terms)
  if (step.text !== undefined) writes.push({ seen: epoch, text: step.text })
  if (!step.opens) return { writes, needsLosses: false, stamps: undefined }
  const isCertified = certifiedBy(epoch.log, losses)
  const stamps = new Map([[EVERY_TAG, stampOf(epoch.log)]])
  let needsLosses = false
  for (const one of others) {
    stamps.set(one.tag, stampOf(one.log))
    if (one.text === undefined) {
      // An empty log first: if it is unchanged at the next look, nothing happened since.
      writes.push({ seen: one, text: '' })
      needsLosses = true
    } else if (one.log.base === 'unknown' && (losses === undefined || epoch.log.base !== 'certain')) {
      needsLosses = true
    } else {
      const { text } = openingStep(one.log, one.now, isCertified, newStamp(), terms)
      if (text !== undefined) writes.push({ seen: one, text })
    }
  }
  const current = stamps.get(EVERY_TAG)
  const ofTags = tags.map((tag) => stamps.get(tag))
  const isOpen = current !== undefined && !ofTags.includes(undefined)
  return {
    writes,
    needsLosses,
    stamps: isOpen ? { epoch: current, stamps: ofTags as string[] } : undefined,
  }
}

/** Whether the server has lost no log since the quarantine of this epoch began. */
export function certifiedBy(epoch: TagLog, losses: Losses | undefined): boolean {
  return epoch.base === 'certain' && losses !== undefined && certifies(epoch.certificate, losses)
}
