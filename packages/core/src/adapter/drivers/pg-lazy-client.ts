import { LateConnection } from './late-connection.ts'
import { isSubmittable } from './pg-query.ts'

type Callback = (...args: unknown[]) => unknown

/** The members of a client of `pg` that ORMs use. */
export interface LazyPgClient {
  query(...args: unknown[]): unknown
  on(event: string, listener: Callback): this
  once(event: string, listener: Callback): this
  addListener(event: string, listener: Callback): this
  removeListener(event: string, listener: Callback): this
  off(event: string, listener: Callback): this
  release(error?: unknown): void
}

/** A stand-in for a pool, as {@link LazyPgClient} uses it. */
export interface LazyPool {
  query(...args: unknown[]): unknown
  connect(): Promise<LazyPgClient>
}

/**
 * A client that takes its connection with the first statement that is not certainly a read, and keeps it.
 * Until then, its reads are those of the pool. For an ORM that takes a connection for each query: the session
 * of such a connection is not yet anyone's.
 */
export class PgLazyClient implements LazyPgClient {
  readonly #late: LateConnection<LazyPgClient>
  readonly #listeners: { readonly event: string; readonly listener: Callback; readonly isOnce: boolean }[] =
    []

  /** @param onlyReads - Whether a statement certainly only reads. */
  constructor(
    private readonly pool: LazyPool,
    private readonly onlyReads: (sql: string) => boolean,
  ) {
    this.#late = new LateConnection(
      () => pool.connect(),
      (client) => this.#listenTo(client),
    )
  }

  /** The connection itself, for a caller that asks for it. */
  bind(): Promise<LazyPgClient> {
    return this.#late.need()
  }

  query(...args: unknown[]): unknown {
    const [first] = args
    const { value } = this.#late
    if (value !== undefined) return value.query(...args)
    const text = typeof first === 'string' ? first : (first as { readonly text?: unknown } | null)?.text
    const isRead = typeof text === 'string' && !isSubmittable(first) && this.onlyReads(text)
    if (!this.#late.isNeeded && isRead) return this.#read(args)
    const callback = args.at(-1)
    const bound = this.bind()
    if (isSubmittable(first)) {
      bound.then(
        (client) => client.query(...args),
        (error: unknown) => (first as { handleError?(error: unknown): void }).handleError?.(error),
      )
      return first
    }
    if (typeof callback !== 'function') return bound.then((client) => client.query(...args))
    bound.then(
      (client) => client.query(...args),
      (error: unknown) => callback(error),
    )
    return undefined
  }

  on(event: string, listener: Callback): this {
    return this.#listen(event, listener, false)
  }

  once(event: string, listener: Callback): this {
    return this.#listen(event, listener, true)
  }

  addListener(event: string, listener: Callback): this {
    return this.#listen(event, listener, false)
  }

  removeListener(event: string, listener: Callback): this {
    const at = this.#listeners.findIndex((one) => one.event === event && one.listener === listener)
    if (at >= 0) this.#listeners.splice(at, 1)
    this.#late.value?.removeListener(event, listener)
    return this
  }

  off(event: string, listener: Callback): this {
    return this.removeListener(event, listener)
  }

  release(error?: unknown): void {
    this.#late.release((client) => client.release(error))
  }

  #read(args: readonly unknown[]): unknown {
    const callback = args.at(-1)
    let answered: Promise<unknown>
    let sent: unknown
    if (typeof callback === 'function')
      answered = new Promise<void>((resolve) => {
        sent = this.pool.query(...args.slice(0, -1), (...results: unknown[]) => {
          resolve()
          callback(...results)
        })
      })
    else {
      sent = this.pool.query(...args)
      answered = Promise.resolve(sent)
    }
    this.#late.follow(answered)
    return sent
  }

  #listenTo(client: LazyPgClient): void {
    for (const { event, listener, isOnce } of this.#listeners.splice(0))
      if (isOnce) client.once(event, listener)
      else client.on(event, listener)
  }

  #listen(event: string, listener: Callback, isOnce: boolean): this {
    const { value } = this.#late
    if (value === undefined) this.#listeners.push({ event, listener, isOnce })
    else if (isOnce) value.once(event, listener)
    else value.on(event, listener)
    return this
  }
}
