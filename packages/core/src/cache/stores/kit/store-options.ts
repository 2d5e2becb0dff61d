import { InvalidOptionError } from '../../../shared/errors.ts'
import { checkOptions, type OptionRule, option } from '../../../shared/options.ts'
import { MAX_TIMER_MS } from '../../../shared/timers.ts'
import { Encryption, type EncryptionKey, EntryCodec, type PackerClass } from './entry-codec.ts'

const KEY_BYTES = 32

/** The options that every store on a server has; each package documents its own. */
interface StoreOptions {
  readonly namespace?: string
  readonly leaseMs?: number
  readonly quarantineMs?: number
  readonly maxTtlMs?: number
  readonly commandTimeoutMs?: number
  readonly compressAboveBytes?: number | false
  readonly encryption?: { readonly keys: readonly EncryptionKey[] }
}

export interface ResolvedStoreOptions {
  readonly namespace: string
  readonly leaseMs: number
  readonly quarantineMs: number
  readonly maxTtlMs: number
  readonly commandTimeoutMs: number
  readonly compressAboveBytes: number | undefined
  readonly encryptionKeys: readonly [EncryptionKey, ...EncryptionKey[]] | undefined
}

export const timerRule: OptionRule = option.integer(1, MAX_TIMER_MS)
const namespaceRule: OptionRule = {
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

export const storeRules: Readonly<Record<keyof StoreOptions, OptionRule>> = {
  namespace: namespaceRule,
  leaseMs: timerRule,
  quarantineMs: option.integer(0, MAX_TIMER_MS),
  maxTtlMs: option.integer(1, Number.MAX_SAFE_INTEGER / 4),
  commandTimeoutMs: timerRule,
  compressAboveBytes: option.either(option.integer(0), option.false),
  encryption: option.protection(option.object),
}

/**
 * @param options - Checked by `storeRules`, except for the keys.
 * @throws InvalidOptionError that names the option and the expected value.
 */
export function resolveStoreOptions(options: StoreOptions): ResolvedStoreOptions {
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
    compressAboveBytes: options.compressAboveBytes === false ? undefined : options.compressAboveBytes,
    encryptionKeys: encryption?.keys as readonly [EncryptionKey, ...EncryptionKey[]] | undefined,
  }
}

/** The codec of a store's entries. */
export function codecOf(
  packer: PackerClass,
  { compressAboveBytes, encryptionKeys }: ResolvedStoreOptions,
): EntryCodec {
  return new EntryCodec({
    packer,
    compressAboveBytes,
    encryption: encryptionKeys === undefined ? undefined : new Encryption(encryptionKeys),
  })
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
