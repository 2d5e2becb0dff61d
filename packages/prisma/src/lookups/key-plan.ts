import { type LookupKey, lookupKey, type Refusal, typedKeyText } from '@sluice/core/adapter'
import { isPlainObject } from '../argument-shapes.ts'
import { refuse } from '../reasons.ts'
import type { PrismaModel } from '../schema/prisma-model.ts'
import type { PrismaFieldData } from '../schema/prisma-schema-data.ts'

/** The part of a `where` that is the key. The rest are filters that all lookups of a group share. */
export interface KeyPlan {
  /** Field names, in the order of the key's values. */
  readonly fields: readonly string[]
  /** Types of the values of each field. */
  readonly types: readonly KeyType[]
  /** The compound selector that contains the fields: `titleInOrg` in `{ titleInOrg: { orgId, title } }`. */
  readonly selector?: string
  /** The fields whose value is wrapped: `{ equals: value }`. */
  readonly wrapped: ReadonlySet<string>
}

type Where = Readonly<Record<string, unknown>>

const COMBINATORS = new Set(['AND', 'OR', 'NOT'])

/**
 * Candidate keys of a `where`, for all operations of its shape: the fields of a unique key, otherwise the
 * fields of each foreign key, otherwise each field that is compared with one value.
 *
 * @param model - `undefined` without a schema: the types of its fields are then unknown.
 * @param isUnique - Whether it is the `where` of a `findUnique`.
 * @param isExact - Whether the schema contains the types of columns.
 */
export function planKeys(
  where: unknown,
  model: PrismaModel | undefined,
  isUnique: boolean,
  isExact: boolean,
): readonly KeyPlan[] | Refusal {
  if (!isPlainObject(where)) return refuse('NO_KEY')
  const names = Object.keys(where).filter((name) => where[name] !== undefined)
  if (names.length === 0) return refuse('NO_KEY')
  if (model === undefined) return refuse('NO_SCHEMA')
  const types = keyTypes(model, isExact)
  const keys = isUnique ? uniqueKey(where, model, types) : filterKeys(where, names, model, types)
  if (keys.length === 0) return refuse('NO_KEY_FIELD')
  const isFilter = (name: string) => COMBINATORS.has(name) || model.fields.has(name)
  // An additional compound selector cannot be a filter of `findMany`.
  const usable = keys.filter(({ selector }) => names.every((name) => name === selector || isFilter(name)))
  return usable.length > 0 ? usable : refuse('UNSUPPORTED_FILTER')
}

type KeyTypes = ReadonlyMap<string, KeyType>

/** Fields that can be keys. */
function keyTypes(model: PrismaModel, isExact: boolean): KeyTypes {
  const types = new Map<string, KeyType>()
  for (const field of model.fields.values()) {
    const type = model.collated.has(field.name) ? undefined : keyTypeOf(field, isExact)
    if (type !== undefined) types.set(field.name, type)
  }
  return types
}

function typesOf(fields: readonly string[], types: KeyTypes): readonly KeyType[] {
  return fields.flatMap((field) => types.get(field) ?? [])
}

/** The selector of a `findUnique`; if there are several, the others are additional filters. */
function uniqueKey(where: Where, model: PrismaModel, types: KeyTypes): readonly KeyPlan[] {
  for (const [name, fields] of model.uniqueSelectors) {
    const value = where[name]
    if (value === undefined || !fields.every((field) => types.has(field))) continue
    const key = { fields, types: typesOf(fields, types), wrapped: new Set<string>() }
    if (fields.length === 1 && fields[0] === name) {
      if (isValue(value)) return [key]
    } else if (isPlainObject(value)) {
      const isWhole =
        Object.keys(value).length === fields.length && fields.every((field) => isValue(value[field]))
      if (isWhole) return [{ ...key, selector: name }]
    }
  }
  return []
}

function filterKeys(
  where: Where,
  names: readonly string[],
  model: PrismaModel,
  types: KeyTypes,
): readonly KeyPlan[] {
  const candidates = names.filter((name) => types.has(name) && isValue(unwrap(where[name])))
  const isCompared = (fields: readonly string[]) =>
    fields.length > 0 && fields.every((field) => candidates.includes(field))
  const unique = [...model.uniqueSelectors.values()].filter(isCompared).slice(0, 1)
  const foreign = [...model.relations.values()].filter(
    ({ foreignKeyHere, fromFields }) => foreignKeyHere && isCompared(fromFields),
  )
  // A loop rarely iterates over a boolean.
  const flags = candidates.filter((field) => types.get(field) === 'boolean')
  const others = candidates.filter((field) => !flags.includes(field))
  const keys = [
    unique,
    foreign.map(({ fromFields }) => fromFields),
    [...others, ...flags].map((field) => [field]),
  ]
  const found = keys.find((some) => some.length > 0) ?? []
  const wrapped = new Set(names.filter((field) => isPlainObject(where[field])))
  return found.map((fields) => ({ fields, types: typesOf(fields, types), wrapped }))
}

/** The value of a condition that compares with one value: `value` or `{ equals: value }`. */
export function unwrap(value: unknown): unknown {
  return isPlainObject(value) && Object.keys(value).length === 1 && 'equals' in value ? value.equals : value
}

/** Whether it can be a single value: a shape only records that its values are not lists or conditions. */
function isValue(value: unknown): boolean {
  return value !== undefined && value !== null && !Array.isArray(value) && !isPlainObject(value)
}

/** The key's values, and the remaining filters. */
export function readKey(
  key: KeyPlan,
  where: Where,
): { readonly values: readonly unknown[]; readonly filters: Where } {
  const { fields, selector, wrapped } = key
  const filters: Record<string, unknown> = { ...where }
  const holder = (selector === undefined ? where : where[selector]) as Where
  const values = fields.map((field) => (wrapped.has(field) ? (holder[field] as Where).equals : holder[field]))
  if (selector === undefined) for (const field of fields) delete filters[field]
  else delete filters[selector]
  return { values, filters }
}

/** Whether a key has at most one row. */
export function isUnique(keyFields: readonly string[], model: PrismaModel): boolean {
  return [...model.uniqueSelectors.values()].some((unique) =>
    unique.every((field) => keyFields.includes(field)),
  )
}

/**
 * Whether the order of one key's rows is deterministic: the key is unique, or the order includes a unique
 * key.
 */
export function isTotal(orderBy: unknown, keyFields: readonly string[], model: PrismaModel): boolean {
  const orders = (Array.isArray(orderBy) ? orderBy : [orderBy]).flatMap((order) =>
    isPlainObject(order) ? Object.keys(order).filter((name) => order[name] !== undefined) : [],
  )
  // A unique key does not treat nulls as duplicates.
  const isSettled = (field: string) =>
    keyFields.includes(field) || (orders.includes(field) && model.fields.get(field)?.required === true)
  return [...model.uniqueSelectors.values()].some((unique) => unique.every(isSettled))
}

/** Type of a key's values. */
type KeyType = 'int' | 'bigint' | 'text' | 'uuid' | 'boolean' | 'datetime' | 'bytes'

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
function keyTypeOf(
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
