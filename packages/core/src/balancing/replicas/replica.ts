import type { Clock } from '../../shared/clock.ts'
import { isInstance } from '../../shared/thrown.ts'
import { Repeated } from '../../shared/timers.ts'
import type { HeldSession } from './held-session.ts'
import {
  ORIGIN,
  type Position,
  type Positions,
  type ReplicaPosition,
  UnusableServerError,
} from './positions.ts'
import { NotCurrentError } from './replica-errors.ts'

const POLL_MS = 100
/** While a read waits for nothing but the replica's being further. */
const EAGER_POLL_MS = 2
/** Time after the last read that needed a later position, in which the replica is queried more often. */
const EAGER_FOR_MS = 200
const MAX_PAUSE_MS = 30_000

/** A read in flight on a replica. */
interface OpenRead {
  readonly startedAt: number
  readonly abandon: (reason: Error) => void
}

interface ReportedPosition {
  readonly position: Position
  /** Time of the report. */
  readonly at: number
}

export interface ReplicaParts {
  readonly index: number
  readonly nodeId: string
  readonly region: string | undefined
  readonly session: HeldSession
  readonly positions: Positions
  readonly clock: Clock
  readonly readTimeoutMs: number
  readonly isInUse: () => boolean
  /** Its position, or whether it answers, may have changed. */
  readonly onChange: (replica: Replica) => void
  /** It responded to a short query within this time. */
  readonly onRoundTrip: (ms: number) => void
  /** It answers, and is none that may be read from. */
  readonly onUnusable: (why: string) => void
}

/** One replica: its position, whether it responds, and its reads in flight. */
export class Replica {
  readonly index: number
  readonly nodeId: string
  readonly region: string | undefined
  reads = 0
  failures = 0
  /** Whether its position was queried before, with or without success. */
  isKnown = false
  /** Increases with each failure: the failure of an operation that began before is not a new one. */
  epoch = 0
  #position: Position | undefined
  #server: string | undefined
  /**
   * It has transactions that its primary does not have: the primary lost them, or the replica follows a
   * different primary.
   */
  #isForeign = false
  #required: Position = ORIGIN
  #requiredUntil = 0
  /** Its last two answers. */
  #reported: readonly ReportedPosition[] = []
  #failuresInRow = 0
  #pausedUntil = 0
  #polledAt: number = Number.NEGATIVE_INFINITY
  /** Version of the state; a response to a query of an earlier version is ignored. */
  #state = 0
  readonly #open = new Set<OpenRead>()
  readonly #loop: Repeated

