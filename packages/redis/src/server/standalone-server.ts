import { backoffMs, FirstLink } from '@sluice/core/stores'
import type { Cluster, Redis } from 'ioredis'
import { CommandTimeouts, gatherWrites } from './connection-commands.ts'
import {
  boundedOptions,
  ignore,
  type Link,
  NO_REPLID,
  replidOf,
  type Server,
  type ServerOptions,
} from './server.ts'

/** A single node, at a fixed address or behind Sentinels. */
export class StandaloneServer implements Server {
  readonly client: Redis
  readonly isCluster = false
  readonly #first: FirstLink
  readonly #timeouts: CommandTimeouts
  #link: Link | undefined
  /** Counts connections, to recognize replies from an earlier one. */
  #connection = 0
  /** Consecutive connections that did not lead to a link. */
  #failures = 0

  constructor(
    private readonly redis: Redis,
    private readonly options: ServerOptions,
  ) {
    this.#first = new FirstLink('Redis', options.commandTimeoutMs)
    this.#timeouts = new CommandTimeouts(options.commandTimeoutMs)
    this.client = redis.duplicate({
      ...boundedOptions(options.commandTimeoutMs),
      ...this.#masterOnly,
      lazyConnect: true,
      // A connection alone is not a success: its server may be a replica.
      retryStrategy: () => {
        this.#failures += 1
        return backoffMs(this.#failures)
      },
    })
    this.#timeouts.watch(this.client)
    gatherWrites(this.client)
    this.client.on('error', ignore)
    this.client.on('ready', () => void this.#greet())
    this.client.on('close', () => {
      this.#connection += 1
      this.#link = undefined
    })
  }

  connect(): void {
    this.client.connect().catch(ignore)
  }

  link(): Link | undefined {
    return this.client.status === 'ready' ? this.#link : undefined
  }

  connected(): Promise<void> | undefined {
    return this.#first.wait()
  }

  subscriber(): Redis {
    const subscriber = this.redis.duplicate({
      ...boundedOptions(this.options.commandTimeoutMs),
      ...this.#masterOnly,
      lazyConnect: true,
      retryStrategy: () => null,
      sentinelRetryStrategy: () => null,
      protocol: 2,
    })
    this.#timeouts.watch(subscriber)
    return subscriber
  }

  isListening(_subscriber: Redis | Cluster, replid: string): boolean {
    return this.link()?.replid === replid
  }

  reconnect(): void {
    if (this.client.status === 'ready') this.client.disconnect(true)
  }

  close(): void {
    this.#link = undefined
    this.client.disconnect()
  }

  get #masterOnly(): { readonly role?: 'master'; readonly readOnly: false } {
    return this.redis.options.sentinels == null ? { readOnly: false } : { role: 'master', readOnly: false }
  }

  async #greet(): Promise<void> {
    const connection = this.#connection
    try {
      const replid = await replidOf(this.client)
      if (replid === undefined) await this.options.forgetEpoch()
      if (connection !== this.#connection) return
      this.#link = { replid: replid ?? NO_REPLID }
      this.#failures = 0
      this.#first.arrived()
      this.options.onLink()
    } catch (error) {
      this.#first.failed(error)
      if (connection === this.#connection) this.reconnect()
    }
  }
}
