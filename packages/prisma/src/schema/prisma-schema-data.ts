import type { Dialect } from '@sluice/core'
import type { ReferentialAction } from '@sluice/core/adapter'

/**
 * A Prisma schema as plain data: the output of `sluice-prisma-generator`, and the input of a `PrismaSchema`.
 */
export interface PrismaSchemaData {
  readonly version: 1
  /** The datasource's provider: `postgresql`, `cockroachdb`, `sqlite` or `mysql`. */
  readonly provider: string
  /** `prisma`: the database has no foreign keys, and Prisma emulates them. */
  readonly relationMode: 'foreignKeys' | 'prisma'
  /** Models and views. Implicit many-to-many tables follow from the relations and are not listed. */
  readonly models: readonly PrismaModelData[]
}

export interface PrismaModelData {
  readonly name: string
  /** The table's name in the database. */
  readonly table: string
  /** The table's schema (`@@schema`). Default: the connection's default schema. */
  readonly schema?: string
  /** Declared as `view`. */
  readonly view?: boolean
  readonly fields: readonly PrismaFieldData[]
  /**
   * Field names; empty for a model that only has unique keys. `name` is the name of a compound selector, if
   * it has one.
   */
  readonly primaryKey: PrismaKeyData
  /** Unique keys other than the primary key, including keys of single fields. */
  readonly uniqueKeys: readonly PrismaKeyData[]
}

export interface PrismaKeyData {
  readonly name?: string
  readonly fields: readonly string[]
}

export interface PrismaFieldData {
  readonly name: string
  /** The column's name in the database; for a relation, the field's name. */
  readonly column: string
  /** A scalar type (`Int`, `String`, …), or the name of the enum or model. */
  readonly type: string
  readonly kind: 'scalar' | 'enum' | 'object' | 'unsupported'
  /** The type set with `@db.…`, such as `Uuid`. */
  readonly nativeType?: string
  readonly list: boolean
  readonly required: boolean
  readonly id?: boolean
  readonly unique?: boolean
  readonly updatedAt?: boolean
  /** Present if and only if the kind is `object`. */
  readonly relation?: PrismaRelationData
}

export interface PrismaRelationData {
  /** The relation's name, which both sides share. */
  readonly name: string
  /**
   * The foreign key's fields, on the side that contains it; empty on the other side, and for many-to-many.
   */
  readonly fromFields: readonly string[]
  /** The fields that the key refers to, in the same order. */
  readonly toFields: readonly string[]
  /** Default: Prisma's default, `Restrict` for a required relation and `SetNull` for an optional one. */
  readonly onDelete?: ReferentialAction
  /** Default: Prisma's default, `Cascade`. */
  readonly onUpdate?: ReferentialAction
  /** The table that contains the key is unknown. */
  readonly ambiguous?: boolean
}

const DIALECTS: Readonly<Record<string, Dialect>> = {
  postgresql: 'postgresql',
  postgres: 'postgresql',
  cockroachdb: 'postgresql',
  sqlite: 'sqlite',
  mysql: 'mysql',
}

/** The dialect of a Prisma provider; `undefined` for providers that Sluice does not support. */
export function dialectOf(provider: string | undefined): Dialect | undefined {
  return provider === undefined ? undefined : DIALECTS[provider]
}
