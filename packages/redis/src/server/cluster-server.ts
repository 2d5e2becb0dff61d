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
  /** Of nodes that are connected and have no link yet. */
  readonly #replids = new WeakMap<Redis, string>()

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
    for (const event of ['ready', 'refresh', '-node']) this.client.on(event, () => this.#announce())
  }

  connect(): void {
    this.client.connect().catch(ignore)
  }

  link(): Link | undefined {
    const owner = this.client.status === 'ready' ? this.#owner() : undefined
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

  async #greet(node: Redis): Promise<void> {
    try {
      this.#replids.set(node, (await replidOf(node)) ?? NO_REPLID)
      this.#announce()
    } catch {
      node.disconnect()
    }
  }

  /** Makes a link of the connection to the owner, once all is known that it takes. */
  #announce(): void {
    // Before that the client asks any node whether the Cluster is up, and must not meet one that is about to connect.
    if (this.client.status !== 'ready') return
    const masters = this.client.nodes('master')
    // A node connects when it is first asked, and refuses what else it is asked meanwhile.
    for (const node of masters) if (node.status === 'wait') node.connect().catch(ignore)
    const owner = this.#owner()
    const replid = owner && this.#replids.get(owner)
    if (owner === undefined || replid === undefined || masters.some(({ status }) => status !== 'ready')) return
    this.#replids.delete(owner)
    const use = () => {
      if (owner.status !== 'ready') return
      this.#links.set(owner, { replid })
      this.#first.arrived()
      this.options.onLink()
    }
    if (replid === NO_REPLID) this.options.forgetEpoch().then(use, () => owner.disconnect())
    else use()
  }
}

function addressOf({ options }: Redis): string {
  return `${options.host}:${options.port}`
}
