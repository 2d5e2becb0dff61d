import { StoreUnavailableError } from '@sluice/core'
import { setBusyAwareTimeout } from '@sluice/core/siblings'
import type { Cluster, Redis } from 'ioredis'

/** One connection to the server that has the state of tags. A new connection is a new object. */
export interface Link {
  /** The replication id of its server: another one after a restart or the promotion of a replica. */
  replid: string
}

/** Replication id where the server tells none. */
export const NO_REPLID = 'none'

/** The Redis behind a store: a single node, found by Sentinel or not, or a Cluster. */
export interface Server {
  readonly client: Redis | Cluster
  readonly isCluster: boolean
  /** The connection that commands on tags go to now; `undefined` while there is none or its server's replication id is not known. */
  link(): Link | undefined
  /** Settles when there is a link, or rejects when none comes in time. `undefined`: there was one already. */
  connected(): Promise<void> | undefined
  /** A connection that is not open yet, to where invalidations are told; its owner ends it. */
  subscriber(): Redis | undefined
  /** Whether what such a connection hears is what writers tell now. */
  hears(subscriber: Redis, replid: string): boolean
  /** Gives up the connection, which may be dead, and makes another. */
  reconnect(): void
  close(): void
}

export interface ServerOptions {
  readonly commandTimeoutMs: number
  /** There is a new link. */
  onLink(): void
  /** Called where the replication id is not known, before such a link is used: what may have been lost must not be trusted. */
  forgetEpoch(): Promise<void>
}

/**
 * @returns `undefined` when the server does not tell it.
 * @throws Error where it is a replica: it has its master's replication id, and an older state of the tags.
 */
export async function replidOf(redis: Redis): Promise<string | undefined> {
  let info: string
  try {
    info = String(await redis.info('replication'))
  } catch (error) {
    // The server answered, but not with that; other failures are the connection's.
    if (error instanceof Error && error.name === 'ReplyError') return undefined
    throw error
  }
  if (/^role:slave/m.test(info)) throw new Error('The server is a replica.')
  return /^master_replid:([0-9a-f]+)/m.exec(info)?.[1]
}

/** Options of every connection that a store makes: nothing waits in a queue, nothing is sent twice. Commands have no end but that of `CommandTimeouts`. */
export function boundedOptions(commandTimeoutMs: number): {
  readonly enableOfflineQueue: false
  readonly autoResendUnfulfilledCommands: false
  readonly autoResubscribe: false
  readonly maxRetriesPerRequest: 0
  readonly commandTimeout: undefined
  readonly connectTimeout: number
  readonly enableAutoPipelining: false
  readonly keyPrefix: ''
  readonly stringNumbers: false
  readonly monitor: false
  readonly reconnectOnError: (error: Error) => boolean
} {
  return {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    commandTimeout: undefined,
    connectTimeout: Math.max(2_000, 2 * commandTimeoutMs),
    enableAutoPipelining: false,
    keyPrefix: '',
    stringNumbers: false,
    monitor: false,
    // What was the master has become a replica; the address may lead to another one by now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  }
}

/** Milliseconds before attempt number `attempt` to connect. */
export function backoffMs(attempt: number): number {
  return Math.min(25 * 2 ** Math.min(attempt, 6), 1_000)
}

export function ignore(): void {}

/** Calls that wait until they are released, each for a time. */
export class Waiters {
  readonly #waiting = new Set<() => void>()

  /** @throws `late()`, if it is not released in time. */
  wait(ms: number, late: () => Error): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = () => {
        cancel()
        this.#waiting.delete(go)
        resolve()
      }
      const cancel = setBusyAwareTimeout(ms, () => {
        this.#waiting.delete(go)
        reject(late())
      })
      this.#waiting.add(go)
    })
  }

  release(): void {
    for (const go of [...this.#waiting]) go()
  }
}

/** Lets the calls that come before the first link wait for it, each for a time. */
export class FirstLink {
  readonly #waiters = new Waiters()
  #isThere = false
  #failure: unknown

  constructor(private readonly timeoutMs: number) {}

  arrived(): void {
    this.#isThere = true
    this.#waiters.release()
  }

  /** Why the last connection led to none. */
  failed(error: unknown): void {
    this.#failure = error
  }

  wait(): Promise<void> | undefined {
    if (this.#isThere) return undefined
    return this.#waiters.wait(this.timeoutMs, () => new StoreUnavailableError('Redis', 'there is no connection yet.', this.#failure))
  }
}

/** What may not be dropped when the memory of Redis is full. */
export interface EvictionRisk {
  readonly fits: (policy: string) => boolean
  /** What may happen, and what to use. */
  readonly text: string
}

/** Warns where Redis may evict what is needed. */
export async function warnOfEviction(client: Redis | Cluster, { fits, text }: EvictionRisk): Promise<void> {
  let policy: string | undefined
  try {
    policy = /^maxmemory_policy:(\S+)/m.exec(String(await client.info('memory')))?.[1]
  } catch {
    // Not every server tells; then there is nothing to go by.
    return
  }
  if (policy === undefined || fits(policy)) return
  process.emitWarning(`Redis has the maxmemory-policy ${policy}: ${text}`, { type: 'SluiceWarning', code: 'SLUICE_REDIS_EVICTION' })
}
