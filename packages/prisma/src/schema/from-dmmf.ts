import type { GeneratorOptions } from '@prisma/generator-helper'
import { SluiceError } from '@sluice/core'
import type { ReferentialAction } from '@sluice/core/adapter'
import { readBlocks } from '../project/schema-text.ts'
import {
  dialectOf,
  type PrismaFieldData,
  type PrismaKeyData,
  type PrismaModelData,
  type PrismaRelationData,
  type PrismaSchemaData,
} from './prisma-schema-data.ts'

type DmmfModel = GeneratorOptions['dmmf']['datamodel']['models'][number]
type DmmfField = DmmfModel['fields'][number]

/**
 * Builds the schema's data from the input that Prisma passes to a generator.
 *
 * @throws SluiceError `SLUICE_INVALID_CATALOG` for providers that Sluice does not support, such as `mongodb`.
 */
export function schemaDataFromDmmf({
  dmmf,
  datasources,
  datamodel,
}: Pick<GeneratorOptions, 'dmmf' | 'datasources' | 'datamodel'>): PrismaSchemaData {
  const provider = datasources[0]?.activeProvider
  if (dialectOf(provider) === undefined) {
    const expected = 'a datasource with the provider postgresql, cockroachdb, sqlite or mysql'
    throw new SluiceError(
      'SLUICE_INVALID_CATALOG',
      `sluice-prisma-generator: expected ${expected}, got "${provider ?? 'none'}".`,
    )
  }
  const { views, relationMode } = readDatamodelText(datamodel)
  return {
    version: 1,
    provider: String(provider),
    relationMode,
    models: dmmf.datamodel.models.map((model) => modelOf(model, views)),
  }
}

function modelOf(model: DmmfModel, views: ReadonlySet<string>): PrismaModelData {
  const { name, dbName, schema, fields, primaryKey } = model
  return {
    name,
    table: dbName ?? name,
    ...(schema === null || schema === undefined ? {} : { schema }),
    ...(views.has(name) ? { view: true } : {}),
    fields: fields.map(fieldOf),
    primaryKey: primaryKey
      ? keyOf(primaryKey)
      : { fields: fields.filter(({ isId }) => isId).map((field) => field.name) },
    uniqueKeys: [
      ...fields.filter(({ isUnique }) => isUnique).map((field) => ({ fields: [field.name] })),
      ...model.uniqueIndexes.map(keyOf),
    ],
  }
}

function keyOf({
  name,
  fields,
}: {
  readonly name?: string | null
  readonly fields: readonly string[]
}): PrismaKeyData {
  return { ...(name ? { name } : {}), fields: [...fields] }
}

function fieldOf(field: DmmfField): PrismaFieldData {
  return {
    name: field.name,
    column: field.dbName ?? field.name,
    type: field.type,
    kind: field.kind,
    ...(field.nativeType ? { nativeType: field.nativeType[0] } : {}),
    list: field.isList,
    required: field.isRequired,
    ...(field.isId ? { id: true } : {}),
    ...(field.isUnique ? { unique: true } : {}),
    ...(field.isUpdatedAt ? { updatedAt: true } : {}),
    ...(field.relationName === undefined ? {} : { relation: relationOf(field, field.relationName) }),
  }
}

function relationOf(field: DmmfField, name: string): PrismaRelationData {
  const { relationFromFields, relationToFields, relationOnDelete, relationOnUpdate } = field
  return {
    name,
    fromFields: [...(relationFromFields ?? [])],
    toFields: [...(relationToFields ?? [])],
    ...(relationOnDelete === undefined ? {} : { onDelete: relationOnDelete as ReferentialAction }),
    ...(relationOnUpdate === undefined ? {} : { onUpdate: relationOnUpdate as ReferentialAction }),
  }
}

/** Information that only the source of a Prisma schema contains. */
interface DatamodelText {
  /** The names of its `view` blocks. */
  readonly views: ReadonlySet<string>
  readonly relationMode: 'foreignKeys' | 'prisma'
  /** A `prisma-client` generator writes the client in TypeScript; `prisma-client-js` writes JavaScript. */
  readonly typescript: boolean
}

/** Reads the source of a schema, all files joined, as a generator receives it. */
export function readDatamodelText(text: string): DatamodelText {
  const blocks = readBlocks(text)
  const settings = (kind: string, name: string) =>
    blocks.filter((block) => block.kind === kind).map((block) => block.setting(name))
  return {
    views: new Set(blocks.filter(({ kind }) => kind === 'view').map(({ name }) => name)),
    relationMode: settings('datasource', 'relationMode').includes('prisma') ? 'prisma' : 'foreignKeys',
    typescript: settings('generator', 'provider').includes('prisma-client'),
  }
}
