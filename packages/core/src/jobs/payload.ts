import { InvalidArgumentError } from '../shared/errors.ts'
import { InvalidPayloadError } from './job-errors.ts'

/** Bytes of a task's data as JSON, and of each part of a batch job. */
const MAX_BYTES = 1_048_576
const MAX_DEPTH = 100
/** Characters of a path in an error. */
const MAX_PATH = 60

/**
 * Converts data to the stored string.
 *
 * @throws InvalidPayloadError for values that JSON would drop, change or reject: the error must occur when
 * the task is created, and not when it runs.
 */
export function toPayload(data: unknown): string {
  const fault = faultOf(data, 0)
  if (fault !== undefined)
    throw new InvalidPayloadError(shortened(`$${fault.path}`), fault.expected, fault.value)
  const text = JSON.stringify(data)
  // A character has at most 3 bytes.
  if (text.length * 3 > MAX_BYTES && Buffer.byteLength(text) > MAX_BYTES)
    throw new InvalidArgumentError('data', `at most ${MAX_BYTES} bytes as JSON`, text)
  return text
}

/** The path of a circular reference repeats up to the maximum depth. */
function shortened(path: string): string {
  return path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path
}

/** An invalid value. Its path is built while the recursion returns, so that valid data costs nothing. */
interface Fault {
  path: string
  readonly expected: string
  readonly value: unknown
}

function faultOf(value: unknown, depth: number): Fault | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : { path: '', expected: 'a finite number', value }
    case 'object':
      return value === null ? undefined : faultOfObject(value, depth)
    default:
      return { path: '', expected: 'a JSON value', value }
  }
}

function faultOfObject(value: object, depth: number): Fault | undefined {
  if (depth > MAX_DEPTH)
    return { path: '', expected: `at most ${MAX_DEPTH} levels and no circular reference`, value }
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) {
      const fault = faultOf(value[at], depth + 1)
      if (fault !== undefined) return below(`[${at}]`, fault)
    }
    return undefined
  }
  // A `Date`, for example: the processor receives the string.
  if (typeof (value as { readonly toJSON?: unknown }).toJSON === 'function') return undefined
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null)
    return { path: '', expected: 'a plain object', value }
  for (const name in value) {
    const member = (value as Readonly<Record<string, unknown>>)[name]
    const fault = member === undefined ? undefined : faultOf(member, depth + 1)
    if (fault !== undefined) return below(`.${name}`, fault)
  }
  return undefined
}

function below(step: string, fault: Fault): Fault {
  fault.path = step + fault.path
  return fault
}
