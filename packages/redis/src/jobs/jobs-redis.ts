import { InvalidOptionError } from '@sluice/core'
import { JobBackendError } from '@sluice/core/jobs'
import {
  checkOptions,
  errorMessage,
  isInstance,
  MAX_TIMER_MS,
  type OptionRule,
  option,
  setLongInterval,
} from '@sluice/core/siblings'
import { Waiters } from '@sluice/core/stores'
import type { Cluster, Redis } from 'ioredis'
import { Bus, type BusListener } from '../bus.ts'
import { type EvictionRisk, type Server, warnOfEviction } from '../server/server.ts'
import { hashTagOf, keySlot, serverOf } from '../server/server-of.ts'
import type { Bullmq } from './load-bullmq.ts'
import { type ScriptName, scriptsWith } from './lua/index.ts'

export interface BullmqJobBackendOptions {
  /**
   * Prefix of all keys, like BullMQ's `prefix`. Use the same one in dashboards. 1 to 64 letters, digits, `.`,
   * `_`, `-`, `{` and `}`. In a Redis Cluster, it must contain a hash tag.
   * @defaultValue 'bull'; in a Redis Cluster '\{bull\}'
   */
  readonly prefix?: string
  /**
   * Timeout of Redis calls, in milliseconds, not counting time in which the process itself is blocked. A
   * slower connection is closed and replaced. Use a value well below the engine's `leaseMs`. Minimum: `1`.
   * @defaultValue 2000
   */
  readonly commandTimeoutMs?: number
}

export type ResolvedBullmqJobBackendOptions = Required<BullmqJobBackendOptions>

const prefixRule: OptionRule = {
  expected: '1 to 64 letters, digits, ".", "_", "-", "{" and "}"',
  accepts: (value) => typeof value === 'string' && /^[A-Za-z0-9._{}-]{1,64}$/.test(value),
}
const rules = { prefix: prefixRule, commandTimeoutMs: option.integer(1, MAX_TIMER_MS) }

/** @throws InvalidOptionError that names the option and the expected value. */
export function resolveBullmqJobBackendOptions(
  options: BullmqJobBackendOptions,
  isCluster: boolean,
): ResolvedBullmqJobBackendOptions {
  checkOptions(options, rules)
  const prefix = options.prefix ?? (isCluster ? '{bull}' : 'bull')
  if (isCluster && hashTagOf(prefix) === undefined)
    throw new InvalidOptionError(
      'prefix',
      'a prefix with a hash tag, such as "{bull}", in a Redis Cluster',
      prefix,
    )
  return { prefix, commandTimeoutMs: options.commandTimeoutMs ?? 2_000 }
}

type Argument = string | number
type Script = (root: string, ...rest: Argument[]) => Promise<unknown>

const EVICTION: EvictionRisk = {
  fits: (policy) => policy === 'noeviction',
  text: 'it can evict tasks when its memory is full. BullMQ requires noeviction.',
}

/**
 * The Redis connection of a job backend: runs scripts with a timeout, and receives messages of other
 * processes. A connection that does not respond is closed.
 */
export class JobsRedis {
  /** Prefix of all keys. */
  readonly root: string
  readonly #own: string
  readonly #server: Server
  readonly #scripts: Readonly<Record<string, Script>>
  readonly #bus: Bus
  readonly #heartbeat: ReturnType<typeof setInterval>
  readonly #arrivals = new Waiters()
  #hasChecked = false
  /** Why the last connection failed. */
  #failure: unknown
  #isClosed = false

  constructor(
    connection: Redis | Cluster,
    private readonly options: ResolvedBullmqJobBackendOptions,
    bullmq: Bullmq,
    listener: BusListener,
  ) {
    const { prefix, commandTimeoutMs } = options
    this.root = `${prefix}:`
    this.#own = `${prefix}:@sluice:`
    this.#server = serverOf(connection, keySlot(hashTagOf(prefix) ?? prefix), {
      commandTimeoutMs,
      onLink: () => this.#linked(),
      forgetEpoch: async () => {},
    })
    const { client, isCluster } = this.#server
    client.on('error', (error) => {
      this.#failure = error
    })
    for (const [name, lua] of scriptsWith(bullmq, isCluster ? 'SPUBLISH' : 'PUBLISH'))
      client.defineCommand(commandOf(name), { numberOfKeys: 1, lua })
    this.#scripts = client as unknown as Readonly<Record<string, Script>>
    this.#bus = new Bus(this.#server, listener, { channel: this.key('wake'), timeoutMs: commandTimeoutMs })
    // A subscription may receive nothing for a long time. Only a ping reveals whether it is dead.
    this.#heartbeat = setLongInterval(() => void this.#bus.ping().catch(() => {}), commandTimeoutMs)
    this.#heartbeat.unref()
  }

  get client(): Redis | Cluster {
    return this.#server.client
  }

  /** Returns a key that does not belong to a job. */
  key(name: string): string {
    return this.#own + name
  }

  /**
   * Resolves when there is a connection.
   *
   * @throws JobBackendError if there is none in time.
   */
  async connected(): Promise<void> {
    if (!this.#isClosed && this.#server.link() === undefined) await this.#untilLinked()
    if (this.#isClosed) throw closedError()
  }

  /** @throws JobBackendError. */
  run(name: ScriptName, ...rest: readonly Argument[]): Promise<unknown> {
    return this.send(
      () =>
        this.#scripts[commandOf(name)]?.(this.root, ...rest) ??
        Promise.reject(new Error(`Unknown script ${name}.`)),
    )
  }

  /** @throws JobBackendError. */
  async send<T>(send: () => Promise<T>): Promise<T> {
    await this.connected()
    try {
      return await send()
    } catch (error) {
      const message = errorMessage(error)
      // The connection may be dead although the client has not noticed.
      if (message === 'Command timed out') this.#server.reconnect()
      // It contains the command, with the data of tasks, and the script.
      if (isInstance(error, Error)) Reflect.deleteProperty(error, 'command')
      throw new JobBackendError(`Redis: ${message}`, { cause: error })
    }
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#heartbeat)
    this.#bus.close()
    this.#server.close()
    this.#arrivals.release()
  }

  #untilLinked(): Promise<void> {
    const late = () =>
      new JobBackendError(
        `No connection to Redis: ${this.#failure === undefined ? 'it does not respond' : errorMessage(this.#failure)}.`,
        {
          cause: this.#failure,
        },
      )
    return this.#arrivals.wait(this.options.commandTimeoutMs, late)
  }

  #linked(): void {
    this.#arrivals.release()
    if (this.#hasChecked) return
    this.#hasChecked = true
    void warnOfEviction(this.#server.client, EVICTION)
  }
}

function commandOf(name: ScriptName): string {
  return `sluiceJobs:${name}`
}

export function closedError(): JobBackendError {
  return new JobBackendError('This job backend is closed.')
}
