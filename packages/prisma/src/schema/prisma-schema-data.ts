import type { Dialect } from '@sluice/core'
import type { ReferentialAction } from '@sluice/core/adapter'

/** A Prisma schema as plain data: what `sluice-prisma-generator` writes, and what a `PrismaSchema` is made from. */
export interface PrismaSchemaData {
  readonly version: 1
  /** The datasource's provider: `postgresql`, `cockroachdb`, `sqlite` or `mysql`. */
  readonly provider: string
  /** `prisma`: the database has no foreign keys, and Prisma does their work. */
  readonly relationMode: 'foreignKeys' | 'prisma'
  /** Models and views. Implicit many-to-many tables follow from the relations and are not listed. */
  readonly models: readonly PrismaModelData[]
}

export interface PrismaModelData {
  readonly name: string
  /** The table's name in the database. */
  readonly table: string
  /** The table's schema (`@@schema`); left out: the connection's default one. */
  readonly schema?: string
  /** Declared as `view`. */
  readonly view?: boolean
  readonly fields: readonly PrismaFieldData[]
  /** Field names; empty for a model with unique keys only. `name` is that of a compound selector, where one was given. */
  readonly primaryKey: PrismaKeyData
  /** Unique keys beside the primary one, those of single fields included. */
  readonly uniqueKeys: readonly PrismaKeyData[]
}

export interface PrismaKeyData {
  readonly name?: string
  readonly fields: readonly string[]
}

export interface PrismaFieldData {
  readonly name: string
  /** The column's name in the database; of a relation, the field's own name. */
  readonly column: string
  /** A scalar type (`Int`, `String`, …), or the name of the enum or model. */
  readonly type: string
  readonly kind: 'scalar' | 'enum' | 'object' | 'unsupported'
  /** The type given by `@db.…`, such as `Uuid`. */
  readonly nativeType?: string
  readonly list: boolean
  readonly required: boolean
  readonly id?: boolean
  readonly unique?: boolean
  readonly updatedAt?: boolean
  /** Only, and always, of kind `object`. */
  readonly relation?: PrismaRelationData
}

export interface PrismaRelationData {
  /** The relation's name, which both of its sides carry. */
  readonly name: string
  /** The foreign key's fields, on the side that holds it; empty on the other, and for many-to-many. */
  readonly fromFields: readonly string[]
  /** The fields that it refers to, in the same order. */
  readonly toFields: readonly string[]
  /** Left out: Prisma's default, `Restrict` for a required relation and `SetNull` for an optional one. */
  readonly onDelete?: ReferentialAction
  /** Left out: Prisma's default, `Cascade`. */
  readonly onUpdate?: ReferentialAction
  /** Which table holds the key is not known. */
  readonly ambiguous?: boolean
}

const DIALECTS: Readonly<Record<string, Dialect>> = {
  postgresql: 'postgresql',
  postgres: 'postgresql',
  cockroachdb: 'postgresql',
  sqlite: 'sqlite',
  mysql: 'mysql',
}

/** The dialect of a Prisma provider; `undefined` for those that Sluice does not read. */
export function dialectOf(provider: string | undefined): Dialect | undefined {
  return provider === undefined ? undefined : DIALECTS[provider]
}
