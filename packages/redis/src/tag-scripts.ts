import { randomToken } from '@sluice/core/siblings'
import { EVERY_TAG, type Stamps } from '@sluice/core/stores'
import type { Cluster, Redis } from 'ioredis'
import { RELAYED } from './bus.ts'
import type { Keys } from './keys.ts'
import type { ResolvedRedisStoreOptions } from './redis-store-options.ts'
import { BEGIN, END, OPEN, RELEASE, RENEW, WRITERS } from './scripts.ts'
import { NO_REPLID, type Server } from './server/server.ts'

type Script = (keyCount: number, ...keysAndArguments: (string | number)[]) => Promise<unknown>

interface Scripts {
  readonly sluiceBegin: Script
  readonly sluiceRenew: Script
  readonly sluiceEnd: Script
  readonly sluiceOpen: Script
  readonly sluiceRelease: Script
  readonly sluiceWriters: Script
}

/** The part of a store among the stores of several regions. */
export interface RegionRole {
  /** Other regions, whose writes arrive through relays. */
  readonly regions: readonly string[]
  /** Whether the store belongs to a relay, which passes on the writes of another region. */
  readonly isRelay: boolean
}

/** Operations that modify the state of tags. Each takes one script and one round trip. */
export class TagScripts {
  readonly #scripts: Scripts

  constructor(
    private readonly server: Server,
    private readonly keys: Keys,
    private readonly options: ResolvedRedisStoreOptions & RegionRole,
  ) {
    const client: Redis | Cluster = server.client
    const sources = {
      sluiceBegin: BEGIN,
      sluiceRenew: RENEW,
      sluiceEnd: END,
      sluiceOpen: OPEN,
      sluiceRelease: RELEASE,
      sluiceWriters: WRITERS,
    }
    for (const [name, lua] of Object.entries(sources)) client.defineCommand(name, { lua })
    this.#scripts = client as unknown as Scripts
  }

  async open(tags: readonly string[]): Promise<Stamps | undefined> {
    const { maxTtlMs, quarantineMs, regions } = this.options
    const rest = [randomToken(), 2 * maxTtlMs, quarantineMs, regions.length]
    return this.#stamps(tags, await this.#run('sluiceOpen', tags, [EVERY_TAG], rest, regions))
  }

  async begin(tags: readonly string[], token: string): Promise<void> {
    this.#noteReplid(
      await this.#run('sluiceBegin', tags, this.#notifiedTags(tags), this.#intent(tags, token)),
    )
  }

  async renew(tags: readonly string[], token: string): Promise<boolean> {
    const intent = this.#intent(tags, token)
    const [replid, all] = (await this.#run('sluiceRenew', tags, this.#notifiedTags(tags), intent)) as [
      string,
      number,
    ]
    this.#noteReplid(replid)
    return all === 1
  }

  async end(tags: readonly string[], token: string): Promise<Stamps | undefined> {
    const rest = [token, randomToken(), 2 * this.options.maxTtlMs, writesAll(tags)]
    return this.#stamps(tags, await this.#run('sluiceEnd', tags, this.#notifiedTags(tags), rest))
  }

  /**
   * The tags of all writes in flight, without those that relays pass on; `undefined` while it is not certain
   * that none is missing.
   */
  async writtenTags(): Promise<ReadonlySet<string> | undefined> {
    const rest = [this.options.quarantineMs]
    const [replid, writers] = (await this.#run('sluiceWriters', [], [EVERY_TAG], rest)) as [string, string[]?]
    this.#noteReplid(replid)
    return writers && new Set(writers.flatMap((text) => JSON.parse(text.slice(0, text.indexOf('\n')))))
  }

  async release(key: string, token: string): Promise<void> {
    await this.#scripts.sluiceRelease(1, key, token)
  }

  /** @param notified - The tags that watchers receive if the script notifies them. */
  #run(
    name: keyof Scripts,
    tags: readonly string[],
    notified: readonly string[],
    rest: readonly (string | number)[],
    regions: readonly string[] = [],
  ): Promise<unknown> {
    const { keys, server } = this
    const names = [keys.epoch, keys.quarantine, keys.everyIntent, keys.writers]
    for (const tag of tags) if (tag !== EVERY_TAG) names.push(keys.stamp(tag), keys.intent(tag))
    for (const region of regions) names.push(keys.fresh(region))
    const publish = server.isCluster ? 'SPUBLISH' : 'PUBLISH'
    const replid = server.link()?.replid ?? NO_REPLID
    return this.#scripts[name](
      names.length,
      ...names,
      replid,
      publish,
      keys.bus,
      JSON.stringify(notified),
      ...rest,
    )
  }

  #notifiedTags(tags: readonly string[]): readonly string[] {
    return this.options.isRelay ? [RELAYED, ...tags] : tags
  }

  #intent(tags: readonly string[], token: string): readonly (string | number)[] {
    return [token, this.options.leaseMs, writesAll(tags), this.options.isRelay ? '1' : '0']
  }

  #stamps(tags: readonly string[], reply: unknown): Stamps | undefined {
    const [replid, epoch, ...fresh] = reply as string[]
    this.#noteReplid(replid)
    if (epoch === undefined) return undefined
    let at = 0
    const stamps = tags.map((tag) => (tag === EVERY_TAG ? epoch : (fresh[at++] ?? '')))
    return { epoch, stamps }
  }

  /**
   * A server may change its replication id while it is connected, for example an hour after its last replica
   * has disconnected.
   */
  #noteReplid(replid: unknown): void {
    const link = this.server.link()
    if (link !== undefined && typeof replid === 'string') link.replid = replid
  }
}

function writesAll(tags: readonly string[]): string {
  return tags.includes(EVERY_TAG) ? '1' : '0'
}
