import { describe, SluiceError } from '../../shared/errors.ts'
import { OmittedValue, type WorkloadEntry } from './workload-record.ts'

const SCHEMA_VERSION = 1

/** A workload file is invalid; the message contains the path, the expected and the received value. */
export class InvalidWorkloadError extends SluiceError {
  constructor(
    /** Such as `entries[3].calls`; empty for the file as a whole. */
    readonly place: string,
    expected: string,
    received: unknown,
    cause?: unknown,
  ) {
    const where = place === '' ? 'Workload file' : `Workload file, ${place}`
    super('SLUICE_INVALID_WORKLOAD', `${where}: expected ${expected}, got ${describe(received)}.`, { cause })
  }
}

/**
 * The workload as the content of a file, for `sluice analyze --workload`: JSON with a `schemaVersion`. It
 * holds the bindings that were sampled, unless the workload is redacted.
 */
export function writeWorkload(entries: readonly WorkloadEntry[]): string {
  const written = entries.map((entry) =>
    JSON.stringify({ ...entry, samples: entry.samples.map((sample) => sample.map(encode)) }),
  )
  // An entry a line: people look into such files, and compare them.
  return `{"schemaVersion":${SCHEMA_VERSION},"entries":[\n${written.join(',\n')}\n]}\n`
}

/**
 * Reads the output of `writeWorkload`. Restores dates, `bigint` and bytes (as `Buffer`).
 *
 * @throws InvalidWorkloadError with the path, the expected and the received value.
 */
export function readWorkload(text: string): WorkloadEntry[] {
  let file: unknown
  try {
    file = JSON.parse(text)
  } catch (error) {
    throw new InvalidWorkloadError('', 'JSON', text, error)
  }
  const { schemaVersion, entries } = fieldsOf(file, '')
  if (schemaVersion !== SCHEMA_VERSION)
    throw new InvalidWorkloadError('schemaVersion', String(SCHEMA_VERSION), schemaVersion)
  return arrayOf(entries, 'entries').map((entry, at) => readEntry(entry, `entries[${at}]`))
}

type Fields = Readonly<Record<string, unknown>>

function readEntry(value: unknown, place: string): WorkloadEntry {
  const fields = fieldsOf(value, place)
  const number = (name: string) => numberIn(fields, name, place)
  const { errors } = fields
  return {
    fingerprint: textIn(fields, 'fingerprint', place),
    dialect: oneOf(fields, 'dialect', place, ['postgresql', 'mysql', 'sqlite'] as const),
    sql: textIn(fields, 'sql', place),
    kind: oneOf(fields, 'kind', place, ['read', 'write', 'other'] as const),
    calls: number('calls'),
    ...(errors === undefined ? {} : { errors: number('errors') }),
    totalMs: number('totalMs'),
    maxMs: number('maxMs'),
    rows: number('rows'),
    callSites: arrayOf(fields.callSites, `${place}.callSites`).map((site, at) =>
      readCallSite(site, `${place}.callSites[${at}]`),
    ),
    samples: arrayOf(fields.samples, `${place}.samples`).map((sample, at) => {
      const where = `${place}.samples[${at}]`
      return arrayOf(sample, where).map((value, index) => decode(value, `${where}[${index}]`))
    }),
    firstSeenAt: number('firstSeenAt'),
    lastSeenAt: number('lastSeenAt'),
    source: oneOf(fields, 'source', place, ['app', 'server'] as const),
  }
}

function readCallSite(value: unknown, place: string): WorkloadEntry['callSites'][number] {
  const fields = fieldsOf(value, place)
  return {
    file: textIn(fields, 'file', place),
    line: numberIn(fields, 'line', place),
    column: numberIn(fields, 'column', place),
    ...(fields.functionName === undefined ? {} : { functionName: textIn(fields, 'functionName', place) }),
    ...(fields.package === undefined ? {} : { package: textIn(fields, 'package', place) }),
    count: numberIn(fields, 'count', place),
  }
}

