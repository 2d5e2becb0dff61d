import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { deflateRaw, inflateRawSync } from 'node:zlib'
import type { ValueTypes } from '../../../pipeline/operation.ts'
import { unwrapValue, wrapValue } from '../../../shared/wrapped-value.ts'
import type { NewEntry, StoredEntry } from '../cache-store.ts'

/** A key for AES-256-GCM, and the id by which entries refer to it. */
export interface EncryptionKey {
  /** 1 to 64 characters. Each entry contains it in plaintext. */
  readonly id: string
  /** 32 bytes. */
  readonly key: Uint8Array
}

const ALGORITHM = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

/** Encrypts with the first of several keys and decrypts with any. */
export class Encryption {
  readonly #keys: ReadonlyMap<string, Uint8Array>
  readonly #first: EncryptionKey

  /** @param keys - At least one. */
  constructor(keys: readonly [EncryptionKey, ...EncryptionKey[]]) {
    this.#first = keys[0]
    this.#keys = new Map(keys.map(({ id, key }) => [id, Uint8Array.from(key)]))
  }

  /** Id of the key that encrypts. */
  get keyId(): string {
    return this.#first.id
  }

  /** @param context - Identifies the owner of the bytes: they can be decrypted with the same context only. */
  encrypt(bytes: Buffer, context: Buffer): Buffer {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv(ALGORITHM, this.#first.key, iv, { authTagLength: TAG_BYTES }).setAAD(
      context,
    )
    const hidden = [cipher.update(bytes), cipher.final()]
    return Buffer.concat([iv, cipher.getAuthTag(), ...hidden])
  }

  /** @throws Error if the key is unknown or wrong, or anything was changed. */
  decrypt(bytes: Buffer, keyId: string, context: Buffer): Buffer {
    const key = this.#keys.get(keyId)
    if (key === undefined) throw new Error('The entry was encrypted with an unknown key.')
    const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAAD(context).setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
  }
}

export interface Packer {
  pack(value: unknown): Buffer
  unpack(bytes: Uint8Array): unknown
}

/** The class `Packr` of `msgpackr`. The packages of stores depend on it, and the core does not. */
export type PackerClass = new (options: {
  readonly useRecords: boolean
  readonly mapsAsObjects?: boolean
  readonly copyBuffers?: boolean
  readonly int64AsType?: 'bigint'
}) => Packer

export interface PackedValue {
  readonly bytes: Buffer
  /** Nothing in it is wrapped: the unpacked data is the value. */
  readonly isPlain: boolean
}

/** Encodes values as bytes, and restores them exactly. */
export class ValueCodec {
  readonly #packer: Packer

