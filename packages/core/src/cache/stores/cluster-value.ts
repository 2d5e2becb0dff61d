import { deserialize, serialize } from 'node:v8'
import type { ValueTypes } from '../../pipeline/operation.ts'
import { unwrapValue, wrapValue } from '../../shared/wrapped-value.ts'

/** @returns A text that any way to serialize messages lets through; `undefined` when the value has parts that would not survive. */
export function valueToText(value: unknown): string | undefined {
  const wrapped = wrapValue(value)
  return wrapped && (wrapped.isPlain ? '1' : '0') + serialize(wrapped.value).toString('base64')
}

/** @throws Error when the text is no value, or holds a decimal and `types` has no class for it. */
export function valueFromText(text: string, types?: ValueTypes): unknown {
  return unwrapValue({ value: deserialize(Buffer.from(text.slice(1), 'base64')), isPlain: text.startsWith('1') }, types)
}
