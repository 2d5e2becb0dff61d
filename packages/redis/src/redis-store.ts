import { isInstance } from '@sluice/core/siblings'
import {
  type BatchReply,
  type CacheStore,
  codecOf,
  type EntryCodec,
  Guard,
  type NewEntry,
  ReadBatch,
  type Stamps,
  type StoreCounters,
  type StoreState,
  type StoreWatcher,
} from '@sluice/core/stores'
import type { Cluster, Redis } from 'ioredis'
import { Packr } from 'msgpackr'
import { Bus, type BusListener, tagListener } from './bus.ts'
import { type Keys, keysOf } from './keys.ts'
import type { ResolvedRedisStoreOptions } from './redis-store-options.ts'
import { type EvictionRisk, type Server, warnOfEviction } from './server/server.ts'
import { keySlot, serverOf } from './server/server-of.ts'
import { type RegionRole, TagScripts } from './tag-scripts.ts'

const SCAN_COUNT = 1_000
/** Intents of writers have no TTL. */
const EVICTION: EvictionRisk = {
  fits: (policy) => policy === 'noeviction' || policy.startsWith('volatile-'),
  text: 'it can evict the write intents of processes, and stale results can then be served. Use noeviction or a volatile policy.',
}

/**
 * A store in Redis. Its failures are `StoreUnavailableError`s. If Redis keeps failing, a circuit breaker
 * rejects calls for a while.
 */
export interface RedisStore extends CacheStore {
  /** `down`: there is no connection, or the circuit breaker is open. */
  state(): 'up' | 'down'
  counters(): StoreCounters
}

export class Store implements RedisStore {
  readonly #keys: Keys
  readonly #codec: EntryCodec
  readonly #guard: Guard
  readonly #server: Server
  readonly #scripts: TagScripts
  readonly #batch: ReadBatch
  #bus: Bus | undefined
  #checkedEviction = false

