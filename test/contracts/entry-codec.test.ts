import { randomBytes } from 'node:crypto'
import { Packr } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import {
  Encryption,
  type EncryptionKey,
  EntryCodec,
} from '../../packages/core/src/cache/stores/kit/entry-codec.ts'

const entry = {
  epoch: 'epoch',
  stamps: ['one', 'two'],
  tags: ['public.city#all', 'public.city#r7'],
  times: { queriedAt: 1_700_000_000_000, ttlMs: 1_000, costMs: 0.25 },
  value: { id: 1, name: 'Oslo', text: 'a secret of the city, '.repeat(100) },
}
const old: EncryptionKey = { id: 'old', key: randomBytes(32) }
const fresh: EncryptionKey = { id: 'fresh', key: randomBytes(32) }

const codec = (compressAboveBytes?: number, ...keys: EncryptionKey[]) => {
  const [first, ...others] = keys
  return new EntryCodec({
    packer: Packr,
    compressAboveBytes,
    encryption: first && new Encryption([first, ...others]),
  })
}
const encoded = async (by: EntryCodec, id = 'id', value: unknown = entry.value): Promise<Buffer> => {
  const bytes = await by.encode(id, { ...entry, value })
  if (bytes === undefined) throw new Error('The entry was refused.')
  return bytes
}
const unpacked = (by: EntryCodec, bytes: Buffer, id = 'id') => by.decode(id, bytes)?.value()

describe('EntryCodec', () => {
  it.each([
    ['plain', codec()],
    ['compressed', codec(10)],
    ['encrypted', codec(undefined, old)],
    ['compressed and encrypted', codec(10, old)],
  ])('decodes an encoded entry: %s', async (_, by) => {
    const back = by.decode('id', await encoded(by))
    expect(back).toMatchObject({
      epoch: entry.epoch,
      stamps: entry.stamps,
      tags: entry.tags,
      times: entry.times,
    })
    expect(back?.value()).toStrictEqual(entry.value)
    expect(back?.value()).not.toBe(back?.value())
  })

  it('serializes the value before it returns', async () => {
    const value = { list: [1] }
    const bytes = codec(0).encode('id', { ...entry, value })
    value.list.push(2)
    expect(unpacked(codec(0), (await bytes) as Buffer)).toEqual({ list: [1] })
  })

  it('rejects a value that cannot be serialized', () => {
    expect(codec().encode('id', { ...entry, value: () => {} })).toBeUndefined()
  })

  it('compresses values above the size limit if that makes them smaller', async () => {
    const plain = (await encoded(codec())).length
    expect((await encoded(codec(1_000))).length).toBeLessThan(plain / 5)
    expect((await encoded(codec(10_000))).length).toBe(plain)
    const noise = randomBytes(2_000)
    expect((await encoded(codec(0), 'id', noise)).length).toBe((await encoded(codec(), 'id', noise)).length)
  })

  it('encrypts only the value when there is a key', async () => {
    const bytes = await encoded(codec(undefined, old))
    expect(bytes.includes('Oslo')).toBe(false)
    expect(bytes.includes('public.city#all')).toBe(true)
    expect((await encoded(codec(undefined, old))).equals(bytes)).toBe(false)
  })

  it('decrypts with any of its keys, and encrypts with the first', async () => {
    const before = await encoded(codec(undefined, old))
    const rotated = codec(undefined, fresh, old)
    const after = await encoded(rotated)
    expect(unpacked(rotated, before)).toEqual(entry.value)
    expect(unpacked(codec(undefined, fresh), after)).toEqual(entry.value)
    expect(() => unpacked(codec(undefined, fresh), before)).toThrow('unknown key')
  })

  it('throws for a different key with the same ID', async () => {
    const bytes = await encoded(codec(undefined, old))
    expect(() => unpacked(codec(undefined, { id: 'old', key: randomBytes(32) }), bytes)).toThrow()
  })

  it('throws for an entry that was stored under a different ID', async () => {
    const by = codec(undefined, old)
    const bytes = await encoded(by)
    expect(() => unpacked(by, bytes, 'other')).toThrow()
  })

  it('throws or returns nothing for an entry with any modified byte', async () => {
    const by = codec(undefined, old)
    const bytes = await encoded(by)
    for (let at = 6; at < bytes.length; at += 7) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      let back: unknown
      try {
        back = unpacked(by, changed)
      } catch {
        continue
      }
      expect(back, `byte ${at}`).toBeUndefined()
    }
  })

  it('throws for an unencrypted entry when there are keys, and for an encrypted one when there are none', async () => {
    const plain = await encoded(codec())
    const hidden = await encoded(codec(undefined, old))
    expect(() => unpacked(codec(undefined, old), plain)).toThrow('not encrypted')
    expect(() => unpacked(codec(), hidden)).toThrow('no encryption keys')
  })

  it('returns undefined for an entry of another version', async () => {
    const bytes = await encoded(codec())
    bytes[0] = 2
    expect(codec().decode('id', bytes)).toBeUndefined()
    expect(codec().decode('id', Buffer.from('1'))).toBeUndefined()
    expect(codec().decode('id', Buffer.alloc(0))).toBeUndefined()
  })

  it('throws for a truncated entry', async () => {
    for (const by of [codec(), codec(10)]) {
      const bytes = await encoded(by)
      const back = by.decode('id', bytes.subarray(0, -1))
      expect(() => back?.value()).toThrow()
    }
  })

  it('throws when an entry decompresses to more than its recorded size', async () => {
    const by = codec(10)
    const small = await encoded(by, 'id', 'a'.repeat(100))
    const large = await encoded(by, 'id', 'a'.repeat(1_000_000))
    const head = 6 + small.readUInt32BE(2)
    const forged = Buffer.concat([small.subarray(0, head), large.subarray(6 + large.readUInt32BE(2))])
    expect(() => unpacked(by, forged)).toThrow()
  })
})
