import { promisify } from 'node:util'
import { deflateRaw, inflateRawSync } from 'node:zlib'
import type { ValueTypes } from '../../../pipeline/operation.ts'
import type { NewEntry, StoredEntry } from '../cache-store.ts'
import type { Encryption } from './encryption.ts'
import { type Packer, type PackerClass, ValueCodec } from './value-codec.ts'

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
    const head = [epoch, stamps, tags, times.askedAt, times.ttlMs, times.costMs, packed.bytes.length, keyId]
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
    const [epoch, stamps, tags, askedAt, ttlMs, costMs] = head
    return {
      epoch,
      stamps,
      tags,
      times: { askedAt, ttlMs, costMs },
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
