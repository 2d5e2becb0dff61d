import { InvalidOptionError } from '@sluice/core'
import { checkOptions, type OptionRule, option } from '@sluice/core/siblings'
import type { EncryptionKey } from './codec/encryption.ts'

const MAX_TIMER_MS = 2 ** 31 - 1
const KEY_BYTES = 32

export interface RedisStoreOptions {
  /**
   * Prefix of all keys. Stores with the same namespace share their state; stores with different namespaces
   * are independent. 1 to 64 letters, digits, `.`, `_` and `-`.
   * @defaultValue 'sluice'
   */
  readonly namespace?: string
  /**
   * Lease of a writer's intent: how long it is valid after the last renewal, in milliseconds of Redis's
   * clock. Use the same value in all processes. Minimum: `1`.
   * @defaultValue 30000
   */
  readonly leaseMs?: number
  /**
   * How long nothing is cached after Redis lost its state, in milliseconds. Live writers announce their
   * writes again in this time, so it must be at least twice their interval (1 second) plus
   * `commandTimeoutMs`. Minimum: `0`.
   * @defaultValue 3000
   */
  readonly quarantineMs?: number
  /**
   * Maximum lifetime of an entry, in milliseconds. Tag versions live twice as long. Minimum: `1`.
   * @defaultValue 86400000 (a day)
   */
  readonly maxTtlMs?: number
  /**
   * Timeout of Redis calls, in milliseconds. Time in which the process itself is blocked does not count.
   * Minimum: `1`.
   * @defaultValue 500
   */
  readonly commandTimeoutMs?: number
  /**
   * Consecutive failures after which the circuit breaker opens. Minimum: `1`.
   * @defaultValue 5
   */
  readonly maxFailures?: number
  /**
   * How long the circuit breaker stays open, in milliseconds. Then one call is tried. A new connection closes
   * it, too. Minimum: `1`.
   * @defaultValue 1000
   */
  readonly retryAfterMs?: number
  /**
   * Compresses values with more bytes. `false`: no compression. Minimum: `0`.
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

export interface ResolvedRedisStoreOptions {
  readonly namespace: string
  readonly leaseMs: number
  readonly quarantineMs: number
  readonly maxTtlMs: number
  readonly commandTimeoutMs: number
  readonly maxFailures: number
  readonly retryAfterMs: number
  readonly compressAboveBytes: number | undefined
  readonly encryptionKeys: readonly [EncryptionKey, ...EncryptionKey[]] | undefined
}

const timer = option.integer(1, MAX_TIMER_MS)
const namespace: OptionRule = {
  expected: '1 to 64 letters, digits, ".", "_" and "-"',
  accepts: (value) => typeof value === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(value),
}
const keys: OptionRule = {
  expected: `at least one { id, key }: ids of 1 to 64 characters, each once, and keys of ${KEY_BYTES} bytes`,
  accepts: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(isKey) &&
    new Set(value.map(({ id }) => id)).size === value.length,
}
const rules = {
  namespace,
  leaseMs: timer,
  quarantineMs: option.integer(0, MAX_TIMER_MS),
  maxTtlMs: option.integer(1, Number.MAX_SAFE_INTEGER / 4),
  commandTimeoutMs: timer,
  maxFailures: option.integer(1),
  retryAfterMs: timer,
  compressAboveBytes: option.either(option.integer(0), option.false),
  encryption: option.object,
}

/** @throws InvalidOptionError that names the option and the expected value. */
export function resolveRedisStoreOptions(options: RedisStoreOptions): ResolvedRedisStoreOptions {
  checkOptions(options, rules)
  const { encryption } = options
  if (encryption !== undefined) {
    checkOptions(encryption, { keys }, 'encryption.')
    if (encryption.keys === undefined)
      throw new InvalidOptionError('encryption.keys', keys.expected, undefined)
  }
  return {
    namespace: options.namespace ?? 'sluice',
    leaseMs: options.leaseMs ?? 30_000,
    quarantineMs: options.quarantineMs ?? 3_000,
    maxTtlMs: options.maxTtlMs ?? 24 * 60 * 60 * 1_000,
    commandTimeoutMs: options.commandTimeoutMs ?? 500,
    maxFailures: options.maxFailures ?? 5,
    retryAfterMs: options.retryAfterMs ?? 1_000,
    compressAboveBytes: options.compressAboveBytes === false ? undefined : options.compressAboveBytes,
    encryptionKeys: encryption?.keys as readonly [EncryptionKey, ...EncryptionKey[]] | undefined,
  }
}

function isKey(value: unknown): boolean {
  if (!option.object.accepts(value)) return false
  const { id, key } = value as Partial<EncryptionKey>
  return (
    typeof id === 'string' &&
    id.length > 0 &&
    id.length <= 64 &&
    key instanceof Uint8Array &&
    key.length === KEY_BYTES
  )
}
