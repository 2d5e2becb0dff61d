import { InvalidOptionError, SluiceError } from '@sluice/core'
import { isInstance } from '@sluice/core/siblings'
import {
  type BatchReply,
  type CacheStore,
  codecOf,
  type EntryCodec,
  EVERY_TAG,
  Guard,
  type NewEntry,
  ReadBatch,
  type Stamps,
  type StoreCounters,
  type StoreState,
  StoreUnavailableError,
} from '@sluice/core/stores'
import { Packr } from 'msgpackr'
import { EntryServers } from './entry-servers.ts'
import { Keys } from './keys.ts'
import {
  MAX_TTL_MS,
  type MemcachedStoreOptions,
  type ResolvedMemcachedStoreOptions,
  resolveMemcachedStoreOptions,
} from './memcached-store-options.ts'
import { MetaClient, type ServerAddress } from './meta-client.ts'
import type { MetaReply } from './reply-parser.ts'
import { StateIdentity } from './state-identity.ts'
import { fold, type Losses, lossesOf, stampOf, type TagLog } from './tag-log.ts'
import { ServerReplyError, TagLogs } from './tag-logs.ts'

const MAX_FAILURES = 5
const RETRY_AFTER_MS = 1_000
/** The generation of entries until they are cleared for the first time. */
const FIRST_GENERATION = '0'

/** Number of Memcached calls, and how many of them failed. */
export interface MemcachedStoreCounters extends StoreCounters {
  /** Calls to entry servers that failed. The entries counted as missing, or were not stored. */
  readonly entryFailures: number
}

/** A store in Memcached. Its failures are `StoreUnavailableError`s. */
export interface MemcachedStore extends CacheStore {
  readonly notifies: false
  /** `down`: there is no connection to the state server, or the circuit breaker is open. */
  state(): 'up' | 'down'
  counters(): MemcachedStoreCounters
}

/**
 * Creates a store in Memcached (1.6.20 or later), for any number of processes. The state of tags is on one
 * server, which must be the same in all processes; entries can be distributed over several.
 *
 * @throws InvalidOptionError if an option is missing, unknown, of the wrong type, or out of bounds.
 *
 * @example
 * ```ts
 * import { memcachedStore } from '@sluice/memcached'
 *
 * const store = memcachedStore({ state: '127.0.0.1:11211', namespace: 'shop' })
 * ```
 */
export function memcachedStore(options: MemcachedStoreOptions): MemcachedStore {
  const resolved = resolveMemcachedStoreOptions(options)
  try {
    return new Store(resolved)
  } catch (error) {
    if (error instanceof SluiceError) throw error
    // Only Node knows every option of TLS.
    throw new InvalidOptionError('tls', 'options that tls.connect accepts', resolved.tls)
  }
}

class Store implements MemcachedStore {
  readonly notifies = false
  readonly #keys: Keys
  readonly #codec: EntryCodec
  readonly #guard: Guard
  readonly #server: MetaClient
  readonly #entries: EntryServers
  readonly #logs: TagLogs
  readonly #batch: ReadBatch
  readonly #identity: StateIdentity | undefined
  /** The last log of the epoch, which most reads find unchanged. */
  #epoch: { readonly text: string; readonly log: TagLog } | undefined
  #entryFailures = 0
  #hasWarnedOfEviction = false
  #hasWarnedOfConflict = false

