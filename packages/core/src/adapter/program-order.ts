import type { Scope } from '../pipeline/scope.ts'
import type { WriteEffect } from '../schema/catalog.ts'

/** The facts and services that {@link ProgramOrder} needs. */
interface OrderedClient {
  /** Whether at most one connection executes everything that the app sends outside of Sluice's batches. */
  isSingle(): boolean
  /** The scope of the code that runs now. */
  scope(): Scope | undefined
  /** Sends the lookups that wait for others, in the current scope or in every scope. */
  dispatch(inEveryScope: boolean): void
  hold(effect: WriteEffect): () => void
  /** Called for a read that is sent unchanged because of its order. */
  passed(): void
}

/** A connection that a caller has taken, until it is released. */
export interface Reserved<T> {
  readonly value: T
  /** Call it once. */
  leave(): void
}

/** A write without a connection. Reads that are issued after it must not be served from memory. */
class IssuedWrite {
  #isHeld = false
  #endHold: (() => void) | undefined
  #ended: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined

  constructor(
    private readonly client: OrderedClient,
    private readonly effectOf: () => WriteEffect | undefined,
  ) {}

  hold(): void {
    if (this.#isHeld) return
    this.#isHeld = true
    const effect = this.effectOf()
    if (effect !== undefined) this.#endHold = this.client.hold(effect)
  }

  get ended(): Promise<void> {
    if (this.#ended === undefined) {
      let resolve = () => {}
      const promise = new Promise<void>((resolved) => {
        resolve = resolved
      })
      this.#ended = { promise, resolve }
    }
    return this.#ended.promise
  }

  end(): void {
    this.#endHold?.()
    this.#ended?.resolve()
  }
}

/**
 * Preserves the order in which an app calls one client.
 *
 * A client with one connection executes everything in the order of the calls. Reads that Sluice optimizes can
 * be sent late or several times, or not at all. So everything else waits until the optimized reads that were
 * issued before it have their results, and as long as it has not ended, later reads are sent unchanged: they
 * queue for the connection behind it. Reads of another scope are optimized during a reservation, because what
 * its transaction changes takes effect later.
 *
 * With several connections, the database decides on the order of concurrent statements. Then only the start
 * counts: lookups that were issued before a write are sent before it, and results from memory are not served
 * after a write that was issued before.
 */
export class ProgramOrder {
  /** Optimized reads without a result. */
  #reads = 0
  /** Statements other than reads that have requested a connection and have not ended. */
  #statements = 0
  /** The scopes of reservations that have requested a connection and have not ended. */
  readonly #reservations: (Scope | undefined)[] = []
  /** Callers that wait for optimized reads, or behind such callers; each continues the first one. */
  readonly #queue: (() => void)[] = []
  readonly #issued = new Set<IssuedWrite>()

  constructor(private readonly client: OrderedClient) {}

  get isSingle(): boolean {
    return this.client.isSingle()
  }

  /**
   * Runs a read outside of transactions.
   *
   * @param unchanged - Sends it as the ORM would.
   */
  read<T>(optimized: () => Promise<T>, unchanged: () => Promise<T>): Promise<T> {
    if (!this.isSingle) {
      this.holdIssued()
      return optimized()
    }
    if (!this.beginRead()) return this.pass(unchanged)
    let running: Promise<T>
    try {
      running = optimized()
    } catch (error) {
      this.endRead()
      throw error
    }
    return running.then(
      (result) => {
        this.endRead()
        return result
      },
      (error: unknown) => {
        this.endRead()
        throw error
      },
    )
  }

  /**
   * Begins a read that the adapter runs later.
   *
   * @returns Whether it may be optimized; then call `endRead` when it has ended. Otherwise, `pass` it.
   */
  beginRead(): boolean {
    const isReserved = this.#reservations.length > 0 && this.#isReserved()
    if (this.#statements > 0 || this.#queue.length > 0 || isReserved) {
      this.client.passed()
      return false
    }
    this.#reads += 1
    return true
  }

