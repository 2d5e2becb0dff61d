import type { ValueTypes } from '../../pipeline/operation.ts'
import { SluiceError } from '../../shared/errors.ts'
import { deserialize, serialize } from '../../shared/late-modules.ts'
import { setBusyAwareTimeout } from '../../shared/timers.ts'
import { unwrapValue, wrapValue } from '../../shared/wrapped-value.ts'
import { type CacheStore, EVERY_TAG, StoreUnavailableError } from './cache-store.ts'

/** Distinguishes Sluice's messages between processes from those of the app. */
const MARK = 'sluice:cache-store'

/**
 * The calls that a worker makes to the primary process. `hello` compares the times that both were configured
 * with.
 */
export type ClusterMethod =
  | 'hello'
  | 'watch'
  | 'unwatch'
  | Exclude<keyof CacheStore, 'leaseMs' | 'maxTtlMs' | 'watch' | 'close'>

export interface ClusterCall {
  readonly id: number
  readonly method: ClusterMethod
  readonly args: readonly unknown[]
}

export interface ClusterReply {
  readonly id: number
  readonly value?: unknown
  /** The reason for the failure. */
  readonly error?: string
}

/**
 * A message, in either direction. It is JSON, so that it can be sent with any serialization of the processes.
 */
export interface ClusterMessage {
  readonly mark: typeof MARK
  readonly namespace: string
  readonly calls?: readonly ClusterCall[]
  readonly replies?: readonly ClusterReply[]
  /** Tags that were invalidated; `[EVERY_TAG]` for everything. */
  readonly invalidated?: readonly string[]
}

export const EVERYTHING: readonly string[] = [EVERY_TAG]

export function clusterMessage(
  namespace: string,
  content: Omit<ClusterMessage, 'mark' | 'namespace'>,
): ClusterMessage {
  return { mark: MARK, namespace, ...content }
}

/** @returns `undefined` if the message belongs to the app, or to another store. */
export function readClusterMessage(message: unknown, namespace: string): ClusterMessage | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { mark, namespace: to } = message as Partial<ClusterMessage>
  return mark === MARK && to === namespace ? (message as ClusterMessage) : undefined
}

/**
 * @returns A string that survives any serialization of messages; `undefined` if the value has parts that
 * cannot be restored exactly.
 */
export function valueToText(value: unknown): string | undefined {
  const wrapped = wrapValue(value)
  return wrapped && (wrapped.isPlain ? '1' : '0') + serialize(wrapped.value).toString('base64')
}

/** @throws Error if the string is not a value, or contains a decimal and `types` has no class for it. */
export function valueFromText(text: string, types: ValueTypes = {}): unknown {
  return unwrapValue(
    { value: deserialize(Buffer.from(text.slice(1), 'base64')), isPlain: text.startsWith('1') },
    types,
    text.length,
  )
}

/** The channel from a worker to its primary process: `process`, in production. */
export interface ClusterPort {
  readonly connected: boolean
  send(message: ClusterMessage, sent: (error: Error | null) => void): void
  on(event: 'message', listener: (message: unknown) => void): void
  on(event: 'disconnect', listener: () => void): void
  off(event: 'message', listener: (message: unknown) => void): void
  off(event: 'disconnect', listener: () => void): void
}

interface Waiting {
  /** Clears its timeout. */
  answered(): void
  resolve(value: unknown): void
  reject(error: unknown): void
}

/**
 * Calls the primary process. All calls of an event-loop tick are sent in one message. Each call has a
 * timeout.
 */
export class ClusterCaller {
  readonly #waiting = new Map<number, Waiting>()
  #calls: ClusterCall[] = []
  #lastId = 0
  #closed = false

  constructor(
    private readonly port: ClusterPort,
    private readonly namespace: string,
    private readonly timeoutMs: number,
    private readonly onInvalidated: (tags: readonly string[] | undefined) => void,
  ) {
    port.on('message', this.#receive)
    port.on('disconnect', this.#disconnected)
  }

  /**
   * @throws StoreUnavailableError if there is no reply in time; SluiceError `SLUICE_CLOSED` after `close`.
   */
  call(method: ClusterMethod, ...args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.check()
      if (!this.port.connected) throw unavailable('this process is not connected to it.')
      this.#lastId += 1
      const id = this.#lastId
      const answered = setBusyAwareTimeout(this.timeoutMs, () =>
        this.#settle(id)?.reject(unavailable(`no response within ${this.timeoutMs} ms.`)),
      )
      this.#waiting.set(id, { answered, resolve, reject })
      // After the data of all sockets that are read in this tick, so that requests that arrived together
      // share one message.
      if (this.#calls.length === 0) setImmediate(() => this.#send())
      this.#calls.push({ id, method, args })
    })
  }

  check(): void {
    if (this.#closed) throw closed()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.port.off('message', this.#receive)
    this.port.off('disconnect', this.#disconnected)
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(closed())
  }

  #send(): void {
    const calls = this.#calls.filter(({ id }) => this.#waiting.has(id))
    this.#calls = []
    if (calls.length === 0) return
    const fail = (error: unknown): void => {
      for (const { id } of calls) this.#settle(id)?.reject(unavailable('the call could not be sent.', error))
    }
    try {
      this.port.send(clusterMessage(this.namespace, { calls }), (error) => {
        if (error !== null && error !== undefined) fail(error)
      })
    } catch (error) {
      fail(error)
    }
  }

  readonly #receive = (message: unknown): void => {
    const received = readClusterMessage(message, this.namespace)
    if (received?.invalidated !== undefined) this.onInvalidated(received.invalidated)
    for (const { id, value, error } of received?.replies ?? []) {
      const waiting = this.#settle(id)
      if (error === undefined) waiting?.resolve(value)
      else waiting?.reject(unavailable(error))
    }
  }

  readonly #disconnected = (): void => {
    for (const id of [...this.#waiting.keys()])
      this.#settle(id)?.reject(unavailable('the connection to it was closed.'))
    this.onInvalidated(undefined)
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    waiting?.answered()
    this.#waiting.delete(id)
    return waiting
  }
}

function unavailable(reason: string, cause?: unknown): StoreUnavailableError {
  return new StoreUnavailableError('The primary process', reason, cause)
}

function closed(): SluiceError {
  return new SluiceError('SLUICE_CLOSED', 'The cache store is closed. Create a new one for each Sluice.')
}
