import { type ConnectionOptions, createSecureContext } from 'node:tls'
import { InvalidOptionError } from '@sluice/core'
import { checkOptions, type OptionRule, option } from '@sluice/core/siblings'
import {
  type EncryptionKey,
  type ResolvedStoreOptions,
  resolveStoreOptions,
  storeRules,
} from '@sluice/core/stores'
import type { ServerAddress } from './meta-client.ts'

/** Memcached takes a longer period for a time since 1970. */
export const MAX_TTL_MS: number = 30 * 24 * 60 * 60 * 1_000
const PORT = 11_211

export interface MemcachedStoreOptions {
  /**
   * Address of the server with the state of tags: `host`, `host:port` or `[IPv6]:port`; the default port is
   * 11211. **It must be the same server in all processes**, and not a proxy. Otherwise, stale results are
   * served. Required.
   */
  readonly state: string
  /**
   * Addresses of the servers with the entries, over which they are distributed. Processes with different
   * lists have more misses.
   * @defaultValue the server of `state`
   */
  readonly entries?: readonly string[]
  /**
   * Prefix of all keys. Stores with the same namespace share their state; stores with different namespaces
   * are independent. 1 to 64 letters, digits, `.`, `_` and `-`.
   * @defaultValue 'sluice'
   */
  readonly namespace?: string
  /**
   * Lease of a writer's intent: how long it is valid after the last renewal, in milliseconds, rounded up to
   * seconds of the server's clock. The lease of a writer that died begins when another process reads its
   * intent. Use the same value in all processes. Minimum: `1`.
   * @defaultValue 30000
   */
  readonly leaseMs?: number
  /**
   * How long nothing is cached after the server lost its state, and how long a tag is not cached after its
   * state may have been evicted, in milliseconds, rounded up to seconds. Live writers announce their writes
   * again in this time, so it must be at least twice their interval (1 second) plus `commandTimeoutMs`.
   * Minimum: `0`.
   * @defaultValue 3000
   */
  readonly quarantineMs?: number
  /**
   * Maximum lifetime of an entry, in milliseconds. Bounds: `1` to `2592000000` (30 days).
   * @defaultValue 86400000 (a day)
   */
  readonly maxTtlMs?: number
  /**
   * Timeout of calls, in milliseconds. A call that times out closes its connection. Time in which the process
   * itself is blocked does not count. Minimum: `1`.
   * @defaultValue 500
   */
  readonly commandTimeoutMs?: number
  /**
   * Encrypts the connections: `true`, or options of `tls.connect` such as `ca`.
   * @defaultValue false
   */
  readonly tls?: boolean | ConnectionOptions
  /** Username and password of all servers, for the text protocol (`memcached -Y`). SASL is not supported. */
  readonly auth?: { readonly username: string; readonly password: string }
  /**
   * Compresses values with more bytes. `false`: no compression. Memcached rejects entries of more than 1 MB.
   * Minimum: `0`.
   * @defaultValue false
   */
  readonly compressAboveBytes?: number | false
  /**
   * Encrypts values with AES-256-GCM and the first key, and decrypts them with any key. To rotate the key,
   * add a new one at the front, and remove the old one when its entries have expired. Rotate it before 2^32
   * entries were written. Tags, which name tables, and times stay readable. Entries that are not encrypted
   * count as missing.
   */
  readonly encryption?: { readonly keys: readonly EncryptionKey[] }
}

export interface ResolvedMemcachedStoreOptions extends ResolvedStoreOptions {
  readonly state: ServerAddress
  /** By their name in the options. */
  readonly entries: ReadonlyMap<string, ServerAddress>
  readonly tls: ConnectionOptions | undefined
  readonly auth: MemcachedStoreOptions['auth']
}

const address: OptionRule = {
  expected: '"host", "host:port" or "[IPv6]:port"',
  accepts: (value) => typeof value === 'string' && addressOf(value) !== undefined,
}
/** `tls.connect` rejects others only when its socket is connecting, and an error of that ends the process. */
function areTlsOptions(value: unknown): boolean {
  if (!option.object.accepts(value)) return false
  const options = value as ConnectionOptions
  const isNamed = options.servername === undefined || option.string.accepts(options.servername)
  return isNamed && createSecureContext(options) !== undefined
}

const rules = {
  ...storeRules,
  state: address,
  entries: {
    expected: `at least one ${address.expected}, each once`,
    accepts: (value: unknown) =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.every(address.accepts) &&
      new Set(value).size === value.length,
  },
  maxTtlMs: option.integer(1, MAX_TTL_MS),
  tls: {
    expected: 'true, false, or options of tls.connect with valid certificates and keys',
    accepts: (value: unknown) => option.boolean.accepts(value) || areTlsOptions(value),
  },
  auth: option.object,
}
/** Memcached separates the username from the password by a space. */
const word: OptionRule = {
  expected: 'a string without spaces',
  accepts: (value) => typeof value === 'string' && /^\S+$/.test(value),
}
const authRules = {
  username: word,
  password: word,
}

/** @throws InvalidOptionError that names the option and the expected value. */
export function resolveMemcachedStoreOptions(options: MemcachedStoreOptions): ResolvedMemcachedStoreOptions {
  checkOptions(options, rules)
  const { state, entries, tls, auth } = options
  if (state === undefined) throw new InvalidOptionError('state', address.expected, undefined)
  if (auth !== undefined) {
    checkOptions(auth, authRules, 'auth.')
    for (const name of ['username', 'password'] as const)
      if (auth[name] === undefined)
        throw new InvalidOptionError(`auth.${name}`, authRules[name].expected, undefined)
  }
  return {
    ...resolveStoreOptions(options),
    state: addressOf(state) as ServerAddress,
    entries: new Map((entries ?? []).map((one) => [one, addressOf(one) as ServerAddress])),
    tls: tls === true ? {} : tls === false ? undefined : tls,
    auth,
  }
}

function addressOf(text: string): ServerAddress | undefined {
  const [, ipv6, host = ipv6, port] =
    /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]/]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const number = port === undefined ? PORT : Number(port)
  return host === undefined || number < 1 || number > 65_535 ? undefined : { host, port: number }
}
