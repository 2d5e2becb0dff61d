import {
  type DatabaseFacts,
  type IndexNaming,
  type IndexSnapshot,
  isSameName,
  type NamedTable,
} from '@sluice/core/database'
import type { Span } from './schema-text.ts'

/** Prisma's default index names: `city_region_id_idx`, `city_code_key`. */
export const prismaNaming: IndexNaming = { suffix: '_idx', uniqueSuffix: '_key' }

/** One file of a Prisma schema, which can have several. */
export interface SchemaFile {
  /** Relative to the project, with `/`. */
  readonly path: string
  readonly content: string
}

/** A model, with the positions of its parts in the file. */
export interface PrismaModel {
  readonly path: string
  readonly name: string
  /** From after `{` to `}`. */
  readonly body: Span
  /** The table: from `@@map`, or the name. */
  readonly table: string
  /** From `@@schema`. */
  readonly schema?: string
  readonly fields: readonly PrismaField[]
  /** In order: `@@index`, `@@map`, … */
  readonly attributes: readonly PrismaAttribute[]
}

export interface PrismaField {
  readonly name: string
  /** `String`, `City`, `Unsupported`. */
  readonly type: string
  readonly isList: boolean
  /** The column: from `@map`, or the name. */
  readonly column: string
  /** `VarChar` of `@db.VarChar(20)`. */
  readonly nativeType?: string
  /** Keys of this field alone, from its `@id` and `@unique`. */
  readonly keys: readonly PrismaIndex[]
}

/** An attribute of a model: its lines, from the start of the first to the line break after the last. */
export interface PrismaAttribute {
  readonly kind: string
  readonly lines: Span
  /** Whether the lines also contain a comment. */
  readonly hasComment: boolean
  /** From `@@index`, `@@unique`, `@@id` and `@@fulltext`. */
  readonly index?: PrismaIndex
}

export interface PrismaIndex {
  readonly kind: 'index' | 'unique' | 'id' | 'fulltext'
  readonly keys: readonly PrismaKey[]
  /** In the database: from `map`, or Prisma's default name. */
  readonly name: string
  /** `Gin`. Default: a B-tree. */
  readonly type?: string
  /** The condition as written. */
  readonly where?: string
}

export interface PrismaKey {
  readonly field: string
  readonly isDescending: boolean
  /** As written: `JsonbPathOps`, `raw("gin_trgm_ops")`. */
  readonly operators?: string
  readonly length?: number
}

/** All keys and indexes of a model. */
export function indexesOf({ fields, attributes }: PrismaModel): readonly PrismaIndex[] {
  return [...attributes.flatMap(({ index }) => index ?? []), ...fields.flatMap(({ keys }) => keys)]
}

export function isModelOf(model: PrismaModel, table: NamedTable, facts: DatabaseFacts): boolean {
  return (
    isSameName(facts, model.table, table.name) &&
    isSameName(facts, model.schema ?? facts.defaultSchema, table.schema)
  )
}

/**
 * An index of the model that serves the same purpose as the target index: it has the same type, condition and
 * operators. Its first keys are all keys of the target index, in the same order or in exactly the reverse
 * order. A unique key is only covered by a unique key on exactly its fields. The database's index with the
 * name of a line takes precedence: it can have operators or a collation that the line cannot express.
 *
 * @param onlyByName - Whether the line of the target index is incomplete, so that an index with the same line
 * can still differ.
 */
export function coveringIndex(
  target: PrismaIndex,
  model: PrismaModel,
  table: NamedTable,
  facts: DatabaseFacts,
  onlyByName: boolean,
): string | undefined {
  const covering = indexesOf(model).find((index) => {
    if (!covers(index, target)) return false
    if (isSameName(facts, index.name, target.name)) return true
    return (
      !onlyByName && !isMore(table.snapshot?.indexes.find(({ name }) => isSameName(facts, name, index.name)))
    )
  })
  return covering === undefined
    ? undefined
    : `the ${covering.kind} ${covering.name} on ${covering.keys.map(({ field }) => field).join(', ')}`
}

/** Whether an index of the database has properties that its line in a schema cannot express. */
function isMore(index: IndexSnapshot | undefined): boolean {
  if (index?.method !== 'btree') return false
  return index.keys.some(
    ({ operatorClass, collation }) => operatorClass !== undefined || collation !== undefined,
  )
}

/** Whether the line of an index describes one that serves the same purpose as the target index. */
export function covers(index: PrismaIndex, target: PrismaIndex): boolean {
  if ((index.kind === 'fulltext') !== (target.kind === 'fulltext')) return false
  if (index.type !== target.type || condition(index.where) !== condition(target.where)) return false
  if (target.kind === 'unique') return index.kind !== 'index' && hasSameFields(index.keys, target.keys)
  if (target.kind === 'fulltext') return hasSameFields(index.keys, target.keys)
  if (index.keys.length < target.keys.length) return false
  const pairs = target.keys.map((key, at) => [key, index.keys[at]] as const)
  return (
    pairs.every(([key, other]) => isSameKey(key, other, false)) ||
    pairs.every(([key, other]) => isSameKey(key, other, true))
  )
}

function isSameKey(target: PrismaKey, other: PrismaKey | undefined, isBackwards: boolean): boolean {
  if (other === undefined) return false
  const { field, isDescending, operators, length = Number.POSITIVE_INFINITY } = other
  return (
    field === target.field &&
    (isDescending !== target.isDescending) === isBackwards &&
    operators === target.operators &&
    length >= (target.length ?? Number.POSITIVE_INFINITY)
  )
}

function hasSameFields(left: readonly PrismaKey[], right: readonly PrismaKey[]): boolean {
  const fields = new Set(left.map(({ field }) => field))
  return left.length === right.length && right.every(({ field }) => fields.has(field))
}

const condition = (where: string | undefined) => where?.replace(/\s+/g, ' ')