  constructor(private readonly parts: ReplicaParts) {
    this.index = parts.index
    this.nodeId = parts.nodeId
    this.region = parts.region
    this.#loop = new Repeated(
      () => parts.clock.now(),
      () => this.#poll(),
      () => this.#nextAt(),
    )
  }

  /** The last reported replay position; `undefined` if it is unknown, and the replica is not read from. */
  get position(): Position | undefined {
    return this.#isForeign ? undefined : this.#position
  }

  wake(): void {
    this.#loop.wake()
  }

  /** Something would be read from it if it had replayed up to a position. */
  want(position: Position): void {
    const now = this.parts.clock.now()
    this.#required = now >= this.#requiredUntil ? position : (position.and(this.#required) ?? position)
    this.#requiredUntil = now + EAGER_FOR_MS
    this.#loop.wake()
  }

  /**
   * Admits a connection on which no read has run. The server may have been restarted since it reported its
   * position, at an earlier position; or a different server responds.
   *
   * @throws NotCurrentError; the error of the query.
   */
  async admit(
    query: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>,
    isCurrent: (position: Position) => boolean,
  ): Promise<void> {
    const { positions } = this.parts
    const [row] = await query(positions.replicaSql)
    const found = this.#read(row)
    this.#state += 1
    if (found === undefined || found.server !== this.#server) {
      this.#forget()
      throw new NotCurrentError()
    }
    this.#report(found)
    if (!isCurrent(found.replayed)) throw new NotCurrentError()
  }

  /**
   * Records the position of the primary at a time. A replica that was ahead of it before is not its replica,
   * as long as it is ahead.
   */
  compare(sent: Position, at: number): void {
    if (this.#reported.at(-1)?.position.isBeyond(sent) !== true) {
      this.#isForeign = false
      return
    }
    if (
      this.#isForeign ||
      !this.#reported.some((reported) => reported.at < at && reported.position.isBeyond(sent))
    )
      return
    this.#isForeign = true
    this.parts.onUnusable('It has replayed what its primary does not have.')
  }

  /**
   * Registers the start of a read; `abandon` is called when it must no longer be awaited. Returns a function
   * that registers its end.
   */
  began(abandon: (reason: Error) => void): () => void {
    const read = { startedAt: this.parts.clock.now(), abandon }
    this.#open.add(read)
    return () => void this.#open.delete(read)
  }

  succeeded(): void {
    this.reads += 1
    this.#failuresInRow = 0
  }

  /**
   * The replica is not read from until it has responded to a query that is sent after this, with a delay if
   * it fails repeatedly.
   */
  failed(epoch: number): void {
    this.failures += 1
    if (epoch !== this.epoch) return
    this.#failuresInRow += 1
    this.#pausedUntil =
      this.parts.clock.now() + Math.min(MAX_PAUSE_MS, POLL_MS * 2 ** Math.min(this.#failuresInRow - 1, 10))
    this.#forget()
  }

  close(): void {
    this.#loop.close()
    this.parts.session.close()
    this.#position = undefined
  }

  #forget(): void {
    this.#state += 1
    this.epoch += 1
    this.#position = undefined
    this.#server = undefined
    // The held connection may lead to a server that no longer exists.
    this.parts.session.close()
    this.parts.onChange(this)
    this.#loop.wake()
  }

  #report(found: ReplicaPosition | undefined): void {
    this.#position = found?.replayed
    // Both servers are queried at the same times: a response from before the primary's query is one of two.
    if (found !== undefined)
      this.#reported = [...this.#reported.slice(-1), { position: found.replayed, at: this.parts.clock.now() }]
  }

  /** `undefined`: it is not to be read from. */
  #read(row: Readonly<Record<string, unknown>> | undefined): ReplicaPosition | undefined {
    const { positions, onUnusable } = this.parts
    try {
      return positions.replica(row)
    } catch (error) {
      if (!isInstance(error, UnusableServerError)) throw error
      onUnusable(error.message)
      return undefined
    }
  }

  #nextAt(): number {
    const now = this.parts.clock.now()
    if (this.#open.size === 0 && !this.parts.isInUse()) {
      this.parts.session.close()
      return Number.POSITIVE_INFINITY
    }
    const isRequired =
      this.position !== undefined && now < this.#requiredUntil && !this.position.covers(this.#required)
    return Math.max(this.#pausedUntil, this.#polledAt + (isRequired ? EAGER_POLL_MS : POLL_MS))
  }

  async #poll(): Promise<void> {
    const { session, positions, clock, readTimeoutMs, onChange, onRoundTrip } = this.parts
    this.#polledAt = clock.now()
    const state = this.#state
    for (const read of [...this.#open]) {
      if (this.#polledAt - read.startedAt >= readTimeoutMs)
        read.abandon(new Error(`A replica did not respond within ${readTimeoutMs} ms.`))
    }
    try {
      const row = await session.query(positions.replicaSql)
      onRoundTrip(clock.now() - this.#polledAt)
      const found = this.#read(row)
      if (state !== this.#state) return
      this.#report(found)
      this.#server = found?.server
    } catch {
      if (state !== this.#state) return
      this.epoch += 1
      this.#position = undefined
      this.#server = undefined
      // A server that does not respond to such a short query will not respond to longer ones.
      for (const read of [...this.#open]) read.abandon(new Error('A replica does not respond.'))
    }
    this.isKnown = true
    onChange(this)
  }
}
