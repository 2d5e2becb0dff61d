import type { CounterReading } from '../schema/write-counter.ts'
import type { Dialect } from '../sql/dialect.ts'
import { OwnTransaction } from './own-transaction.ts'

/** Polls end this long after the last result that was requested beyond its time to live. */
export const IDLE_MS = 2_000

/**
 * MariaDB takes the number of a commit shortly before the commit is visible. A commit whose number was
 * taken before the first poll, and which was not visible then, must be visible after this time.
 */
const MARIADB_SETTLE_MS = 800

/** Maximum number of this process's transactions since the last proof. */
const MAX_OWN = 1_000

/** A reading, and when it was requested. */
export interface Poll {
  readonly reading: CounterReading
  readonly sentAt: number
  readonly answeredAt: number
  /** See {@link SoleWriter.busy}. */
  readonly busy: () => boolean
}

/**
 * `proven`: no other process wrote since the base. `unknown`: transactions of this process were in
 * flight; poll again. `ended`: another process may have written, or there was no base.
 */
export type PollResult = 'proven' | 'unknown' | 'ended'

/** A transaction of this process that has ended, and certainly raised the counter. */
interface OwnWrite {
  readonly sentAt: number
  readonly endedAt: number
  readonly raised: bigint
}

interface Base {
  readonly reading: CounterReading
  readonly answeredAt: number
}

export interface SoleWriterTerms {
  readonly dialect: Dialect
  /** Time to live of a result that is not extended. */
  readonly ttlMs: number
  /** Monotonic time in milliseconds. */
  now(): number
}

/**
 * Proves that no other process wrote to the database server of one client: the server's counter rose by
 * exactly as much as the transactions of this process certainly raised it. It rises by at least as much
 * as all writers together, so nothing is left for others. Any other difference proves nothing, and
 * results expire as they do without a proof.
 *
 * Proofs form a chain: each begins where an earlier one ends. Sends nothing itself.
 */
export class SoleWriter {
  #base: Base | undefined
  /** When the first base of the chain was answered. */
  #chainedAt = 0
  /** When the chain began: results that were queried later are known. */
  #quietSince = Number.POSITIVE_INFINITY
  /** When the latest poll was sent that proved that no other process had written. */
  #quietUntil = Number.NEGATIVE_INFINITY
  #own: OwnWrite[] = []
  #inFlight = 0
  /** The servers that have answered, the latest one last. */
  readonly #servers = new Set<string>()
  #begun = 0
  #isWatching: boolean
  #isRefuted = false
  #requestedAt = Number.NEGATIVE_INFINITY
  /** Called if the proof is requested, and was not before. */
  onRequested: (() => void) | undefined

  constructor(private readonly terms: SoleWriterTerms) {
    this.#isWatching = terms.dialect === 'sqlite'
  }

  /** Time to live of a result that is not extended, in milliseconds. */
  get ttlMs(): number {
    return this.terms.ttlMs
  }

  /** Whether a result that was queried then can be served beyond its time to live. */
  covers(queriedAt: number): boolean {
    return queriedAt >= this.#quietSince
  }

  /**
   * Until when a result may be served that was queried then; `undefined`: it has expired.
   *
   * @param queriedAt - A time before its query was sent.
   */
  until(queriedAt: number, now: number): number | undefined {
    this.requested(now)
    const until = this.#quietUntil + this.terms.ttlMs
    return queriedAt >= this.#quietSince && now < until ? until : undefined
  }

