import { setLongTimeout } from '@sluice/core/siblings'
import { backoffMs, EVERY_TAG, StoreUnavailableError, type StoreWatcher, Waiters } from '@sluice/core/stores'
import type { Redis } from 'ioredis'
import { ignore, replidOf, type Server } from './server/server.ts'

export interface BusListener {
  receive(message: string): void
  /** Messages may have been missed. */
  lost(): void
}

/**
 * First element of a message from a relay. Other relays ignore such a message: it would be passed on from
 * region to region forever.
 */
export const RELAYED = '>'

interface BusOptions {
  readonly channel: string
  readonly timeoutMs: number
}

interface Subscription {
  readonly redis: Redis
  readonly replid: string | undefined
}

/**
 * Receives the messages of other processes. Each time that it starts to receive, it notifies its listener
 * that messages may have been missed.
 */
export class Bus {
  readonly #waiting = new Waiters()
  #connecting: Redis | undefined
  #subscription: Subscription | undefined
  #retry: NodeJS.Timeout | undefined
  #attempt = 0
  #closed = false

  constructor(
    private readonly server: Server,
    private readonly listener: BusListener,
    private readonly options: BusOptions,
  ) {
    void this.#subscribe()
  }

  /** Resolves when all messages published before the call have been received. */
  async ping(): Promise<void> {
    const { redis, replid } = this.#subscription ?? (await this.#subscribed())
    // In a Cluster, another node may have taken over. A command for a key of the slot reveals that.
    if (this.server.isCluster) await this.server.client.exists(this.options.channel)
    if (replid !== undefined && !this.server.isListening(redis, replid)) {
      redis.disconnect()
      throw new StoreUnavailableError(
        'Redis',
        'invalidations arrive from a different server than the server of the writes.',
      )
    }
    try {
      await redis.ping()
    } catch (error) {
      // The connection may be dead although the client has not noticed.
      redis.disconnect()
      throw error
    }
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#connecting?.disconnect()
    this.#subscription?.redis.disconnect()
    this.#subscription = undefined
    this.#waiting.release()
  }

  async #subscribe(): Promise<void> {
    try {
      await this.server.connected()
    } catch {
      return this.#again()
    }
    if (this.#closed) return
    const redis = this.server.subscriber()
    if (redis === undefined) return this.#again()
    this.#connecting = redis
    redis.on('error', ignore)
    redis.once('end', () => this.#ended(redis))
    redis.on(this.server.isCluster ? 'smessage' : 'message', (_channel: string, message: string) => {
      if (!this.#closed) this.listener.receive(message)
    })
    try {
      await redis.connect()
      const replid = await replidOf(redis)
      await (this.server.isCluster
        ? redis.ssubscribe(this.options.channel)
        : redis.subscribe(this.options.channel))
      if (this.#closed || redis.status !== 'ready') return redis.disconnect()
      this.#attempt = 0
      this.#subscription = { redis, replid }
    } catch {
      return redis.disconnect()
    }
    this.listener.lost()
    this.#waiting.release()
  }

  #ended(redis: Redis): void {
    if (this.#subscription?.redis === redis) this.#subscription = undefined
    if (this.#connecting === redis) this.#connecting = undefined
    this.#again()
  }

  #again(): void {
    if (this.#closed) return
    clearTimeout(this.#retry)
    this.#retry = setLongTimeout(() => void this.#subscribe(), backoffMs(this.#attempt))
    this.#retry.unref()
    this.#attempt += 1
  }

  async #subscribed(): Promise<Subscription> {
    await this.#waiting.wait(
      this.options.timeoutMs,
      () => new StoreUnavailableError('Redis', 'invalidations cannot be received now.'),
    )
    if (this.#subscription === undefined)
      throw new StoreUnavailableError('Redis', 'invalidations cannot be received now.')
    return this.#subscription
  }
}

/** Notifies a watcher of the tags that a message names. */
export function tagListener(watcher: StoreWatcher): BusListener {
  return {
    receive: (message) => {
      const tags = tagsIn(message)
      if (tags === undefined || tags.includes(EVERY_TAG)) watcher.lost()
      else watcher.invalidated(tags[0] === RELAYED ? tags.slice(1) : tags)
    },
    lost: () => watcher.lost(),
  }
}

/**
 * @returns `undefined` if the message has a different format, for example that of another version: its
 * content is unknown.
 */
export function tagsIn(message: string): readonly string[] | undefined {
  try {
    const tags: unknown = JSON.parse(message)
    return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') ? tags : undefined
  } catch {
    return undefined
  }
}
