import type { Dialect } from '@sluice/core'
import type { CatalogData, ColumnInfo, ColumnType, ForeignKeyInfo, TableInfo } from '@sluice/core/adapter'
import type { PrismaModel, PrismaRelation } from './prisma-model.ts'
import type { PrismaFieldData, PrismaModelData, PrismaSchemaData } from './prisma-schema-data.ts'

/** Default column type for each field type. */
export const COLUMN_TYPES: Readonly<Record<string, ColumnType>> = {
  Int: 'integer',
  BigInt: 'integer',
  Decimal: 'decimal',
  Float: 'float',
  String: 'text',
  Boolean: 'boolean',
  DateTime: 'datetime',
  Bytes: 'bytes',
  Json: 'json',
}

/** Native types of `String` whose values are not compared as strings. */
const NATIVE_TYPES: Readonly<Record<string, ColumnType>> = {
  Uuid: 'uuid',
  Citext: 'other',
  Char: 'other',
  Bit: 'other',
  VarBit: 'other',
  Inet: 'other',
  Xml: 'other',
}

interface Naming {
  readonly dialect: Dialect
  readonly defaultSchema: string
  readonly models: ReadonlyMap<string, PrismaModel>
}

/** The tables and foreign keys that a Prisma schema describes, including Prisma's defaults. */
export function catalogDataOf(
  data: PrismaSchemaData,
  { dialect, defaultSchema, models }: Naming,
): CatalogData {
  const tables: TableInfo[] = []
  const foreignKeys: ForeignKeyInfo[] = []
  const joined = new Set<string>()
  for (const modelData of data.models) {
    const model = models.get(modelData.name)
    if (model === undefined) continue
    tables.push(tableOf(modelData, model))
    for (const relation of model.relations.values()) {
      if (relation.foreignKeyHere) foreignKeys.push(foreignKeyOf(relation))
      if (relation.joinTable === undefined || joined.has(relation.joinTable)) continue
      joined.add(relation.joinTable)
      const sides = [relation.model, relation.target].sort((left, right) => (left.name < right.name ? -1 : 1))
      const schema = data.models.find(({ name }) => name === sides[0]?.name)?.schema
      tables.push({ ...joinTable(relation, sides, dialect), ...(schema === undefined ? {} : { schema }) })
      foreignKeys.push(...joinTableKeys(relation.joinTable, sides))
    }
  }
  return { dialect, defaultSchema, tables, foreignKeys }
}

function tableOf(data: PrismaModelData, model: PrismaModel): TableInfo {
  const columnsOf = (fields: readonly string[]) => fields.flatMap((field) => model.column(field) ?? [])
  return {
    ...(data.schema === undefined ? {} : { schema: data.schema }),
    name: data.table,
    kind: model.isView ? 'view' : 'table',
    columns: data.fields.filter(({ kind }) => kind !== 'object').map(columnOf),
    primaryKey: columnsOf(data.primaryKey.fields),
    uniqueKeys: data.uniqueKeys.map(({ fields }) => columnsOf(fields)),
    declared: true,
  }
}

function columnOf({ column, kind, type, nativeType, list, required }: PrismaFieldData): ColumnInfo {
  const native = nativeType === undefined ? undefined : NATIVE_TYPES[nativeType]
  const known = kind === 'scalar' && !list ? (native ?? COLUMN_TYPES[type]) : undefined
  return { name: column, type: known ?? 'other', nullable: !required }
}

function foreignKeyOf({
  field,
  model,
  target,
  keyColumns,
  toFields,
  required,
}: PrismaRelation): ForeignKeyInfo {
  const relation = model.fields.get(field)?.relation
  return {
    table: model.table,
    columns: keyColumns,
    references: target.table,
    referencedColumns: toFields.flatMap((name) => target.column(name) ?? []),
    onDelete: relation?.onDelete ?? (required ? 'Restrict' : 'SetNull'),
    onUpdate: relation?.onUpdate ?? 'Cascade',
  }
}

/** An implicit many-to-many table: `A` refers to the alphabetically first model, `B` to the other. */
function joinTable({ name }: PrismaRelation, sides: readonly PrismaModel[], dialect: Dialect): TableInfo {
  const columns = ['A', 'B'].map((column, at): ColumnInfo => {
    const [id = ''] = sides[at]?.primaryKey ?? []
    const field = sides[at]?.fields.get(id)
    return field === undefined
      ? { name: column, type: 'other', nullable: false }
      : { ...columnOf(field), name: column, nullable: false }
  })
  const key = ['A', 'B']
  const keys =
    dialect === 'postgresql' ? { primaryKey: key, uniqueKeys: [] } : { primaryKey: [], uniqueKeys: [key] }
  return { name: `_${name}`, kind: 'table', columns, ...keys, declared: true }
}

function joinTableKeys(table: string, sides: readonly PrismaModel[]): ForeignKeyInfo[] {
  return sides.map((side, at) => ({
    table,
    columns: [at === 0 ? 'A' : 'B'],
    references: side.table,
    referencedColumns: side.primaryKey.flatMap((name) => side.column(name) ?? []),
    onDelete: 'Cascade',
    onUpdate: 'Cascade',
  }))
}
