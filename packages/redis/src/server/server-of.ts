import { backoffMs, FirstLink } from '@sluice/core/stores'
import type { Cluster, Redis } from 'ioredis'
import {
  boundedOptions,
  CommandTimeouts,
  gatherWrites,
  ignore,
  type Link,
  NO_REPLID,
  replidOf,
  type Server,
  type ServerOptions,
} from './server.ts'

const SLOTS = 16_384

/**
 * Returns the slot of a hash tag in a Cluster: CRC-16/XMODEM of its bytes. Source: Redis Cluster
 * specification.
 */
export function keySlot(hashTag: string): number {
  let crc = 0
  for (const byte of Buffer.from(hashTag)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
    crc &= 0xffff
  }
  return crc % SLOTS
}

/** Returns the hash tag of a key, which alone determines its slot; `undefined`: it has none. */
export function hashTagOf(key: string): string | undefined {
  const open = key.indexOf('{')
  const close = key.indexOf('}', open)
  return open < 0 || close <= open + 1 ? undefined : key.slice(open + 1, close)
}

/**
 * Connects to the server of an ioredis instance.
 *
 * @param slot - In a Cluster, the slot whose owner matters.
 */
export function serverOf(redis: Redis | Cluster, slot: number, options: ServerOptions): Server {
  const server = redis.isCluster
    ? new ClusterServer(redis as Cluster, slot, options)
    : new StandaloneServer(redis as Redis, options)
  server.connect()
  return server
}

/** A single node, at a fixed address or behind Sentinels. */
class StandaloneServer implements Server {
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

/** A Cluster. Only the current owner of the slot with the tags matters. */
class ClusterServer implements Server {
  readonly client: Cluster
  readonly isCluster = true
  readonly #first: FirstLink
  readonly #timeouts: CommandTimeouts
  /**
   * The node that was queried for its replication id as the owner of the slot. Each node object has a single
   * connection in its lifetime.
   */
  #identified: Redis | undefined
  #link: Link | undefined

  constructor(
    cluster: Cluster,
    private readonly slot: number,
    private readonly options: ServerOptions,
  ) {
    this.#first = new FirstLink('Redis', options.commandTimeoutMs)
    this.#timeouts = new CommandTimeouts(options.commandTimeoutMs)
    const { enableOfflineQueue, enableAutoPipelining, keyPrefix, ...ofNodes } = boundedOptions(
      options.commandTimeoutMs,
    )
    this.client = cluster.duplicate([], {
      enableOfflineQueue,
      enableAutoPipelining,
      keyPrefix,
      scaleReads: 'master',
      lazyConnect: true,
      shardedSubscribers: false,
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      maxRedirections: 4,
      clusterRetryStrategy: backoffMs,
      clusterNodeRetryStrategy: null,
      slotsRefreshTimeout: Math.max(1_000, options.commandTimeoutMs),
      redisOptions: ofNodes,
    })
    this.client.on('error', ignore)
    this.#timeouts.watch(this.client)
    gatherWrites(this.client)
    this.client.on('+node', (node: Redis) => node.on('ready', () => this.#look()))
    for (const event of ['ready', 'refresh', '-node']) this.client.on(event, () => this.#look())
  }

  connect(): void {
    this.client.connect().catch(ignore)
  }

  link(): Link | undefined {
    if (this.#link === undefined || this.client.status !== 'ready') return undefined
    return this.#identified?.status === 'ready' && this.#identified === this.#owner() ? this.#link : undefined
  }

  connected(): Promise<void> | undefined {
    return this.#first.wait()
  }

  subscriber(): Redis | undefined {
    const subscriber = this.#owner()?.duplicate({
      ...boundedOptions(this.options.commandTimeoutMs),
      readOnly: false,
      lazyConnect: true,
      retryStrategy: () => null,
      protocol: 2,
    })
    if (subscriber !== undefined) this.#timeouts.watch(subscriber)
    return subscriber
  }

  isListening(subscriber: Redis, replid: string): boolean {
    const owner = this.#owner()
    return owner !== undefined && addressOf(owner) === addressOf(subscriber) && this.link()?.replid === replid
  }

  reconnect(): void {
    const owner = this.#owner()
    if (owner?.status === 'ready') owner.disconnect()
    this.client.refreshSlotsCache()
  }

  close(): void {
    this.client.disconnect()
  }

  #owner(): Redis | undefined {
    const address = this.client.slots[this.slot]?.[0]
    return address === undefined
      ? undefined
      : this.client.nodes('all').find((node) => addressOf(node) === address)
  }

  /**
   * Ensures that there is a link to the owner of the slot, whenever the nodes, their connections or the owner
   * may have changed.
   */
  #look(): void {
    // Earlier, the client queries any node for the state of the Cluster, and must not select one that is
    // about to connect.
    if (this.client.status !== 'ready') return
    const masters = this.client.nodes('master')
    // A node connects on its first command, and rejects other commands meanwhile.
    for (const node of masters) if (node.status === 'wait') node.connect().catch(ignore)
    const owner = this.#owner()
    if (owner === undefined || owner === this.#identified || masters.some(({ status }) => status !== 'ready'))
      return
    this.#identified = owner
    this.#link = undefined
    void this.#greet(owner)
  }

  /**
   * A replica that is promoted gets a new replication id on the same connection. Therefore, the id is queried
   * once the node is the owner, not before.
   */
  async #greet(owner: Redis): Promise<void> {
    try {
      const replid = await replidOf(owner)
      if (replid === undefined) await this.options.forgetEpoch()
      if (this.#identified !== owner) return
      this.#link = { replid: replid ?? NO_REPLID }
      this.#first.arrived()
      this.options.onLink()
    } catch (error) {
      this.#first.failed(error)
      if (this.#identified === owner) this.#identified = undefined
      owner.disconnect()
    }
  }
}

function addressOf({ options }: Redis): string {
  return `${options.host}:${options.port}`
}
