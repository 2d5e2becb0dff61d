import { setLongTimeout } from '@sluice/core/siblings'
import { EVERY_TAG } from '@sluice/core/stores'
import type { Store } from '../redis-store.ts'
import { regionError } from './confirmation.ts'

/** Maximum number of tags of one script. */
const MAX_TAGS = 250
/** Minimum interval between two looks at the writes in flight. */
const LOOK_MS = 20

interface RelayedWritesParts {
  /** Name of the region of the writers. */
  readonly region: string
  /** Its Redis. */
  readonly from: Store
  readonly to: Store
  readonly token: string
  /** Tokens of which intents may be left. */
  readonly earlierTokens: readonly string[]
  /** Tags that were held when messages may have been missed. */
  readonly known: readonly string[]
  /** Interval of retries, in milliseconds. */
  readonly retryMs: number
  readonly onError: (error: unknown) => void
  /** Called when all writes that were in flight at the start are held. */
  readonly onSync: () => void
  /**
   * Called when it is unknown which intents exist, so that all must begin again.
   *
   * @param isEnd - Whether the end of one may still be executed: the others then need a new token.
   */
  readonly onDoubt: (isEnd: boolean) => void
}

/**
 * The writes of one region, held in another as intents: from when their announcement arrives until the region
 * of the writers shows that none of them is in flight anymore. Without intents, a process there could read
 * the database before a write commits, and cache that under a new version of the tag.
 *
 * It begins with an intent on everything, which ends when the writes that were already in flight are held.
 */
export class RelayedWrites {
  /** By tag: the number of looks that had been sent when it was last received. */
  readonly #held: Map<string, number>
  /** Tags that were received, and whose intents were not requested yet. */
  #received = new Set<string>()
  #receivedCount = 0
  #appliedCount = 0
  /** The announcements in flight. */
  #applying: Promise<unknown> = Promise.resolve()
  #isApplying = false
  #isReleasing = false
  #looks = 0
  #isOver = false
  #isInSync = false

  constructor(private readonly parts: RelayedWritesParts) {
    this.#held = new Map(parts.known.map((tag) => [tag, 0]))
    void this.#sync()
  }

  /** Whether every write that was announced before is held. */
  get isInSync(): boolean {
    return this.#isInSync && !this.#isOver
  }

  get held(): number {
    return this.#held.size
  }

  /**
   * Ends this object.
   *
   * @returns The tags that are held.
   */
  abandon(): readonly string[] {
    this.#isOver = true
    return [...this.#held.keys()]
  }

  receive(tags: readonly string[]): void {
    if (this.#isOver) return
    this.#receivedCount += 1
    for (const tag of tags) {
      this.#held.set(tag, this.#looks)
      this.#received.add(tag)
    }
    void this.#apply()
  }

  /** Settles when everything received before the call is held. */
  async applied(): Promise<void> {
    const count = this.#receivedCount
    while (this.#appliedCount < count && !this.#isOver) await this.#applying
  }

  /** Restarts the leases of all intents. */
  renew(): void {
    if (this.#isOver) return
    for (const tags of partsOf([...this.#held.keys()].filter((tag) => !this.#received.has(tag))))
      this.#renew(tags).catch((error: unknown) => this.#doubt(error, false))
  }

  async #renew(tags: readonly string[]): Promise<void> {
    const { to, token } = this.parts
    if (await to.renew(tags, token)) return
    // Those that ended meanwhile must not begin again.
    const missing = tags.filter((tag) => this.#held.has(tag))
    if (missing.length > 0 && !this.#isOver) await to.begin(missing, token)
  }

  async #sync(): Promise<void> {
    const { to, token, retryMs } = this.parts
    for (let isHeld = false; !this.#isOver; await pause(retryMs)) {
      try {
        isHeld &&= await to.renew([EVERY_TAG], token)
        if (!isHeld) await to.begin([EVERY_TAG], token)
        isHeld = true
        const written = await this.#written()
        if (written === undefined || written.has(EVERY_TAG) || this.#isOver) continue
        for (const tag of written) if (!this.#held.has(tag)) this.#held.set(tag, this.#looks)
        await this.#begin([...this.#held.keys()])
      } catch (error) {
        isHeld = false
        this.#failed(error)
        continue
      }
      return this.#openEverything()
    }
  }

  /** Ends the intent on everything. */
  async #openEverything(): Promise<void> {
    const { to, token, earlierTokens, known, onSync } = this.parts
    // A later object holds everything under the same token.
    if (this.#isOver) return
    try {
      const tags = [EVERY_TAG, ...known]
      const ends = earlierTokens.flatMap((earlier) => partsOf(tags).map((part) => to.end(part, earlier)))
      await Promise.all([...ends, to.end([EVERY_TAG], token)])
    } catch (error) {
      return this.#doubt(error, true)
    }
    if (this.#isOver) return
    this.#isInSync = true
    onSync()
    void this.#release()
  }

  /** The tags of the writes in flight; `undefined`: they are not known now. */
  async #written(): Promise<ReadonlySet<string> | undefined> {
    const { from, region } = this.parts
    try {
      return await from.writtenTags()
    } catch (error) {
      this.#failed(regionError(region, error))
      return undefined
    }
  }

  async #begin(tags: readonly string[]): Promise<void> {
    const { to, token } = this.parts
    await Promise.all(partsOf(tags).map((part) => to.begin(part, token)))
  }

  async #apply(): Promise<void> {
    if (this.#isApplying) return
    this.#isApplying = true
    try {
      while (this.#received.size > 0 && !this.#isOver) {
        const count = this.#receivedCount
        const tags = [...this.#received]
        this.#received.clear()
        const applying = this.#begin(tags)
        this.#applying = applying
        await applying
        this.#appliedCount = count
      }
    } catch (error) {
      this.#doubt(error, false)
    } finally {
      this.#isApplying = false
    }
    if (this.#isInSync) void this.#release()
  }

  /** Ends the intents whose writers have all ended theirs, until none is held. */
  async #release(): Promise<void> {
    if (this.#isReleasing) return
    this.#isReleasing = true
    try {
      while (this.#held.size > 0 && !this.#isOver) {
        this.#looks += 1
        const look = this.#looks
        const written = await this.#written()
        // Tags received after the look was sent may be in flight, although the look did not show it.
        const isFree = ([tag, receivedAt]: readonly [string, number]) =>
          receivedAt < look && !this.#received.has(tag) && written?.has(tag) === false
        const free = this.#isOver ? [] : [...this.#held].filter(isFree).map(([tag]) => tag)
        for (const tag of free) this.#held.delete(tag)
        await Promise.all(partsOf(free).map((part) => this.parts.to.end(part, this.parts.token)))
        await pause(written === undefined ? this.parts.retryMs : LOOK_MS)
      }
    } catch (error) {
      this.#doubt(error, true)
    } finally {
      this.#isReleasing = false
    }
  }

  #failed(error: unknown): void {
    if (!this.#isOver) this.parts.onError(error)
  }

  #doubt(error: unknown, isEnd: boolean): void {
    // An end that failed after this object was replaced could still end the intents of the next one.
    if (this.#isOver && !isEnd) return
    this.parts.onError(error)
    this.parts.onDoubt(isEnd)
  }
}

function partsOf(tags: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(tags.length / MAX_TAGS) }, (_, at) =>
    tags.slice(at * MAX_TAGS, (at + 1) * MAX_TAGS),
  )
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setLongTimeout(resolve, ms).unref())
}
