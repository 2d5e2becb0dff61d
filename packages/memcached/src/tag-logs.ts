import { randomToken } from '@sluice/core/siblings'
import { EVERY_TAG, type Stamps } from '@sluice/core/stores'
import type { Keys } from './keys.ts'
import type { MetaClient } from './meta-client.ts'
import type { MetaReply } from './reply-parser.ts'
import {
  certifiedBy,
  compact,
  fold,
  type LogTerms,
  type Look,
  type Losses,
  lossesOf,
  openingStep,
  planOpening,
  type SeenLog,
  stampOf,
  textOf,
} from './tag-log.ts'

/**
 * When every log expires, in seconds since 1970: the largest time that Memcached accepts. A log's remaining
 * time shows the server's clock. The constant must change before 2038.
 */
export const NEVER = 2_147_483_647
/** An opening takes up to four round trips; more only if other processes change the same logs. */
const MAX_TRIES = 8
/**
 * A longer log is compacted if that makes it half as long: otherwise, many writers would compact each time.
 */
const COMPACT_FROM = 400
/**
 * Above this size of a log, writers wait until it is compacted: while they do not pause, each attempt is
 * overtaken. Memcached rejects a log of more than 1 MB, and then all writes.
 */
const MAX_BYTES = 4_096
const EMPTY = fold('')

/** The server did what it could: it is not unavailable. */
export class ServerReplyError extends Error {
  constructor(reply: MetaReply) {
    super(`it replied "${reply.text}".`)
  }
}

interface Seen extends SeenLog {
  readonly cas: string
}

/** Logs, and the connection on which they were read. */
interface Read {
  readonly seen: readonly Seen[]
  readonly losses: Losses | undefined
  readonly link: number
}

/** Operations that modify the state of tags. */
export class TagLogs {
  readonly #compacting = new Set<string>()
  readonly #shrinking = new Map<string, Promise<void>>()
  /** For logs that are long without finished writes: the size at which they are read again. */
  readonly #limits = new Map<string, number>()

  constructor(
    private readonly server: MetaClient,
    private readonly keys: Keys,
    private readonly terms: LogTerms,
    /** Called with the losses of the server, whenever they are read. */
    private readonly onLosses: (losses: Losses) => void,
  ) {}

  async open(tags: readonly string[]): Promise<Stamps | undefined> {
    const names = [...new Set([EVERY_TAG, ...tags])]
    let writes: readonly string[] = []
    let needsLosses = false
    let link: number | undefined
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const read = await this.#read(names, writes, needsLosses, link)
      const { seen, losses } = read as Read & Look<Seen>
      const plan = planOpening({ seen, losses }, tags, randomToken, this.terms)
      if (plan.writes.length === 0 && !plan.needsLosses) return plan.stamps
      writes = plan.writes.map(({ seen: one, text }) => this.#replace(one, text))
      needsLosses = plan.needsLosses
      link = read.link
    }
    return undefined
  }

