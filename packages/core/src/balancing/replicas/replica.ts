import type { Clock } from '../../shared/clock.ts'
import { Repeated } from '../../shared/timers.ts'
import type { HeldSession } from './held-session.ts'
import { ORIGIN, type Position, type Positions, type ReplicaPosition, UnusableServerError } from './positions.ts'
import { NotCurrentError } from './replica-errors.ts'

const POLL_MS = 100
/** While a read waits for nothing but the replica's being further. */
const EAGER_POLL_MS = 2
/** For how long the replica is asked eagerly after the last read that would have it further. */
const EAGER_FOR_MS = 200
const MAX_PAUSE_MS = 30_000

/** A read that is under way on a replica. */
interface OpenRead {
  readonly startedAt: number
  readonly abandon: (reason: Error) => void
}

interface Told {
  readonly position: Position
  /** When it was heard. */
  readonly at: number
}

export interface ReplicaParts {
  readonly index: number
  readonly nodeId: string
  readonly session: HeldSession
  readonly positions: Positions
  readonly clock: Clock
  readonly readTimeoutMs: number
  readonly isInUse: () => boolean
  /** Its position, or whether it answers, may have changed. */
  readonly onChange: (replica: Replica) => void
  /** It answers, and is none that may be read from. */
  readonly onUnusable: (why: string) => void
}

/** One replica: how far it is, whether it answers, and what is being read from it. */
export class Replica {
  readonly index: number
  readonly nodeId: string
  reads = 0
  failures = 0
  /** Changes whenever it is found not to answer: what began before tells nothing new by failing. */
  epoch = 0
  #position: Position | undefined
  #server: string | undefined
  /** It has what its primary does not: that was lost there, or it follows another one. */
  #isForeign = false
  #wanted: Position = ORIGIN
  #wantedUntil = 0
  /** Its last two answers. */
  #told: readonly Told[] = []
  #failuresInRow = 0
  #pausedUntil = 0
  #polledAt: number = Number.NEGATIVE_INFINITY
  /** Of what is known; an answer that was asked for under an older one is of no use. */
  #state = 0
  readonly #open = new Set<OpenRead>()
  readonly #loop: Repeated

  constructor(private readonly parts: ReplicaParts) {
    this.index = parts.index
    this.nodeId = parts.nodeId
    this.#loop = new Repeated(
      () => parts.clock.now(),
      () => this.#poll(),
      () => this.#nextAt(),
    )
  }

  /** Up to where it has replayed, as far as it was heard of; `undefined`: nothing is known, and it is not read from. */
  get position(): Position | undefined {
    return this.#isForeign ? undefined : this.#position
  }

  wake(): void {
    this.#loop.wake()
  }

  /** Something would be read from it if it had replayed up to a position. */
  want(position: Position): void {
    const now = this.parts.clock.now()
    this.#wanted = now >= this.#wantedUntil ? position : (position.and(this.#wanted) ?? position)
    this.#wantedUntil = now + EAGER_FOR_MS
    this.#loop.wake()
  }

  /**
   * Admits a connection that it was not read from before. The server may have been started anew since its position was heard, and begun before that position;
   * or another server answers.
   *
   * @throws NotCurrentError; what the question fails with.
   */
  async admit(
    ask: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>,
    isCurrent: (position: Position) => boolean,
  ): Promise<void> {
    const { positions } = this.parts
    const [row] = await ask(positions.replicaSql)
    const found = this.#read(row)
    this.#state += 1
    if (found === undefined || found.server !== this.#server) {
      this.#forget()
      throw new NotCurrentError()
    }
    this.#tell(found)
    if (!isCurrent(found.replayed)) throw new NotCurrentError()
  }

  /** The primary, asked at a time, was as far as this. A replica that was further before is none of it, as long as it is further. */
  compare(sent: Position, at: number): void {
    if (this.#told.at(-1)?.position.isBeyond(sent) !== true) {
      this.#isForeign = false
      return
    }
    if (this.#isForeign || !this.#told.some((told) => told.at < at && told.position.isBeyond(sent))) return
    this.#isForeign = true
    this.parts.onUnusable('It has replayed what its primary does not have.')
  }

  /** A read begins; `abandon` is called when it is not to be waited for any more. Returns the function that tells its end. */
  began(abandon: (reason: Error) => void): () => void {
    const read = { startedAt: this.parts.clock.now(), abandon }
    this.#open.add(read)
    return () => void this.#open.delete(read)
  }

  succeeded(): void {
    this.reads += 1
    this.#failuresInRow = 0
  }

  /** It is not read from until it has answered a question that is asked after this, and not at once where it fails again and again. */
  failed(epoch: number): void {
    this.failures += 1
    if (epoch !== this.epoch) return
    this.#failuresInRow += 1
    this.#pausedUntil = this.parts.clock.now() + Math.min(MAX_PAUSE_MS, POLL_MS * 2 ** Math.min(this.#failuresInRow - 1, 10))
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
    // What is held may lead to a server that is no more.
    this.parts.session.close()
    this.parts.onChange(this)
    this.#loop.wake()
  }

  #tell(found: ReplicaPosition | undefined): void {
    this.#position = found?.replayed
    // Both are asked at the same times: an answer that came before the primary was asked is one of two.
    if (found !== undefined) this.#told = [...this.#told.slice(-1), { position: found.replayed, at: this.parts.clock.now() }]
  }

  /** `undefined`: it is not to be read from. */
  #read(row: Readonly<Record<string, unknown>> | undefined): ReplicaPosition | undefined {
    const { positions, onUnusable } = this.parts
    try {
      return positions.replica(row)
    } catch (error) {
      if (!(error instanceof UnusableServerError)) throw error
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
    const isWanted = this.position !== undefined && now < this.#wantedUntil && !this.position.covers(this.#wanted)
    return Math.max(this.#pausedUntil, this.#polledAt + (isWanted ? EAGER_POLL_MS : POLL_MS))
  }

  async #poll(): Promise<void> {
    const { session, positions, clock, readTimeoutMs, onChange } = this.parts
    this.#polledAt = clock.now()
    const state = this.#state
    for (const read of [...this.#open]) {
      if (this.#polledAt - read.startedAt >= readTimeoutMs) read.abandon(new Error(`A replica did not answer within ${readTimeoutMs} ms.`))
    }
    try {
      const found = this.#read(await session.ask(positions.replicaSql))
      if (state !== this.#state) return
      this.#tell(found)
      this.#server = found?.server
    } catch {
      if (state !== this.#state) return
      this.epoch += 1
      this.#position = undefined
      this.#server = undefined
      // What is asked of a server that does not answer a question as short as this will not be answered either.
      for (const read of [...this.#open]) read.abandon(new Error('A replica does not answer.'))
    }
    onChange(this)
  }
}
