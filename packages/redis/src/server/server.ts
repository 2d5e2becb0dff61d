import { isInstance, MAX_TIMER_MS } from '@sluice/core/siblings'
import type { Cluster, Redis } from 'ioredis'

/** A connection to the server that stores the state of tags. Each new connection is a new object. */
export interface Link {
  /** The replication id of the server. It is different after a restart or the promotion of a replica. */
  replid: string
}

/** Replication id if the server reports none. */
export const NO_REPLID = 'none'

/** The Redis behind a store: a single node, with or without Sentinel, or a Cluster. */
export interface Server {
  readonly client: Redis | Cluster
  readonly isCluster: boolean
  /**
   * The connection that currently receives commands on tags; `undefined` while there is none or its server's
   * replication id is unknown.
   */
  link(): Link | undefined
  /**
   * Resolves when there is a link, or rejects if there is none in time. `undefined`: there has already been
   * one.
   */
  connected(): Promise<void> | undefined
  /**
   * Returns a connection, not open yet, to the server on which invalidations are published. Its owner closes
   * it.
   */
  subscriber(): Redis | undefined
  /** Whether such a connection receives the messages that writers publish now. */
  isListening(subscriber: Redis, replid: string): boolean
  /** Closes the connection, which may be dead, and opens a new one. */
  reconnect(): void
  close(): void
}

export interface ServerOptions {
  readonly commandTimeoutMs: number
  /** Called for each new link. */
  onLink(): void
  /**
   * Called if the replication id is unknown, before such a link is used: state that may have been lost must
   * not be trusted.
   */
  forgetEpoch(): Promise<void>
}

/**
 * @returns `undefined` if the server does not report it.
 * @throws Error if the server is a replica: it has its master's replication id, and an older state of the
 * tags.
 */
export async function replidOf(redis: Redis): Promise<string | undefined> {
  let info: string
  try {
    info = String(await redis.info('replication'))
  } catch (error) {
    // The server replied with an error. Other failures are failures of the connection.
    if (isInstance(error, Error) && error.name === 'ReplyError') return undefined
    throw error
  }
  if (/^role:slave/m.test(info)) throw new Error('The server is a replica.')
  return /^master_replid:([0-9a-f]+)/m.exec(info)?.[1]
}

/**
 * Options of every connection that a store opens: commands neither wait in a queue nor are sent twice. Only
 * `CommandTimeouts` limits their time.
 */
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
    connectTimeout: Math.min(MAX_TIMER_MS, Math.max(2_000, 2 * commandTimeoutMs)),
    enableAutoPipelining: false,
    keyPrefix: '',
    stringNumbers: false,
    monitor: false,
    // The former master has become a replica. Its address may lead to a different server by now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  }
}

export function ignore(): void {}

/** Data that Redis must not evict when its memory is full. */
export interface EvictionRisk {
  readonly fits: (policy: string) => boolean
  /** The consequence, and the policies to use. */
  readonly text: string
}

/** Warns if Redis may evict required data. */
export async function warnOfEviction(client: Redis | Cluster, { fits, text }: EvictionRisk): Promise<void> {
  let policy: string | undefined
  try {
    policy = /^maxmemory_policy:(\S+)/m.exec(String(await client.info('memory')))?.[1]
  } catch {
    // Not every server reports its policy.
    return
  }
  if (policy === undefined || fits(policy)) return
  process.emitWarning(`Redis has the maxmemory-policy ${policy}: ${text}`, {
    type: 'SluiceWarning',
    code: 'SLUICE_REDIS_EVICTION',
  })
}
