import { InvalidArgumentError } from '../shared/errors.ts'
import { InvalidPayloadError } from './job-errors.ts'

const MAX_DEPTH = 100

/**
 * Data as they are kept.
 *
 * @throws InvalidPayloadError for what JSON would drop, change or refuse: a user should hear of it where the task is made and not where it is run.
 */
export function toPayload(data: unknown, maxBytes: number): string {
  check(data, '$', 0)
  const text = JSON.stringify(data)
  if (text.length > maxBytes) throw new InvalidArgumentError('data', `at most ${maxBytes} bytes as JSON`, text)
  return text
}

function check(value: unknown, path: string, depth: number): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return
    case 'number':
      if (!Number.isFinite(value)) throw new InvalidPayloadError(path, 'a finite number', value)
      return
    case 'object':
      if (value !== null) checkObject(value, path, depth)
      return
    default:
      throw new InvalidPayloadError(path, 'what JSON can hold', value)
  }
}

function checkObject(value: object, path: string, depth: number): void {
  if (depth > MAX_DEPTH) throw new InvalidPayloadError(path, `no more than ${MAX_DEPTH} levels, and no object within itself`, value)
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) check(value[at], `${path}[${at}]`, depth + 1)
    return
  }
  // A Date, for example: what reads it is given the text.
  if (typeof (value as { readonly toJSON?: unknown }).toJSON === 'function') return
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw new InvalidPayloadError(path, 'a plain object', value)
  for (const name in value) {
    const member = (value as Readonly<Record<string, unknown>>)[name]
    if (member !== undefined) check(member, `${path}.${name}`, depth + 1)
  }
}