  constructor(
    redis: Redis | Cluster,
    private readonly options: ResolvedRedisStoreOptions & RegionRole,
  ) {
    const { namespace, commandTimeoutMs, maxFailures, retryAfterMs } = options
    this.#keys = keysOf(namespace)
    this.#codec = codecOf(Packr, options)
    this.#guard = new Guard({
      store: 'Redis',
      maxFailures,
      retryAfterMs,
      isReply: isFull,
      onBreak: () => this.#server.reconnect(),
    })
    this.#server = serverOf(redis, keySlot(namespace), {
      commandTimeoutMs,
      onLink: () => this.#linked(),
      forgetEpoch: async () => {
        await this.#server.client.del(this.#keys.epoch, this.#keys.quarantine)
      },
    })
    this.#scripts = new TagScripts(this.#server, this.#keys, options)
    this.#batch = new ReadBatch({
      send: (tags, keys) => this.#run(() => this.#send(tags, keys)),
      decode: (key, bytes) => this.#codec.decode(key, bytes),
    })
  }

  get leaseMs(): number {
    return this.options.leaseMs
  }

  get maxTtlMs(): number {
    return this.options.maxTtlMs
  }

  state(): 'up' | 'down' {
    return this.#guard.isOpen || this.#server.link() === undefined ? 'down' : 'up'
  }

  counters(): StoreCounters {
    return this.#guard.counters
  }

  read(tags: readonly string[], key?: string): Promise<StoreState> {
    try {
      this.#guard.check()
      return this.#batch.read(tags, key === undefined ? undefined : this.#keys.entry(key))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  open(tags: readonly string[]): Promise<Stamps | undefined> {
    return this.#run(() => this.#scripts.open(tags))
  }

  begin(tags: readonly string[], token: string): Promise<void> {
    return this.#run(() => this.#scripts.begin(tags, token))
  }

  renew(tags: readonly string[], token: string): Promise<boolean> {
    return this.#run(() => this.#scripts.renew(tags, token))
  }

  end(tags: readonly string[], token: string): Promise<Stamps | undefined> {
    return this.#run(() => this.#scripts.end(tags, token))
  }

  async set(key: string, entry: NewEntry, keepMs: number): Promise<boolean> {
    this.#guard.check()
    const ms = Math.floor(Math.min(keepMs, this.options.maxTtlMs))
    if (!(ms > 0)) return false
    const id = this.#keys.entry(key)
    const bytes = await this.#codec.encode(id, entry)
    if (bytes === undefined) return false
    await this.#run(() => this.#server.client.set(id, bytes, 'PX', ms))
    return true
  }

  async delete(keys: readonly string[]): Promise<void> {
    this.#guard.check()
    if (keys.length > 0) await this.#run(() => this.#unlink(keys.map((key) => this.#keys.entry(key))))
  }

  async clear(): Promise<void> {
    await this.#guard.pass(async () => this.#server.connected())
    const { client } = this.#server
    const nodes = 'nodes' in client ? client.nodes('master') : [client]
    await Promise.all(nodes.map((node) => this.#clearNode(node)))
  }

  claim(key: string, token: string, ms: number): Promise<boolean> {
    return this.#run(
      async () =>
        (await this.#server.client.set(
          this.#keys.claim(key),
          token,
          'PX',
          Math.max(1, Math.ceil(ms)),
          'NX',
        )) === 'OK',
    )
  }

  release(key: string, token: string): Promise<void> {
    return this.#run(() => this.#scripts.release(this.#keys.claim(key), token))
  }

  watch(watcher: StoreWatcher): () => void {
    return this.listen(tagListener(watcher))
  }

  /** Like `watch`, with the messages as they were sent. */
  listen(listener: BusListener): () => void {
    this.#guard.check()
    this.#bus?.close()
    const bus = new Bus(this.#server, listener, {
      channel: this.#keys.bus,
      timeoutMs: this.options.commandTimeoutMs,
    })
    this.#bus = bus
    return () => {
      bus.close()
      if (this.#bus === bus) this.#bus = undefined
    }
  }

  ping(): Promise<void> {
    return this.#guard.pass(async () => {
      if (this.#bus !== undefined) return this.#bus.ping()
      await this.#server.connected()
      await this.#server.client.exists(this.#keys.epoch)
    })
  }

  /** See `TagScripts.writtenTags`. */
  writtenTags(): Promise<ReadonlySet<string> | undefined> {
    return this.#run(() => this.#scripts.writtenTags())
  }

  /** Runs commands for keys of the tags' slot. */
  run<T>(send: (client: Redis | Cluster, keys: Keys) => Promise<T>): Promise<T> {
    return this.#run(() => send(this.#server.client, this.#keys))
  }

  async close(): Promise<void> {
    this.#guard.close()
    this.#bus?.close()
    this.#server.close()
  }

  #run<T>(send: () => Promise<T>): Promise<T> {
    return this.#guard.run(() => {
      const connected = this.#server.connected()
      return connected === undefined ? send() : connected.then(send)
    })
  }

  async #send(tags: readonly string[], keys: readonly string[]): Promise<BatchReply> {
    const server = this.#server
    const { client } = server
    const link = server.link()
    const { regions } = this.options
    const first = 1 + regions.length
    const states = [
      this.#keys.epoch,
      ...regions.map((region) => this.#keys.fresh(region)),
      ...tags.map((tag) => this.#keys.stamp(tag)),
    ]
    let replies: readonly (Buffer | null)[]
    if (server.isCluster) {
      // An entry on a node that is down counts as missing.
      const [stamps, ...entries] = await Promise.all([
        client.mgetBuffer(states),
        ...keys.map((key) => client.getBuffer(key).catch(() => null)),
      ])
      replies = [...stamps, ...entries]
    } else replies = await client.mgetBuffer([...states, ...keys])
    const epoch = replies[0]?.toString('latin1')
    // If the link is the same before and after, the reply came from its server.
    const isOurs = link !== undefined && server.link() === link && epoch?.startsWith(`${link.replid}.`)
    const isFresh = !replies.slice(1, first).includes(null)
    return {
      epoch: isOurs && isFresh ? epoch : undefined,
      stamps: replies.slice(first, states.length).map((stamp) => stamp?.toString('latin1')),
      entries: replies.slice(states.length),
    }
  }

  async #unlink(ids: readonly string[]): Promise<void> {
    const { client, isCluster } = this.#server
    if (isCluster) await Promise.all(ids.map((id) => client.unlink(id)))
    else await client.unlink([...ids])
  }

  async #clearNode(node: Redis): Promise<void> {
    let cursor = '0'
    do {
      const [next, ids] = await this.#run(() =>
        node.scan(cursor, 'MATCH', `${this.#keys.entryPrefix}*`, 'COUNT', SCAN_COUNT),
      )
      cursor = next
      if (ids.length > 0) await this.#run(() => this.#unlink(ids))
    } while (cursor !== '0')
  }

  #linked(): void {
    this.#guard.reset()
    if (this.#checkedEviction) return
    this.#checkedEviction = true
    void warnOfEviction(this.#server.client, EVICTION)
  }
}

/** A server without free memory stores no more entries, but executes all other commands. */
function isFull(error: unknown): boolean {
  return isInstance(error, Error) && error.message.startsWith('OOM ')
}
