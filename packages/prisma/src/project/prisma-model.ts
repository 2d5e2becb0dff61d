import { type DatabaseFacts, type IndexNaming, isSameName, type NamedTable } from '@sluice/core/database'
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
