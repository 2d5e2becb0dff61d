/** A connection that a caller has not needed yet. */
export class LateConnection<TConnection> {
  #value: TConnection | undefined
  #taking: Promise<TConnection> | undefined
  #isReleased = false
  readonly #reads = new Set<Promise<unknown>>()

  constructor(
    private readonly take: () => Promise<TConnection>,
    /** Called when it is taken. */
    private readonly taken: (connection: TConnection) => void = () => {},
  ) {}

  /** `undefined` until it is taken. */
  get value(): TConnection | undefined {
    return this.#value
  }

  /** Whether it is taken, or will be. */
  get isNeeded(): boolean {
    return this.#taking !== undefined
  }

  /** The caller has sent a read elsewhere. Its later statements must not overtake it. */
  follow(read: Promise<unknown>): void {
    this.#reads.add(read)
    const done = () => void this.#reads.delete(read)
    read.then(done, done)
  }

  /** Takes the connection, which then belongs to the caller, after the reads that it has sent. */
  need(): Promise<TConnection> {
    this.#taking ??= this.#take()
    return this.#taking
  }

  /**
   * The caller does not need it any longer.
   *
   * @throws Error if it is called twice, as by the drivers.
   */
  release(release: (connection: TConnection) => void): void {
    if (this.#isReleased)
      throw new Error('Release called on client which has already been released to the pool.')
    this.#isReleased = true
    if (this.#value !== undefined) release(this.#value)
    else this.#taking?.then(release, () => {})
  }

  async #take(): Promise<TConnection> {
    await Promise.allSettled(this.#reads)
    const value = await this.take()
    this.#value = value
    this.taken(value)
    return value
  }
}
