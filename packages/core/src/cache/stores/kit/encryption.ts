import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

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
