import type { ValueTypes } from '@sluice/core'
import { unwrapValue, wrapValue } from '@sluice/core/siblings'
import { Packr } from 'msgpackr'

// Extensions of msgpackr belong to the process and would change what others pack; so there are none here.
const packr = new Packr({ useRecords: true, mapsAsObjects: false, copyBuffers: true, int64AsType: 'bigint' })

export interface PackedValue {
  readonly bytes: Buffer
  /** Nothing in it is wrapped: what is unpacked is the value. */
  readonly isPlain: boolean
}

/** @returns `undefined` when it holds anything that would not come back exactly. */
export function packValue(value: unknown): PackedValue | undefined {
  const wrapped = wrapValue(value)
  return wrapped && { bytes: packr.pack(wrapped.value), isPlain: wrapped.isPlain }
}

/** @throws Error when the bytes cannot be read, or hold a decimal and `types` has no class for it. */
export function unpackValue({ bytes, isPlain }: PackedValue, types?: ValueTypes): unknown {
  return unwrapValue({ value: packr.unpack(bytes), isPlain }, types)
}