  async begin(tags: readonly string[], token: string): Promise<void> {
    const unique = [...new Set(tags)]
    const record = `b${safe(token)};`
    const commands = unique.map((tag) => this.#append(tag, record, `N${NEVER} s`))
    const replies = await this.server.send([commands.join('')], unique.length)
    const long: string[] = []
    for (const [at, reply] of replies.entries()) {
      if (reply.code !== 'HD') throw new ServerReplyError(reply)
      const tag = unique[at] as string
      if (Number(reply.flags.s) > (this.#limits.get(tag) ?? MAX_BYTES)) long.push(tag)
    }
    if (long.length > 0) await Promise.all(long.map((tag) => this.#shrink(tag)))
  }

  /** A renewal that another change overtakes counts as missing: to begin again restarts the lease, too. */
  async renew(tags: readonly string[], token: string): Promise<boolean> {
    const own = safe(token)
    const { seen, link } = await this.#read(tags, [], false)
    const writes: string[] = []
    let isHeld = true
    for (const one of seen) {
      const until = one.log.intents.get(own)
      if (!one.log.intents.has(own) || (until !== undefined && one.now >= until)) isHeld = false
      else if (until !== undefined) {
        const intents = new Map(one.log.intents).set(own, undefined)
        writes.push(this.#replace(one, textOf({ ...one.log, intents })))
      }
    }
    const codes = await this.#write(writes, link)
    return isHeld && codes.every((code) => code === 'HD')
  }

  async end(tags: readonly string[], token: string): Promise<Stamps | undefined> {
    const unique = [...new Set(tags)]
    const names = [...new Set([EVERY_TAG, ...unique])]
    const own = safe(token)
    const appends = unique.map((tag) => this.#append(tag, `e${own}:${randomToken()};`, ''))
    const { seen, link } = await this.#read(names, appends, false)
    const stamps = new Map<string, string | undefined>()
    for (const [at, name] of names.entries()) {
      stamps.set(name, stampOf((seen[at] as Seen).log))
      this.#compactNow(seen[at] as Seen, link)
    }
    await this.#openEnded(names, unique, { seen, link }, stamps)
    const epoch = stamps.get(EVERY_TAG)
    if (epoch === undefined || unique.some((tag) => stamps.get(tag) === undefined)) return undefined
    return { epoch, stamps: tags.map((tag) => stamps.get(tag) as string) }
  }

  /** Deletes all entries: they have another generation. Without an epoch, none is valid. */
  async clear(): Promise<void> {
    const generation = Math.floor(Math.random() * 0xffff_ffff) + 1
    await this.#write([this.#append(EVERY_TAG, `G${generation};`, '')], this.server.link)
  }

  /**
   * Opens tags whose last write has ended, and which only expired intents, an expired quarantine, or an
   * unknown base keeps closed.
   */
  async #openEnded(
    names: readonly string[],
    ended: readonly string[],
    { seen, link }: Pick<Read, 'seen' | 'link'>,
    stamps: Map<string, string | undefined>,
  ): Promise<void> {
    const epoch = (seen[0] as Seen).log
    const closed = ended.filter((tag) => {
      const { log } = seen[names.indexOf(tag)] as Seen
      if (stampOf(log) !== undefined || log.last === undefined) return false
      // Without a certain epoch, its quarantine comes first.
      return log.base !== 'unknown' || (tag !== EVERY_TAG && epoch.base === 'certain')
    })
    if (closed.length === 0) return
    const isUnknown = closed.some((tag) => (seen[names.indexOf(tag)] as Seen).log.base === 'unknown')
    const losses = isUnknown ? (await this.#read([], [], true, link)).losses : undefined
    const isCertified = certifiedBy(epoch, losses)
    const steps: { readonly tag: string; readonly write: string; readonly stamp: string | undefined }[] = []
    for (const tag of closed) {
      const one = seen[names.indexOf(tag)] as Seen
      const stamp = one.log.last as string
      const { text, opens } = openingStep(one.log, one.now, isCertified, stamp, this.terms)
      // A quarantine that begins here saves later ends from reading the losses, although no reader opens the
      // tag.
      if (text !== undefined && (opens || one.log.base === 'unknown'))
        steps.push({ tag, stamp: opens ? stamp : undefined, write: this.#replace(one, text) })
    }
    const writes = steps.map(({ write }) => write)
    for (const [at, code] of (await this.#write(writes, link)).entries())
      if (code === 'HD') stamps.set(steps[at]?.tag as string, steps[at]?.stamp)
  }

  /**
   * Reads logs after writing, in one round trip.
   *
   * @param link - The connection on which what the writes depend on was read.
   */
  async #read(
    tags: readonly string[],
    writes: readonly string[],
    needsLosses: boolean,
    link: number = this.server.link,
  ): Promise<Read> {
    const reads = tags.map((tag) => `mg ${this.keys.tag(tag)} v t c\r\n`)
    const commands = [...writes, ...reads, ...(needsLosses ? ['stats\r\n'] : [])]
    const replies = await this.server.send([commands.join('')], commands.length, link)
    codesOf(replies.slice(0, writes.length))
    const seen = tags.map((tag, at) => seenOf(tag, replies[writes.length + at] as MetaReply))
    const losses = needsLosses ? lossesOf(replies[commands.length - 1] as MetaReply) : undefined
    if (losses !== undefined) this.onLosses(losses)
    return { seen, losses, link }
  }

  /** Writes on the connection that read the state the writes depend on; returns the codes of the replies. */
  async #write(writes: readonly string[], link: number): Promise<readonly string[]> {
    return writes.length === 0 ? [] : codesOf(await this.server.send([writes.join('')], writes.length, link))
  }

  /** Takes effect only if the log is still what was read. */
  #replace({ tag, text: before, cas }: Seen, text: string): string {
    const condition = before === undefined ? 'ME' : `C${cas}`
    return `ms ${this.keys.tag(tag)} ${text.length} ${condition} T${NEVER}\r\n${text}\r\n`
  }

  #append(tag: string, record: string, flags: string): string {
    return `ms ${this.keys.tag(tag)} ${record.length} MA ${flags}\r\n${record}\r\n`
  }

  /** Compacts a log while the writers of this process wait. Failures have no effect on their write. */
  #shrink(tag: string): Promise<void> {
    const known = this.#shrinking.get(tag)
    if (known !== undefined) return known
    const shrinking = this.#tryToShrink(tag)
      .catch(() => {})
      .finally(() => this.#shrinking.delete(tag))
    this.#shrinking.set(tag, shrinking)
    return shrinking
  }

  async #tryToShrink(tag: string): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const { seen, link } = await this.#read([tag], [], false)
      const one = seen[0] as Seen
      const text = compact(one.text ?? '', one.now)
      if (one.text === undefined || text.length > one.text.length / 2) {
        this.#limits.set(tag, 2 * Math.max(MAX_BYTES, one.text?.length ?? 0))
        return
      }
      const [code] = await this.#write([this.#replace(one, text)], link)
      if (code !== 'HD') continue
      this.#limits.delete(tag)
      return
    }
  }

  /**
   * Compacts a log right after it was read, before its reader continues: a look for this purpose would always
   * be overtaken by the next write of a busy tag.
   */
  #compactNow(seen: Seen, link: number): void {
    const { tag, text } = seen
    if (text === undefined || text.length <= COMPACT_FROM || this.#compacting.has(tag)) return
    const shorter = compact(text, seen.now)
    if (shorter.length > text.length / 2) return
    this.#compacting.add(tag)
    // If the log was changed meanwhile, a later end compacts it.
    this.#write([this.#replace(seen, shorter)], link)
      .catch(() => {})
      .finally(() => this.#compacting.delete(tag))
  }
}

function seenOf(tag: string, reply: MetaReply): Seen {
  if (reply.code === 'EN') return { tag, text: undefined, log: EMPTY, cas: '', now: 0 }
  if (reply.data === undefined) throw new ServerReplyError(reply)
  const text = reply.data.toString('latin1')
  return { tag, text, log: fold(text), cas: reply.flags.c ?? '', now: NEVER - Number(reply.flags.t) }
}

const WRITTEN: ReadonlySet<string> = new Set(['HD', 'NS', 'EX', 'NF'])

/** @throws ServerReplyError if the server could not execute a write. */
function codesOf(replies: readonly MetaReply[]): readonly string[] {
  return replies.map((reply) => {
    if (!WRITTEN.has(reply.code)) throw new ServerReplyError(reply)
    return reply.code
  })
}

/** A token without the characters that separate parts of a record. */
function safe(token: string): string {
  return /^[\w-]+$/.test(token) ? token : encodeURIComponent(token)
}
