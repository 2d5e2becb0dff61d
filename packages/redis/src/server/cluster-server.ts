import type { Cluster, Redis } from 'ioredis'
import { FirstLink } from './first-link.ts'
import { backoffMs, boundedOptions, ignore, type Link, NO_REPLID, replidOf, type Server, type ServerOptions } from './server.ts'

/** A Cluster; what matters is the node that has the slot of the tags, whichever that is. */
export class ClusterServer implements Server {
  readonly client: Cluster
  readonly isCluster = true
  readonly #first: FirstLink
  /** A node's object has one connection in its life. */
  readonly #links = new WeakMap<Redis, Link>()

  constructor(
    given: Cluster,
    private readonly slot: number,
    private readonly options: ServerOptions,
  ) {
    this.#first = new FirstLink(options.commandTimeoutMs)
    const { enableOfflineQueue, enableAutoPipelining, keyPrefix, ...ofNodes } = boundedOptions(options.commandTimeoutMs)
    this.client = given.duplicate([], {
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
    this.client.on('+node', (node: Redis) => {
      node.on('ready', () => void this.#greet(node))
      node.once('end', () => this.#links.delete(node))
    })
    // Nodes connect when they are first asked; a link is needed before that.
    this.client.on('refresh', () => this.#connectOwner())
  }

  connect(): void {
    this.client.connect().catch(ignore)
  }

  link(): Link | undefined {
    const owner = this.#owner()
    return owner?.status === 'ready' ? this.#links.get(owner) : undefined
  }

  connected(): Promise<void> {
    return this.#first.wait()
  }

  subscriber(): Redis | undefined {
    return this.#owner()?.duplicate({
      ...boundedOptions(this.options.commandTimeoutMs),
      readOnly: false,
      lazyConnect: true,
      retryStrategy: () => null,
      protocol: 2,
    })
  }

  hears(subscriber: Redis, replid: string): boolean {
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
    return address === undefined ? undefined : this.client.nodes('all').find((node) => addressOf(node) === address)
  }

  #connectOwner(): void {
    const owner = this.#owner()
    if (owner?.status === 'wait') owner.connect().catch(ignore)
  }

  async #greet(node: Redis): Promise<void> {
    try {
      const replid = await replidOf(node)
      if (replid === undefined && node === this.#owner()) await this.options.forgetEpoch()
      this.#links.set(node, { replid: replid ?? NO_REPLID })
    } catch {
      node.disconnect()
      return
    }
    if (node !== this.#owner()) return
    this.#first.arrived()
    this.options.onLink()
  }
}

function addressOf({ options }: Redis): string {
  return `${options.host}:${options.port}`
}
