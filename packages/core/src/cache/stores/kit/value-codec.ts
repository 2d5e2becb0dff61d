import type { ValueTypes } from '../../../pipeline/operation.ts'
import { unwrapValue, wrapValue } from '../../../shared/wrapped-value.ts'

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
