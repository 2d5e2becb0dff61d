import { type LookupKey, lookupKey, typedKeyText } from '@sluice/core/adapter'
import type { PrismaFieldData } from '../schema/prisma-schema-data.ts'

/** Type of a key's values. */
export type KeyType = 'int' | 'bigint' | 'text' | 'uuid' | 'boolean' | 'datetime' | 'bytes'

/**
 * Column types (`@db.…`; `''`: Prisma's default) in which two values are equal only if they are written the
 * same, except for collation (such as letter case).
 */
const TEXTS = new Set(['', 'Text', 'VarChar', 'Char', 'Citext', 'TinyText', 'MediumText', 'LongText'])
/** The same for other types: a date, for example, is compared without the time of day. */
const EXACT: Readonly<Record<string, readonly [KeyType, ReadonlySet<string>]>> = {
  Boolean: ['boolean', new Set(['', 'Boolean', 'TinyInt'])],
  DateTime: ['datetime', new Set(['', 'Timestamp', 'Timestamptz', 'DateTime'])],
  Bytes: [
    'bytes',
    new Set(['', 'ByteA', 'Binary', 'VarBinary', 'TinyBlob', 'Blob', 'MediumBlob', 'LongBlob']),
  ],
}
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Type of a field's values; `undefined` if lookups by this field are not batched, because Sluice could not
 * determine with certainty to which key a row belongs.
 *
 * @param isExact - Whether the schema contains the types of columns.
 */
export function keyTypeOf(
  { kind, type, list, nativeType = '' }: PrismaFieldData,
  isExact: boolean,
): KeyType | undefined {
  if (list) return undefined
  if (kind === 'enum') return 'text'
  if (kind !== 'scalar') return undefined
  if (type === 'Int') return 'int'
  if (type === 'BigInt') return 'bigint'
  if (type === 'String') return nativeType === 'Uuid' ? 'uuid' : TEXTS.has(nativeType) ? 'text' : undefined
  const [exact, columns] = EXACT[type] ?? []
  return isExact && columns?.has(nativeType) === true ? exact : undefined
}

/**
 * The key of some values; `undefined` if one of them is not in its field's canonical form. Values that the
 * app can change are copied.
 */
export function keyOf(values: readonly unknown[], types: readonly KeyType[]): LookupKey | undefined {
  const own = values.map((value, at) => ownValue(value, types[at]))
  return own.includes(undefined) ? undefined : lookupKey(own, typedKeyText)
}

/**
 * Whether Prisma accepts a value for a field of this type: if Sluice sends its own SQL instead, nothing else
 * validates the value.
 */
export function isValueOf(value: unknown, field: PrismaFieldData): boolean {
  return ownValue(value, keyTypeOf(field, true)) !== undefined
}

function isInt64(value: unknown): boolean {
  return Number.isSafeInteger(value) || (typeof value === 'bigint' && BigInt.asIntN(64, value) === value)
}

function ownValue(value: unknown, type: KeyType | undefined): unknown {
  switch (type) {
    case 'int':
      // Prisma rejects any other value, and the whole query with it.
      return typeof value === 'number' && (value | 0) === value ? value : undefined
    case 'bigint':
      return isInt64(value) ? value : undefined
    case 'text':
      return typeof value === 'string' ? value : undefined
    case 'uuid':
      // The same value in a different spelling equals this one.
      return typeof value === 'string' && UUID.test(value) ? value : undefined
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'datetime':
      return value instanceof Date ? new Date(value) : undefined
    case 'bytes':
      return value instanceof Uint8Array ? new Uint8Array(value) : undefined
    default:
      return undefined
  }
}
