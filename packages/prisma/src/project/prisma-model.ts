import { type DatabaseFacts, type IndexNaming, isSameName, type NamedTable } from '@sluice/core/database'
import type { Span } from './schema-text.ts'

/** How Prisma names indexes: `city_region_id_idx`, `city_code_key`. */
export const prismaNaming: IndexNaming = { suffix: '_idx', uniqueSuffix: '_key' }

/** One file of a Prisma schema, which may have several. */
export interface SchemaFile {
  /** Relative to the project, with `/`. */
  readonly path: string
  readonly content: string
}

/** A model, with where its parts stand in the file. */
export interface PrismaModel {
  readonly path: string
  readonly name: string
  /** From after `{` to `}`. */
  readonly body: Span
  /** The table: of `@@map`, or the name. */
  readonly table: string
  /** Of `@@schema`. */
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
  /** The column: of `@map`, or the name. */
  readonly column: string
  /** `VarChar` of `@db.VarChar(20)`. */
  readonly nativeType?: string
  /** What `@id` and `@unique` of the field say, as keys of it alone. */
  readonly keys: readonly PrismaIndex[]
}

/** An attribute of a model: the lines that it takes, from the beginning of the first to the line break after the last. */
export interface PrismaAttribute {
  readonly kind: string
  readonly lines: Span
  /** Whether the lines have a comment as well. */
  readonly hasComment: boolean
  /** Of `@@index`, `@@unique`, `@@id` and `@@fulltext`. */
  readonly index?: PrismaIndex
}

export interface PrismaIndex {
  readonly kind: 'index' | 'unique' | 'id' | 'fulltext'
  readonly keys: readonly PrismaKey[]
  /** In the database: of `map`, or what Prisma would call it. */
  readonly name: string
  /** `Gin`. Left out: a B-tree. */
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
  return isSameName(facts, model.table, table.name) && isSameName(facts, model.schema ?? facts.defaultSchema, table.schema)
}
