import { isInstance, MAX_TIMER_MS, setLongInterval, TIMEOUT_TICKS } from '@sluice/core/siblings'
import type { Cluster, Command, Redis } from 'ioredis'

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

/** Calls `use` with the client, or with each node that a Cluster connects to from now on. */
function eachConnection(client: Redis | Cluster, use: (connection: Redis) => void): void {
  if (client.isCluster) client.on('+node', use)
  else use(client as Redis)
}

/**
 * Writes the commands that a connection, or each connection of a Cluster, receives in one tick with one
 * system call. Their order is unchanged. Code that continues after replies that were read together runs in
 * one tick.
 */
export function gatherWrites(client: Redis | Cluster): void {
  eachConnection(client, gatherOf)
}

function gatherOf(redis: Redis): void {
  const send = redis.sendCommand
  redis.sendCommand = (command, stream) => {
    const socket = redis.stream
    if (socket?.writable === true && socket.writableCorked === 0) {
      socket.cork()
      process.nextTick(() => socket.uncork())
    }
    return send.call(redis, command, stream)
  }
}

/**
 * Times out commands without a reply, up to 20% later than the timeout. Like `setBusyAwareTimeout`, it counts
 * a period in which the event loop is blocked as at most one tick of its timer, and reads the replies that
 * arrived meanwhile first. However, one timer serves all commands.
 */
export class CommandTimeouts {
  /** Commands in flight, grouped by the tick of the timer in which they were sent, latest first. */
  readonly #sent: Set<Command>[] = [new Set()]
  #underWay = 0
  #timer: NodeJS.Timeout | undefined

  constructor(private readonly timeoutMs: number) {}

  /**
   * Applies the timeout to a connection, or to each connection of a Cluster. Their `commandTimeout` must be
   * off: ioredis counts time in which the process could not read the reply.
   */
  watch(client: Redis | Cluster): void {
    eachConnection(client, (redis) => this.#watch(redis))
  }

  #watch(redis: Redis): void {
    const send = redis.sendCommand
    redis.sendCommand = (command, stream) => {
      const answer = send.call(redis, command, stream)
      this.#add(command)
      return answer
    }
  }

  #add(command: Command): void {
    const part = this.#sent[0] as Set<Command>
    part.add(command)
    this.#underWay += 1
    const answered = () => {
      part.delete(command)
      this.#underWay -= 1
    }
    command.promise.then(answered, answered)
    if (this.#timer !== undefined) return
    // Replies that have arrived are read between timers and immediates.
    this.#timer = setLongInterval(() => setImmediate(() => this.#next()), this.timeoutMs / TIMEOUT_TICKS)
    this.#timer.unref()
  }

  #next(): void {
    this.#sent.unshift(new Set())
    // One more: the first tick had already begun when a command was sent.
    const late = this.#sent.length > TIMEOUT_TICKS + 1 ? this.#sent.pop() : undefined
    for (const command of late ?? []) command.reject(new Error('Command timed out'))
    if (this.#underWay > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
