import { addCallers } from './error-stack.ts'

/**
 * The reads of a transaction that has sent only plain reads so far: no write, no lock, no setting, no
 * savepoint, no function that is not known to be pure, and no statement that failed. Under READ COMMITTED,
 * each statement has a separate snapshot, so such a transaction sees exactly what any other connection would
 * see at that moment: its results may be cached, and served from the cache.
 */
export class TransactionReads {
  #isClean = true
  /** Calls of the app that have no result yet. */
  #pending = 0
  /** Resolve results from the cache that their callers have not received yet. */
  readonly #served: (() => void)[] = []

  constructor(
    /** Whether its isolation level is READ COMMITTED, as far as is known now. */
    private readonly readsCommitted: () => boolean,
  ) {}

  /** Whether the results of its reads may be cached. */
  get isClean(): boolean {
    return this.#isClean && this.readsCommitted()
  }

  /**
   * Whether a read may be served from the cache. A connection answers in the order of its statements, and
   * each sees at least what those before it have seen: so nothing is served while a result is pending.
   */
  get mayServe(): boolean {
    return this.#pending === 0 && this.isClean
  }

  /** Called when the app issues anything but a plain read, and when the transaction ends. */
  spoil(): void {
    this.#isClean = false
  }

  /**
   * Passes a result from the cache to its caller, as the connection would: one after the other, each when all
   * code that was waiting for earlier results has run. Otherwise, the order in which parallel calls continue
   * would depend on how many promises their callers use.
   */
  answer<T>(value: T): Promise<T> {
    return new Promise((resolve) => {
      this.#served.push(() => resolve(value))
      if (this.#served.length === 1) this.#passLater()
    })
  }

  #passLater(): void {
    // A tick that is added in a microtask runs after all microtasks.
    queueMicrotask(() =>
      process.nextTick(() => {
        this.#served[0]?.()
        this.#served.shift()
        if (this.#served.length > 0) this.#passLater()
      }),
    )
  }

  /** Runs a call of the app, which is pending until its promise settles. */
  follow<T>(run: () => Promise<T>): Promise<T> {
    this.#pending += 1
    const ended = () => {
      this.#pending -= 1
    }
    let running: Promise<T>
    try {
      running = run()
    } catch (error) {
      ended()
      throw error
    }
    // One promise after the other: with two reactions, V8 would cut the stack of an error at `running`.
    return running.then(
      (result) => {
        ended()
        return result
      },
      (error: unknown) => {
        ended()
        addCallers(error)
        throw error
      },
    )
  }
}