function fieldsOf(value: unknown, place: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidWorkloadError(place, 'an object', value)
  return value as Fields
}

function arrayOf(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new InvalidWorkloadError(place, 'an array', value)
  return value
}

function textIn(fields: Fields, name: string, place: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw new InvalidWorkloadError(`${place}.${name}`, 'a string', value)
  return value
}

function numberIn(fields: Fields, name: string, place: string): number {
  const value = fields[name]
  if (typeof value !== 'number' || value < 0)
    throw new InvalidWorkloadError(`${place}.${name}`, 'a number of at least 0', value)
  return value
}

function oneOf<T extends string>(fields: Fields, name: string, place: string, values: readonly T[]): T {
  const found = values.find((value) => value === fields[name])
  if (found === undefined)
    throw new InvalidWorkloadError(
      `${place}.${name}`,
      values.map((value) => `"${value}"`).join(' or '),
      fields[name],
    )
  return found
}

/** What JSON does not have is an object of one field whose name begins with `$`. */
function encode(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? '-0' : String(value) }
    case 'bigint':
      return { $bigint: String(value) }
    case 'undefined':
      return { $undefined: true }
    case 'object':
      return value === null ? null : encodeObject(value)
    default:
      return encodeObject(new OmittedValue('object', 0))
  }
}

function encodeObject(value: object): unknown {
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? null : value.toISOString() }
  if (value instanceof Uint8Array)
    return { $bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
  if (value instanceof OmittedValue) return { $omitted: { ...value } }
  if (Array.isArray(value)) return value.map(encode)
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null)
    return { $omitted: { ...new OmittedValue('object', Object.keys(value).length) } }
  const fields = Object.fromEntries(Object.entries(value).map(([name, field]) => [name, encode(field)]))
  return Object.keys(fields).some((name) => name.startsWith('$')) ? { $object: fields } : fields
}

function decode(value: unknown, place: string): unknown {
  if (Array.isArray(value)) return value.map((item, at) => decode(item, `${place}[${at}]`))
  if (typeof value !== 'object' || value === null) return value
  const names = Object.keys(value)
  const [name] = names
  if (name === undefined || names.length > 1 || !name.startsWith('$'))
    return decodeFields(value as Fields, place)
  const content = (value as Fields)[name]
  switch (name) {
    case '$number':
      return Number(textIn(value as Fields, name, place))
    case '$bigint':
      return bigintOf(content, `${place}.${name}`)
    case '$undefined':
      return undefined
    case '$date':
      return dateOf(content, `${place}.${name}`)
    case '$bytes':
      return Buffer.from(textIn(value as Fields, name, place), 'base64')
    case '$omitted':
      return omittedOf(content, `${place}.${name}`)
    case '$object':
      return decodeFields(fieldsOf(content, `${place}.${name}`), place)
  }
  throw new InvalidWorkloadError(
    place,
    '$number, $bigint, $undefined, $date, $bytes, $omitted or $object',
    name,
  )
}

function decodeFields(fields: Fields, place: string): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, decode(field, `${place}.${name}`)]),
  )
}

function bigintOf(content: unknown, place: string): bigint {
  if (typeof content !== 'string' || !/^-?\d{1,1000}$/.test(content))
    throw new InvalidWorkloadError(place, 'digits', content)
  return BigInt(content)
}

function dateOf(content: unknown, place: string): Date {
  if (content === null) return new Date(Number.NaN)
  const date = typeof content === 'string' ? new Date(content) : undefined
  if (date === undefined || Number.isNaN(date.getTime()))
    throw new InvalidWorkloadError(place, 'a time, or null', content)
  return date
}

function omittedOf(content: unknown, place: string): OmittedValue {
  const fields = fieldsOf(content, place)
  const start = fields.start === undefined ? undefined : textIn(fields, 'start', place)
  const what = oneOf(fields, 'what', place, ['text', 'bytes', 'list', 'object'] as const)
  return new OmittedValue(what, numberIn(fields, 'length', place), start)
}