  constructor(packer: PackerClass) {
    // Extensions of msgpackr apply to the whole process and would change how other code packs values.
    // Therefore, there are none here.
    this.#packer = new packer({
      useRecords: true,
      mapsAsObjects: false,
      copyBuffers: true,
      int64AsType: 'bigint',
    })
  }

  /** @returns `undefined` if the value contains anything that cannot be restored exactly. */
  pack(value: unknown): PackedValue | undefined {
    const wrapped = wrapValue(value)
    return wrapped && { bytes: this.#packer.pack(wrapped.value), isPlain: wrapped.isPlain }
  }

  /**
   * @throws Error if the bytes cannot be read, contain a decimal and `types` has no class for it, or were not
   * packed here.
   */
  unpack({ bytes, isPlain }: PackedValue, types: ValueTypes = {}): unknown {
    return unwrapValue({ value: this.#packer.unpack(bytes), isPlain }, types, bytes.length)
  }
}

const VERSION = 1
const Flag = { plain: 1, deflated: 2, encrypted: 4 } as const
/** Version, flags, length of the head. */
const PREFIX_BYTES = 6

const deflate = promisify(deflateRaw)

/** Epoch, tag versions (stamps), tags, query time, TTL, cost, bytes of the packed value, id of the key. */
type Head = readonly [string, string[], string[], number, number, number, number, string]

export interface EntryCodecOptions {
  readonly packer: PackerClass
  /** Packed values with more bytes are compressed; `undefined`: no compression. */
  readonly compressAboveBytes: number | undefined
  readonly encryption: Encryption | undefined
}

/**
 * Encodes entries as bytes: a version, flags, a plaintext head (tag versions, tags, times), and the value,
 * optionally compressed and encrypted. The encryption also covers the head and the entry's id: neither can be
 * exchanged.
 */
export class EntryCodec {
  readonly #values: ValueCodec
  readonly #heads: Packer

  constructor(private readonly options: EntryCodecOptions) {
    this.#values = new ValueCodec(options.packer)
    this.#heads = new options.packer({ useRecords: false })
  }

  /**
   * Packs an entry. The value is read before this returns.
   *
   * @param id - The key of the entry in the store.
   * @returns `undefined` if the value has parts that cannot be restored.
   */
  encode(id: string, entry: NewEntry): Promise<Buffer> | undefined {
    const packed = this.#values.pack(entry.value)
    if (packed === undefined) return undefined
    const { epoch, stamps, tags, times } = entry
    const keyId = this.options.encryption?.keyId ?? ''
    const head = [epoch, stamps, tags, times.queriedAt, times.ttlMs, times.costMs, packed.bytes.length, keyId]
    return this.#seal(id, this.#heads.pack(head), packed.bytes, packed.isPlain ? Flag.plain : 0)
  }

  /** @returns `undefined` if another version wrote the entry, or it is damaged. */
  decode(id: string, bytes: Buffer): StoredEntry | undefined {
    if (bytes.length < PREFIX_BYTES || bytes[0] !== VERSION) return undefined
    const start = PREFIX_BYTES + bytes.readUInt32BE(2)
    let head: unknown
    try {
      head = this.#heads.unpack(bytes.subarray(PREFIX_BYTES, start))
    } catch {
      return undefined
    }
    if (!isHead(head)) return undefined
    const [epoch, stamps, tags, queriedAt, ttlMs, costMs] = head
    return {
      epoch,
      stamps,
      tags,
      times: { queriedAt, ttlMs, costMs },
      value: (types?: ValueTypes) => this.#value(id, bytes, start, head, types),
    }
  }

  async #seal(id: string, head: Buffer, packed: Buffer, plain: number): Promise<Buffer> {
    const { compressAboveBytes, encryption } = this.options
    let body = packed
    let flags: number = plain
    if (compressAboveBytes !== undefined && packed.length > compressAboveBytes) {
      const smaller = await deflate(packed)
      if (smaller.length < packed.length) {
        body = smaller
        flags |= Flag.deflated
      }
    }
    if (encryption !== undefined) flags |= Flag.encrypted
    const start = Buffer.allocUnsafe(PREFIX_BYTES)
    start[0] = VERSION
    start[1] = flags
    start.writeUInt32BE(head.length, 2)
    if (encryption === undefined) return Buffer.concat([start, head, body])
    return Buffer.concat([start, head, encryption.encrypt(body, contextOf(id, start, head))])
  }

  #value(id: string, bytes: Buffer, start: number, head: Head, types: ValueTypes | undefined): unknown {
    const flags = bytes[1] ?? 0
    const length = head[6]
    let body = bytes.subarray(start)
    const { encryption } = this.options
    // If entries are encrypted, an unencrypted entry was not written by this store.
    if ((encryption !== undefined) !== ((flags & Flag.encrypted) !== 0)) {
      throw new Error(
        encryption === undefined
          ? 'The entry is encrypted, but no encryption keys are configured.'
          : 'The entry is not encrypted.',
      )
    }
    if (encryption !== undefined) {
      body = encryption.decrypt(
        body,
        head[7],
        contextOf(id, bytes.subarray(0, PREFIX_BYTES), bytes.subarray(PREFIX_BYTES, start)),
      )
    }
    if ((flags & Flag.deflated) !== 0) body = inflateRawSync(body, { maxOutputLength: Math.max(length, 1) })
    if (body.length !== length) throw new Error('The entry is incomplete.')
    return this.#values.unpack({ bytes: body, isPlain: (flags & Flag.plain) !== 0 }, types)
  }
}

/** A value without tags would be valid forever. */
function isHead(head: unknown): head is Head {
  if (!Array.isArray(head) || head.length !== 8) return false
  for (let at = 3; at < 7; at++) if (!Number.isFinite(head[at])) return false
  const [epoch, stamps, tags, , ttlMs, costMs, , keyId] = head
  if (!(ttlMs > 0 && costMs >= 0) || typeof epoch !== 'string' || typeof keyId !== 'string') return false
  return areTexts(stamps) && areTexts(tags) && tags.length > 0 && tags.length === stamps.length
}

function areTexts(values: unknown): values is readonly string[] {
  if (!Array.isArray(values)) return false
  for (const value of values) if (typeof value !== 'string') return false
  return true
}

function contextOf(id: string, prefix: Buffer, head: Buffer): Buffer {
  return Buffer.concat([prefix, head, Buffer.from(id)])
}
