import type { Clock } from '../../shared/clock.ts'
import { isInstance } from '../../shared/thrown.ts'
import { Repeated } from '../../shared/timers.ts'
import type { HeldSession } from './held-session.ts'
import { type Position, type Positions, UnusableServerError } from './positions.ts'

/** Milliseconds between two questions at least, however much is written. */
const GAP_MS = 5
const POLL_MS = 100
const RETRY_MS = 250
/** Number of stored positions of writes. For older writes, the oldest stored position is used. */
const MAX_WRITE_POSITIONS = 256
/** Number of steps of time within the maximum lag. */
const STEPS = 50

interface WritePosition {
  /** The last write that had ended before the position was queried. */
  readonly write: number
  readonly position: Position
}

interface Moment {
  /** Time at which the position was queried. */
  readonly at: number
  readonly position: Position
}

export interface PrimaryLogParts {
  readonly session: HeldSession
  readonly positions: Positions
  readonly clock: Clock
  readonly maxLagMs: number
  readonly lastWrite: () => number
  /** Whether there were reads recently. */
  readonly isInUse: () => boolean
  /**
   * `acknowledged`: the position of writes that ended since the last one; `undefined` if there were none.
   * `sent`: the maximum position of replicas at this time.
   */
  readonly onPosition: (acknowledged: Position | undefined, sent: Position, at: number) => void
  /** It responded to a short query within this time. */
  readonly onRoundTrip: (ms: number) => void
  /** It answers, and no replica can be compared with it. */
  readonly onUnusable: (why: string) => void
  readonly onError: (error: unknown) => void
}

/**
 * Positions of a primary: which one covers a write, and when one was the newest. One query serves all writes
 * that ended before it.
 */
export class PrimaryLog {
  readonly #writePositions: WritePosition[] = []
  readonly #moments: Moment[] = []
  readonly #loop: Repeated
  readonly #waiting: (() => void)[] = []
  #queriedAt: number = Number.NEGATIVE_INFINITY
  #retryAt = 0
  #isFailing = false

  constructor(private readonly parts: PrimaryLogParts) {
    this.#loop = new Repeated(
      () => parts.clock.now(),
      () => this.#query(),
      () => this.#nextAt(),
    )
  }

  /** Something was written, or is about to be read. */
  wake(): void {
    this.#loop.wake()
  }

  /** The position that covers a write; `undefined` while it is not known. */
  positionOf(write: number): Position | undefined {
    if (write > this.#covered) return undefined
    const known = this.#writePositions
    let [low, high] = [0, known.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((known[middle]?.write ?? 0) >= write) high = middle
      else low = middle + 1
    }
    return known[low]?.position
  }

  /** As `positionOf`, once it is known; `undefined` when the primary does not answer. */
  async settled(write: number): Promise<Position | undefined> {
    for (let tries = 0; tries < 3 && this.positionOf(write) === undefined; tries += 1) {
      this.wake()
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    return this.positionOf(write)
  }

  /**
   * For how many milliseconds a replica may be out of date that has replayed up to a position: everything
   * that was acknowledged before is there for certain. `Infinity` when it may be more than the bound.
   */
  ageOf(replayed: Position): number {
    for (let at = this.#moments.length - 1; at >= 0; at -= 1) {
      const moment = this.#moments[at]
      if (moment !== undefined && replayed.covers(moment.position)) return this.parts.clock.now() - moment.at
    }
    return Number.POSITIVE_INFINITY
  }

  /** Whether any position is known. */
  get isKnown(): boolean {
    return this.#moments.length > 0
  }

  /** Whether nothing newer than a position is known. */
  isNewest(replayed: Position): boolean {
    const newest = this.#moments.at(-1)
    return newest !== undefined && replayed.covers(newest.position)
  }

  close(): void {
    this.#loop.close()
    this.parts.session.close()
    this.#answerWaiting()
  }

  get #covered(): number {
    return this.#writePositions.at(-1)?.write ?? -1
  }

  #nextAt(): number {
    const isDue = this.parts.lastWrite() > this.#covered
    if (!this.parts.isInUse() && this.#waiting.length === 0) {
      this.parts.session.close()
      return Number.POSITIVE_INFINITY
    }
    return Math.max(this.#retryAt, this.#queriedAt + (isDue ? GAP_MS : POLL_MS))
  }

  async #query(): Promise<void> {
    const { session, positions, clock, lastWrite, onPosition, onRoundTrip, onUnusable, onError } = this.parts
    const write = lastWrite()
    this.#queriedAt = clock.now()
    const at = this.#queriedAt
    try {
      const row = await session.query(positions.primarySql)
      onRoundTrip(clock.now() - at)
      const { acknowledged, sent } = positions.primary(row)
      this.#isFailing = false
      const isNew = write > this.#covered
      const last = this.#writePositions.at(-1)
      // Its position does not follow the last one: it is a different server, or lost transactions. All writes
      // end before this.
      const isOther = last !== undefined && !acknowledged.covers(last.position)
      if (isOther) this.#writePositions.length = 0
      if (isNew || isOther) this.#addWritePosition({ write, position: acknowledged })
      this.#addMoment({ at, position: sent })
      onPosition(isNew && write > 0 ? acknowledged : undefined, sent, at)
    } catch (error) {
      // Closing ends the session, and with it a query that is in progress.
      if (this.#loop.isClosed) return
      this.#retryAt = clock.now() + RETRY_MS
      if (isInstance(error, UnusableServerError)) onUnusable(error.message)
      else if (!this.#isFailing) onError(error)
      this.#isFailing = true
    }
    this.#answerWaiting()
  }

  #addWritePosition(position: WritePosition): void {
    this.#writePositions.push(position)
    if (this.#writePositions.length > MAX_WRITE_POSITIONS) this.#writePositions.shift()
  }

  #addMoment(moment: Moment): void {
    const { maxLagMs } = this.parts
    const moments = this.#moments
    while (moments.length > 1 && (moments[1]?.at ?? 0) <= moment.at - maxLagMs) moments.shift()
    const [before, last] = [moments.at(-2), moments.at(-1)]
    // The later of two positions at one step tells more.
    if (before !== undefined && last !== undefined && last.at - before.at < maxLagMs / STEPS) moments.pop()
    moments.push(moment)
  }

  #answerWaiting(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