  constructor(private readonly options: ResolvedMemcachedStoreOptions) {
    const { namespace, leaseMs, quarantineMs, commandTimeoutMs: timeoutMs, tls, auth, entries } = options
    this.#keys = new Keys(namespace)
    this.#codec = codecOf(Packr, options)
    this.#guard = new Guard({
      store: 'Memcached',
      maxFailures: MAX_FAILURES,
      retryAfterMs: RETRY_AFTER_MS,
      isReply: (error) => isInstance(error, ServerReplyError),
      onBreak: () => this.#server.reconnect(),
    })
    const clientOf = (address: ServerAddress, onLink?: () => void) =>
      new MetaClient({ address, timeoutMs, tls, auth, ...(onLink && { onLink }) })
    this.#server = clientOf(options.state, () => this.#linked())
    this.#entries = new EntryServers(
      new Map([...entries].map(([name, address]) => [name, clientOf(address)])),
    )
    this.#logs = new TagLogs(
      this.#server,
      this.#keys,
      { leaseS: secondsOf(leaseMs), quarantineS: secondsOf(quarantineMs) },
      (losses) => this.#warnOfEviction(losses),
    )
    this.#batch = new ReadBatch({
      send: (tags, keys) => this.#run(() => this.#send(tags, keys)),
      decode: (key, bytes) => this.#codec.decode(key, bytes),
    })
    this.#identity = this.#entries.isEmpty
      ? undefined
      : new StateIdentity(this.#server, [...this.#entries.clients.values()], this.#keys, () =>
          this.#warnOfConflict(),
        )
  }

  get leaseMs(): number {
    return this.options.leaseMs
  }

  get maxTtlMs(): number {
    return this.options.maxTtlMs
  }

  state(): 'up' | 'down' {
    return this.#guard.isOpen || !this.#server.isReady || this.#identity?.hasConflict === true ? 'down' : 'up'
  }

  counters(): MemcachedStoreCounters {
    return { ...this.#guard.counters, entryFailures: this.#entryFailures }
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
    return this.#run(() => this.#logs.open(tags))
  }

  begin(tags: readonly string[], token: string): Promise<void> {
    return this.#run(() => this.#logs.begin(tags, token))
  }

  renew(tags: readonly string[], token: string): Promise<boolean> {
    return this.#run(() => this.#logs.renew(tags, token))
  }

  end(tags: readonly string[], token: string): Promise<Stamps | undefined> {
    return this.#run(() => this.#logs.end(tags, token))
  }

  async set(key: string, entry: NewEntry, keepMs: number): Promise<boolean> {
    this.#guard.check()
    const ms = Math.min(keepMs, this.options.maxTtlMs)
    if (!(ms > 0)) return false
    const id = this.#keys.entry(key)
    const bytes = await this.#codec.encode(id, entry)
    if (bytes === undefined) return false
    const generation = await this.#generationOf(entry.epoch)
    const ttl = Math.min(secondsOf(ms), MAX_TTL_MS / 1_000)
    const head = `ms ${id} ${bytes.length} F${generation} T${ttl}\r\n`
    const reply = await this.#onEntryServer(id, [head, bytes, '\r\n'])
    return reply?.code === 'HD'
  }

  async delete(keys: readonly string[]): Promise<void> {
    this.#guard.check()
    await Promise.all(
      keys.map((key) => {
        const id = this.#keys.entry(key)
        const client = this.#entries.isEmpty ? this.#server : this.#entries.of(id)
        return this.#guard.pass(async () => {
          await client.connected()
          await client.send([`md ${id}\r\n`], 1)
        })
      }),
    )
  }

  async clear(): Promise<void> {
    await this.#run(() => this.#logs.clear())
    this.#epoch = undefined
  }

  async claim(key: string, token: string, ms: number): Promise<boolean> {
    const id = this.#keys.claim(key)
    const command = `ms ${id} ${Buffer.byteLength(token)} ME T${secondsOf(ms)}\r\n${token}\r\n`
    const [reply] = await this.#run(() => this.#server.send([command], 1))
    return reply?.code === 'HD'
  }

  async release(key: string, token: string): Promise<void> {
    const id = this.#keys.claim(key)
    await this.#run(async () => {
      const { link } = this.#server
      const [held] = await this.#server.send([`mg ${id} v c\r\n`], 1, link)
      if (held?.data?.toString() === token)
        await this.#server.send([`md ${id} C${held.flags.c}\r\n`], 1, link)
    })
  }

  /** @throws StoreUnavailableError always: there are no notifications. */
  watch(): () => void {
    throw new StoreUnavailableError('Memcached', 'it has no notifications, as `notifies: false` states.')
  }

  ping(): Promise<void> {
    return this.#guard.pass(async () => {
      await this.#server.connected()
      await this.#server.send(['mn\r\n'], 1)
    })
  }

  async close(): Promise<void> {
    this.#guard.close()
    this.#identity?.close()
    this.#server.close()
    this.#entries.close()
  }

  #run<T>(send: () => Promise<T>): Promise<T> {
    if (this.#identity?.hasConflict === true)
      return this.#guard.pass(() => Promise.reject(new StoreUnavailableError('Memcached', CONFLICT)))
    return this.#guard.run(() => {
      const connected = this.#server.connected()
      return connected === undefined ? send() : connected.then(send)
    })
  }

  async #send(tags: readonly string[], keys: readonly string[]): Promise<BatchReply> {
    const isApart = !this.#entries.isEmpty
    // Neither the time nor a number for `C`: both take longer to reply and to parse than the value.
    let commands = `mg ${this.#keys.tag(EVERY_TAG)} v\r\n`
    for (const tag of tags) commands += `mg ${this.#keys.tag(tag)} v\r\n`
    if (!isApart) for (const key of keys) commands += `mg ${key} v f\r\n`
    const elsewhere = isApart ? keys.map((key) => this.#onEntryServer(key, [`mg ${key} v f\r\n`])) : []
    const count = 1 + tags.length + (isApart ? 0 : keys.length)
    const replies = await this.#server.send([commands], count)
    const { log, generation } = this.#noteEpoch(replies[0] as MetaReply)
    const found = isApart ? await Promise.all(elsewhere) : replies.slice(1 + tags.length)
    return {
      epoch: log && stampOf(log),
      stamps: replies.slice(1, 1 + tags.length).map(readStamp),
      entries: found.map((reply) => (reply?.flags.f === generation ? (reply.data ?? null) : null)),
    }
  }

  /** `undefined`: the server of the entry cannot be reached, unless that is the state server. */
  async #onEntryServer(id: string, parts: readonly (string | Buffer)[]): Promise<MetaReply | undefined> {
    if (this.#entries.isEmpty) return (await this.#run(() => this.#server.send(parts, 1)))[0]
    try {
      const client = this.#entries.of(id)
      if (!client.isLost) await client.connected()
      return (await client.send(parts, 1))[0]
    } catch {
      this.#guard.check()
      this.#entryFailures += 1
      return undefined
    }
  }

  #noteEpoch(reply: MetaReply): { readonly log: TagLog | undefined; readonly generation: string } {
    const text = textIn(reply)
    if (text === undefined) this.#epoch = undefined
    else if (text !== this.#epoch?.text) this.#epoch = { text, log: fold(text) }
    const log = this.#epoch?.log
    return { log, generation: log?.generation ?? FIRST_GENERATION }
  }

  /** The generation of entries that are stored now. One that is outdated makes an entry invisible. */
  async #generationOf(epoch: string): Promise<string> {
    const known = this.#epoch?.log
    if (known !== undefined && stampOf(known) === epoch) return known.generation ?? FIRST_GENERATION
    const [reply] = await this.#run(() => this.#server.send([`mg ${this.#keys.tag(EVERY_TAG)} v\r\n`], 1))
    return this.#noteEpoch(reply as MetaReply).generation
  }

  #linked(): void {
    this.#guard.reset()
    if (this.#hasWarnedOfEviction) return
    this.#server.send(['stats\r\n'], 1).then(
      ([reply]) => this.#warnOfEviction(lossesOf(reply as MetaReply)),
      () => {},
    )
  }

  #warnOfEviction({ evictions }: Losses): void {
    if (evictions === 0 || this.#hasWarnedOfEviction) return
    this.#hasWarnedOfEviction = true
    process.emitWarning(
      `The Memcached server of \`state\` has evicted ${evictions} items. Results are not cached for ` +
        '`quarantineMs` whenever the state of their tags may have been among them. Give it more memory, and ' +
        'put entries on other servers (`entries`).',
      { type: 'SluiceWarning', code: 'SLUICE_MEMCACHED_EVICTION' },
    )
  }

  #warnOfConflict(): void {
    if (this.#hasWarnedOfConflict) return
    this.#hasWarnedOfConflict = true
    process.emitWarning(`Memcached is not used: ${CONFLICT}`, {
      type: 'SluiceWarning',
      code: 'SLUICE_MEMCACHED_STATE',
    })
  }
}

const CONFLICT =
  'processes that share an entry server and a namespace use different servers for `state`. Set the same one in all ' +
  'processes.'

/**
 * A period of that many seconds of the server's clock is at least as long: it can begin shortly before a
 * second.
 */
function secondsOf(ms: number): number {
  return Math.ceil(ms / 1_000) + 1
}

/** @throws ServerReplyError if the reply is neither a value nor a miss. */
function textIn(reply: MetaReply): string | undefined {
  if (reply.code === 'EN') return undefined
  if (reply.data === undefined) throw new ServerReplyError(reply)
  return reply.data.toString('latin1')
}

function readStamp(reply: MetaReply): string | undefined {
  const text = textIn(reply)
  return text === undefined ? undefined : stampOf(fold(text))
}
