import type { Stamps } from '@sluice/core'
import { EVERY_TAG, randomToken } from '@sluice/core/siblings'
import type { Cluster, Redis } from 'ioredis'
import type { Keys } from './keys.ts'
import type { ResolvedRedisStoreOptions } from './redis-store-options.ts'
import { BEGIN, END, OPEN, RELEASE, RENEW } from './scripts.ts'
import { NO_REPLID, type Server } from './server/server.ts'

type Script = (keyCount: number, ...keysAndArguments: (string | number)[]) => Promise<unknown>

interface Scripts {
  readonly sluiceBegin: Script
  readonly sluiceRenew: Script
  readonly sluiceEnd: Script
  readonly sluiceOpen: Script
  readonly sluiceRelease: Script
}

/** Operations that modify the state of tags. Each takes one script and one round trip. */
export class TagScripts {
  readonly #scripts: Scripts

  constructor(
    private readonly server: Server,
    private readonly keys: Keys,
    private readonly options: ResolvedRedisStoreOptions,
  ) {
    const client: Redis | Cluster = server.client
    const sources = {
      sluiceBegin: BEGIN,
      sluiceRenew: RENEW,
      sluiceEnd: END,
      sluiceOpen: OPEN,
      sluiceRelease: RELEASE,
    }
    for (const [name, lua] of Object.entries(sources)) client.defineCommand(name, { lua })
    this.#scripts = client as unknown as Scripts
  }

  async open(tags: readonly string[]): Promise<Stamps | undefined> {
    const { maxTtlMs, quarantineMs } = this.options
    return this.#stamps(
      tags,
      await this.#run('sluiceOpen', tags, [EVERY_TAG], randomToken(), 2 * maxTtlMs, quarantineMs),
    )
  }

  async begin(tags: readonly string[], token: string): Promise<void> {
    this.#meet(await this.#run('sluiceBegin', tags, tags, token, this.options.leaseMs, writesAll(tags)))
  }

  async renew(tags: readonly string[], token: string): Promise<boolean> {
    const [replid, all] = (await this.#run(
      'sluiceRenew',
      tags,
      tags,
      token,
      this.options.leaseMs,
      writesAll(tags),
    )) as [string, number]
    this.#meet(replid)
    return all === 1
  }

  async end(tags: readonly string[], token: string): Promise<Stamps | undefined> {
    return this.#stamps(
      tags,
      await this.#run(
        'sluiceEnd',
        tags,
        tags,
        token,
        randomToken(),
        2 * this.options.maxTtlMs,
        writesAll(tags),
      ),
    )
  }

  async release(key: string, token: string): Promise<void> {
    await this.#scripts.sluiceRelease(1, key, token)
  }

  /** @param told - The tags that watchers receive if the script notifies them. */
  #run(
    name: keyof Scripts,
    tags: readonly string[],
    told: readonly string[],
    ...rest: (string | number)[]
  ): Promise<unknown> {
    const { keys, server } = this
    const names = [keys.epoch, keys.quarantine, keys.everyIntent]
    for (const tag of tags) if (tag !== EVERY_TAG) names.push(keys.stamp(tag), keys.intent(tag))
    const publish = server.isCluster ? 'SPUBLISH' : 'PUBLISH'
    const replid = server.link()?.replid ?? NO_REPLID
    return this.#scripts[name](
      names.length,
      ...names,
      replid,
      publish,
      keys.bus,
      JSON.stringify(told),
      ...rest,
    )
  }

  #stamps(tags: readonly string[], reply: unknown): Stamps | undefined {
    const [replid, epoch, ...given] = reply as string[]
    this.#meet(replid)
    if (epoch === undefined) return undefined
    let at = 0
    const stamps = tags.map((tag) => (tag === EVERY_TAG ? epoch : (given[at++] ?? '')))
    return { epoch, stamps }
  }

  /**
   * A server may change its replication id while it is connected, for example an hour after its last replica
   * has disconnected.
   */
  #meet(replid: unknown): void {
    const link = this.server.link()
    if (link !== undefined && typeof replid === 'string') link.replid = replid
  }
}

function writesAll(tags: readonly string[]): string {
  return tags.includes(EVERY_TAG) ? '1' : '0'
}