  endRead(): void {
    this.#reads -= 1
    if (this.#reads === 0) this.#queue[0]?.()
  }

  /** Sends a read that Sluice does not optimize. */
  pass<T>(send: () => Promise<T>): Promise<T> {
    return this.#queue.length === 0 ? send() : this.#queued(send)
  }

  /**
   * Takes a connection outside of transactions, for one statement that is not a read, or for the caller. Call
   * it in the app's own call.
   *
   * @param request - Requests the connection synchronously.
   * @param insteadOfRead - Whether the statement began as a read: it keeps its place in the order. Default:
   *   `false`.
   */
  async reserve<T>(
    request: () => Promise<T>,
    isForStatement = false,
    insteadOfRead = false,
  ): Promise<Reserved<T>> {
    const scope = this.client.scope()
    let leave = () => {}
    const enter = () => {
      leave = isForStatement ? this.#enterStatement() : this.#enterReservation(scope)
      return request()
    }
    this.dispatch()
    try {
      return { value: await (insteadOfRead ? this.#inPlaceOfRead(enter) : this.#whenFree(enter)), leave }
    } catch (error) {
      leave()
      throw error
    }
  }

  /** Runs a statement that is not a read, outside of transactions. Call it in the app's own call. */
  run<T>(send: () => Promise<T>): Promise<T> {
    if (this.isSingle) return this.#runAlone(send)
    this.dispatch()
    return send()
  }

  async #runAlone<T>(send: () => Promise<T>): Promise<T> {
    const { value, leave } = await this.reserve(send, true)
    leave()
    return value
  }

  #whenFree<T>(enter: () => Promise<T>): Promise<T> {
    const isFree = !this.isSingle || (this.#reads === 0 && this.#queue.length === 0)
    return isFree ? enter() : this.#queued(enter)
  }

  /** Everything that waits was issued after the read. */
  #inPlaceOfRead<T>(enter: () => Promise<T>): Promise<T> {
    this.#reads -= 1
    if (this.#reads > 0) return this.#queued(enter, true)
    try {
      return enter()
    } finally {
      this.#queue[0]?.()
    }
  }

  #enterStatement(): () => void {
    this.#statements += 1
    return () => {
      this.#statements -= 1
    }
  }

  #enterReservation(scope: Scope | undefined): () => void {
    this.#reservations.push(scope)
    return () => {
      this.#reservations.splice(this.#reservations.indexOf(scope), 1)
    }
  }

  /** Whether a reservation of the same scope has not ended. Code without a scope can belong to any. */
  #isReserved(): boolean {
    const scope = this.client.scope()
    return scope === undefined || this.#reservations.some((one) => one === undefined || one === scope)
  }

  /**
   * Announces a write that has no connection yet.
   *
   * @param effectOf - Its tables. Called at most once, if the app reads before the write has a connection.
   * @returns A function to call when it is sent on its connection, or never.
   */
  issued(effectOf: () => WriteEffect | undefined): () => void {
    const write = new IssuedWrite(this.client, effectOf)
    this.#issued.add(write)
    return () => {
      this.#issued.delete(write)
      write.end()
    }
  }

  /** Sends the lookups that wait for others of their group. */
  dispatch(): void {
    this.client.dispatch(this.isSingle)
  }

  /**
   * Resolves when every write that was issued until now is sent; `undefined`: each is. A read that is issued
   * now and not served from memory is sent after that.
   */
  earlierWrites(): Promise<unknown> | undefined {
    return this.#issued.size === 0 ? undefined : Promise.all([...this.#issued].map(({ ended }) => ended))
  }

  /** Called before a read: nothing that the issued writes modify may be served from memory. */
  holdIssued(): void {
    if (this.#issued.size > 0) for (const write of this.#issued) write.hold()
  }

  /** Waits until everything before it has requested its connection. */
  async #queued<T>(request: () => Promise<T>, isFirst = false): Promise<T> {
    await new Promise<void>((resolve) => (isFirst ? this.#queue.unshift(resolve) : this.#queue.push(resolve)))
    this.#queue.shift()
    try {
      return request()
    } finally {
      this.#queue[0]?.()
    }
  }
}
