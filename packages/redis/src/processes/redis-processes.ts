import { randomUUID } from 'node:crypto'
import { InvalidArgumentError } from '@sluice/core'
import { checkOptions, MAX_TIMER_MS, type OptionRule, option, type ProcessLink } from '@sluice/core/siblings'
import { StoreUnavailableError } from '@sluice/core/stores'
import type { Cluster, Redis } from 'ioredis'
import { boundedOptions, CommandTimeouts, ignore } from '../server/server.ts'

export interface RedisProcessesOptions {
  /**
   * Prefix of the channels. Processes with the same namespace connect to each other. 1 to 64 letters, digits,
   * `.`, `_` and `-`.
   * @defaultValue 'sluice'
   */
  readonly namespace?: string
  /**
   * Timeout of Redis calls, in milliseconds. Time in which the process itself is blocked does not count.
   * Minimum: `1`.
   * @defaultValue 500
   */
  readonly commandTimeoutMs?: number
}

const rules: Readonly<Record<keyof RedisProcessesOptions, OptionRule>> = {
  namespace: {
    expected: '1 to 64 letters, digits, ".", "_" and "-"',
    accepts: (value) => typeof value === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(value),
  },
  commandTimeoutMs: option.integer(1, MAX_TIMER_MS),
}

/**
 * Connects the processes of an app on any number of machines with Redis Pub/Sub. Each process subscribes to a
 * separate channel, so nothing is stored and nothing expires. Works on a single node, behind Sentinels, and
 * on a Cluster. Everyone who can publish in this Redis can query the processes, as with a job queue.
 *
 * @param redis - An instance of ioredis 5 or 6. Only its connection options are used, for two separate
 * connections that are closed by `close`. The instance itself stays open.
 * @throws InvalidOptionError; InvalidArgumentError if `redis` is not an instance of ioredis.
 * @example
 * ```ts
 * const processes = redisProcesses(redis, { namespace: 'shop' })
 * const dashboard = createDashboard(sluice, { authorize, processes })
 * ```
 */
export function redisProcesses(redis: Redis | Cluster, options: RedisProcessesOptions = {}): ProcessLink {
  if (typeof redis?.duplicate !== 'function')
    throw new InvalidArgumentError('redis', 'an instance of ioredis', redis)
  checkOptions(options, rules)
  return new RedisProcesses(redis, options.namespace ?? 'sluice', options.commandTimeoutMs ?? 500)
}

/** A message to a process: a question from another process, or an answer to a question of this process. */
type Message =
  | { readonly id: string; readonly from: string; readonly question: string }
  | { readonly id: string; readonly answer: string }

class RedisProcesses implements ProcessLink {
  readonly #prefix: string
  readonly #publisher: Redis | Cluster
  readonly #subscriber: Redis | Cluster
  readonly #pending = new Map<string, (answer: string) => void>()
  #self = ''
  #isClosed = false
  /** Whether this process is subscribed, so that answers arrive. */
  #isListening = false

  constructor(connection: Redis | Cluster, namespace: string, timeoutMs: number) {
    this.#prefix = `${namespace}:process:`
    this.#publisher = connectionFrom(connection, timeoutMs)
    this.#subscriber = connectionFrom(connection, timeoutMs)
  }

  async open(self: string, answer: (question: string) => Promise<string>): Promise<void> {
    this.#self = self
    const subscriber = this.#subscriber
    for (const connection of [this.#publisher, subscriber]) {
      connection.on('error', ignore)
      // A new connection has no subscriptions. A process that cannot answer must not subscribe: questions to
      // it would remain unanswered.
      connection.on('ready', () => {
        void this.#subscribe()
      })
    }
    subscriber.on('close', () => {
      this.#isListening = false
    })
    subscriber.on('message', (_channel: string, text: string) => void this.#received(text, answer))
    // If a connection fails, ioredis retries it for as long as this link is open.
    await Promise.all([this.#publisher.connect().catch(ignore), subscriber.connect().catch(ignore)])
    await this.#subscribe()
  }

  async others(): Promise<readonly string[]> {
    const publisher = this.#publisher
    // Each node of a Cluster knows its own subscribers only.
    const nodes = publisher.isCluster ? (publisher as Cluster).nodes('all') : [publisher as Redis]
    const channels = await Promise.all(nodes.map((node) => node.pubsub('CHANNELS', `${this.#prefix}*`)))
    const processes = new Set(
      (channels.flat() as string[]).map((channel) => channel.slice(this.#prefix.length)),
    )
    processes.delete(this.#self)
    return [...processes]
  }

  async request(process: string, question: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted()
    if (!this.#isListening)
      throw new StoreUnavailableError(
        'Redis',
        'this process is not connected to it, so no answer would arrive.',
      )
    const id = randomUUID()
    return await new Promise<string>((resolve, reject) => {
      const end = () => {
        this.#pending.delete(id)
        signal.removeEventListener('abort', aborted)
      }
      const aborted = () => {
        end()
        reject(signal.reason)
      }
      signal.addEventListener('abort', aborted)
      this.#pending.set(id, (answer) => {
        end()
        resolve(answer)
      })
      this.#publish(process, { id, from: this.#self, question }).then(
        (receivers) => {
          // In a Cluster, subscribers on other nodes are not counted.
          if (receivers > 0 || this.#publisher.isCluster || !this.#pending.has(id)) return
          end()
          reject(new StoreUnavailableError('Redis', `no process ${process} listens there.`))
        },
        (error) => {
          end()
          reject(error)
        },
      )
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#subscriber.disconnect()
    this.#publisher.disconnect()
  }

  async #subscribe(): Promise<void> {
    if (![this.#publisher, this.#subscriber].every(({ status }) => status === 'ready')) return
    try {
      await this.#subscriber.subscribe(this.#channelOf(this.#self))
      this.#isListening = true
    } catch {
      // The next connection subscribes again.
    }
  }

  async #received(text: string, answer: (question: string) => Promise<string>): Promise<void> {
    try {
      const message = JSON.parse(text) as Message
      if ('answer' in message) this.#pending.get(message.id)?.(message.answer)
      else await this.#publish(message.from, { id: message.id, answer: await answer(message.question) })
    } catch {
      // The process that asked has its own timeout.
    }
  }

  #publish(process: string, message: Message): Promise<number> {
    return this.#publisher.publish(this.#channelOf(process), JSON.stringify(message))
  }

  #channelOf(process: string): string {
    return `${this.#prefix}${process}`
  }
}

function connectionFrom(client: Redis | Cluster, timeoutMs: number): Redis | Cluster {
  const { keyPrefix, enableOfflineQueue, enableAutoPipelining, ...ofNodes } = boundedOptions(timeoutMs)
  const own = { keyPrefix, enableOfflineQueue, enableAutoPipelining, lazyConnect: true } as const
  const connection = client.isCluster
    ? (client as Cluster).duplicate([], { ...own, shardedSubscribers: false, redisOptions: ofNodes })
    : (client as Redis).duplicate({ ...ofNodes, ...own })
  new CommandTimeouts(timeoutMs).watch(connection)
  return connection
}
