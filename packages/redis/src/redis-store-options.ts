import { InvalidOptionError } from '@sluice/core'
import { checkOptions, type OptionRule, option } from '@sluice/core/siblings'
import type { EncryptionKey } from './codec/encryption.ts'

const MAX_TIMER_MS = 2 ** 31 - 1
const KEY_BYTES = 32

export interface RedisStoreOptions {
  /**
   * What all keys begin with: stores of one namespace share their state, stores of different ones have nothing in common. 1 to 64 letters,
   * digits, `.`, `_` and `-`.
   * @defaultValue 'sluice'
   */
  readonly namespace?: string
  /**
   * How long a writer's intent holds when the writer is not heard of again, in milliseconds of Redis's clock. The same for all processes.
   * Minimum: `1`.
   * @defaultValue 30000
   */
  readonly leaseMs?: number
  /**
   * How long nothing becomes cacheable after Redis lost its state, in milliseconds: living writers declare themselves again in this time,
   * so it must be at least twice their interval (one second) plus `commandTimeoutMs`. Minimum: `0`.
   * @defaultValue 3000
   */
  readonly quarantineMs?: number
  /**
   * The longest time that an entry may be kept, in milliseconds; stamps live twice as long. Minimum: `1`.
   * @defaultValue 86400000 (a day)
   */
  readonly maxTtlMs?: number
  /**
   * How long Redis may take to answer, in milliseconds; time in which the process itself is blocked does not count. Minimum: `1`.
   * @defaultValue 500
   */
  readonly commandTimeoutMs?: number
  /**
   * Failures in a row after which nothing is asked for a while. Minimum: `1`.
   * @defaultValue 5
   */
  readonly maxFailures?: number
  /**
   * How long that while is, in milliseconds; then one call is tried. A new connection ends it, too. Minimum: `1`.
   * @defaultValue 1000
   */
  readonly retryAfterMs?: number
  /**
   * Values that take more bytes are compressed; `false`: none is. Minimum: `0`.
   * @defaultValue false
   */
  readonly compressAboveBytes?: number | false
  /**
   * Encrypts values with AES-256-GCM under the first key and decrypts with any: to change the key, put a new one in front, and
   * take the old one away when its entries have expired. Change it before 2^32 entries were written. Tags, which name tables, and times stay
   * readable. Entries that are not encrypted count as absent.
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
    Array.isArray(value) && value.length > 0 && value.every(isKey) && new Set(value.map(({ id }) => id)).size === value.length,
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

/** @throws InvalidOptionError that names the option and what was expected. */
export function resolveRedisStoreOptions(options: RedisStoreOptions): ResolvedRedisStoreOptions {
  checkOptions(options, rules)
  const { encryption } = options
  if (encryption !== undefined) {
    checkOptions(encryption, { keys }, 'encryption.')
    if (encryption.keys === undefined) throw new InvalidOptionError('encryption.keys', keys.expected, undefined)
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
  return typeof id === 'string' && id.length > 0 && id.length <= 64 && key instanceof Uint8Array && key.length === KEY_BYTES
}
