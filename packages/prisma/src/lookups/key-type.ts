import { type LookupKey, lookupKey, typedKeyText } from '@sluice/core/adapter'
import type { PrismaFieldData } from '../schema/prisma-schema-data.ts'

/** What a key's values are. */
export type KeyType = 'int' | 'bigint' | 'text' | 'uuid' | 'boolean' | 'datetime' | 'bytes'

/** Columns (`@db.…`; `''`: Prisma's default) in which two values are equal only if they are written alike, letters' case and such aside. */
const TEXTS = new Set(['', 'Text', 'VarChar', 'Char', 'Citext', 'TinyText', 'MediumText', 'LongText'])
/** The same for other types: a date, for instance, is compared without the time of day. */
const EXACT: Readonly<Record<string, readonly [KeyType, ReadonlySet<string>]>> = {
  Boolean: ['boolean', new Set(['', 'Boolean', 'TinyInt'])],
  DateTime: ['datetime', new Set(['', 'Timestamp', 'Timestamptz', 'DateTime'])],
  Bytes: ['bytes', new Set(['', 'ByteA', 'Binary', 'VarBinary', 'TinyBlob', 'Blob', 'MediumBlob', 'LongBlob'])],
}
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * What a field's values are; `undefined` when lookups by it are not merged: whether a row belongs to a key would not be certain.
 *
 * @param isExact - Whether the schema tells the types of columns.
 */
export function keyTypeOf({ kind, type, list, nativeType = '' }: PrismaFieldData, isExact: boolean): KeyType | undefined {
  if (list) return undefined
  if (kind === 'enum') return 'text'
  if (kind !== 'scalar') return undefined
  if (type === 'Int') return 'int'
  if (type === 'BigInt') return 'bigint'
  if (type === 'String') return nativeType === 'Uuid' ? 'uuid' : TEXTS.has(nativeType) ? 'text' : undefined
  const [exact, columns] = EXACT[type] ?? []
  return isExact && columns?.has(nativeType) === true ? exact : undefined
}

/** The key of some values; `undefined` if one of them is not as its field has them. What the app may change is copied. */
export function keyOf(values: readonly unknown[], types: readonly KeyType[]): LookupKey | undefined {
  const own = values.map((value, at) => ownValue(value, types[at]))
  return own.includes(undefined) ? undefined : lookupKey(own, typedKeyText)
}

/** Whether a value is one that Prisma takes for a field of a type: where SQL of our own is sent in its place, nobody else checks. */
export function isValueOf(value: unknown, field: PrismaFieldData): boolean {
  return ownValue(value, keyTypeOf(field, true)) !== undefined
}

function isInt64(value: unknown): boolean {
  return Number.isSafeInteger(value) || (typeof value === 'bigint' && BigInt.asIntN(64, value) === value)
}

function ownValue(value: unknown, type: KeyType | undefined): unknown {
  switch (type) {
    case 'int':
      // Prisma refuses any other value, and with it the whole query.
      return typeof value === 'number' && (value | 0) === value ? value : undefined
    case 'bigint':
      return isInt64(value) ? value : undefined
    case 'text':
      return typeof value === 'string' ? value : undefined
    case 'uuid':
      // Written otherwise, it is equal to one that is written so.
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