  /** A result is requested that has expired, or is about to be cached. */
  requested(now: number): void {
    if (this.#isRefuted) return
    const wasRequested = this.isRequested(now)
    this.#requestedAt = now
    if (!wasRequested) this.onRequested?.()
  }

  isRequested(now: number): boolean {
    return !this.#isRefuted && now - this.#requestedAt <= IDLE_MS
  }

  /**
   * Call it from the first poll on: transactions that began earlier are not known. On SQLite, all are.
   */
  watch(): void {
    this.#isWatching = !this.#isRefuted
  }

  /**
   * A transaction of this process begins, or a statement outside of transactions is about to be sent.
   * `undefined`: it does not have to be followed.
   */
  begin(): OwnTransaction | undefined {
    if (!this.#isWatching) return undefined
    const { dialect, now } = this.terms
    const own = new OwnTransaction(dialect, now(), (raised) => {
      this.#inFlight -= 1
      if (raised === undefined) this.reset()
      else if (raised > 0n) this.#own.push({ sentAt: own.sentAt, endedAt: now(), raised })
      if (this.#own.length > MAX_OWN) this.reset()
    })
    this.#inFlight += 1
    this.#begun += 1
    return own
  }

  /**
   * Call it before a poll is sent.
   *
   * @returns A function that returns whether a transaction of this process was in flight since then.
   */
  busy(): () => boolean {
    const wasBusy = this.#inFlight > 0
    const begun = this.#begun
    return () => wasBusy || this.#begun !== begun
  }

  /** The counter was read. */
  polled({ reading, sentAt, answeredAt, busy }: Poll): PollResult {
    if (!this.#isWatching || !this.#isKnown(reading)) return 'ended'
    const isBusy = busy()
    const base = this.#base
    if (base === undefined || !isSameRun(base.reading, reading)) {
      this.#restart(reading, answeredAt, isBusy)
      return isBusy ? 'unknown' : 'ended'
    }
    // In a transaction, a connection of SQLite does not see the commits of others.
    if (isBusy && this.terms.dialect === 'sqlite') return 'unknown'
    const own = this.#raisedBetween(base.answeredAt, sentAt)
    const rose = reading.value - base.reading.value
    if (rose < own) {
      // The least by which transactions raise the counter is wrong for this server.
      this.refute()
      return 'ended'
    }
    if (rose > own) {
      if (isBusy) return 'unknown'
      this.#restart(reading, answeredAt, isBusy)
      return 'ended'
    }
    this.#quietUntil = sentAt
    if (this.#quietSince === Number.POSITIVE_INFINITY && sentAt - this.#chainedAt >= this.#settleMs)
      this.#quietSince = answeredAt
    if (!isBusy && reading.isSettled) this.#setBase(reading, answeredAt)
    return 'proven'
  }

  /** Ends the chain: what happened cannot be known. */
  reset(): void {
    this.#base = undefined
    this.#own = []
    this.#quietSince = Number.POSITIVE_INFINITY
  }

  /** Ends the chain permanently: transactions of this process cannot be followed. */
  refute(): void {
    this.reset()
    this.#isRefuted = true
    this.#isWatching = false
  }

  get #settleMs(): number {
    return this.terms.dialect === 'mysql' ? MARIADB_SETTLE_MS : 0
  }

  /** Begins a new chain, if the reading can be its base. */
  #restart(reading: CounterReading, answeredAt: number, isBusy: boolean): void {
    this.reset()
    if (isBusy || !reading.isSettled) return
    this.#setBase(reading, answeredAt)
    this.#chainedAt = answeredAt
    if (this.#settleMs === 0) this.#quietSince = answeredAt
  }

  #setBase(reading: CounterReading, answeredAt: number): void {
    this.#base = { reading, answeredAt }
    this.#own = this.#own.filter((write) => write.sentAt > answeredAt)
  }

  /** A transaction counts only if all of it lies between the two readings. */
  #raisedBetween(answeredAt: number, sentAt: number): bigint {
    let sum = 0n
    for (const write of this.#own)
      if (write.sentAt > answeredAt && write.endedAt < sentAt) sum += write.raised
    return sum
  }

  /** If servers take turns, a proof for one of them does not apply to results of the others. */
  #isKnown({ server }: CounterReading): boolean {
    if (this.#servers.has(server) && [...this.#servers].at(-1) !== server) this.refute()
    else this.#servers.add(server)
    return !this.#isRefuted
  }
}

function isSameRun(before: CounterReading, after: CounterReading): boolean {
  return before.server === after.server && before.uptime <= after.uptime
}
