import { type Dialect, SluiceError } from '@sluice/core'
import {
  type CatalogTable,
  type ColumnType,
  type RowKey,
  rowKeyOf,
  SchemaCatalog,
  type TableId,
  tableId,
  UNKNOWN_SCHEMA,
} from '@sluice/core/adapter'
import { catalogDataOf } from './catalog-data-of.ts'
import { PrismaModel, type PrismaRelation } from './prisma-model.ts'
import {
  dialectOf,
  type PrismaFieldData,
  type PrismaModelData,
  type PrismaSchemaData,
} from './prisma-schema-data.ts'

export interface PrismaSchemaOptions {
  /** The database's catalog: its tables and foreign keys are added to those of the Prisma schema. */
  readonly database?: SchemaCatalog | undefined
  /**
   * The schema of models without one, as configured in the adapter. Default: the schema that Prisma then
   * uses.
   */
  readonly defaultSchema?: string | undefined
}

/**
 * If the adapter has no schema configured, Prisma qualifies tables with a schema on PostgreSQL and SQLite,
 * but not on MySQL.
 */
export function defaultSchemaOf(dialect: Dialect, database: SchemaCatalog | undefined): string {
  if (dialect === 'mysql') return database?.defaultSchema ?? UNKNOWN_SCHEMA
  return dialect === 'sqlite' ? 'main' : 'public'
}

/** The models of a Prisma schema with their tables, keys and relations. Immutable. */
export class PrismaSchema {
  readonly dialect: Dialect
  /** The schema of models without `@@schema`. */
  readonly defaultSchema: string
  /** By model name, views included. */
  readonly models: ReadonlyMap<string, PrismaModel>
  /** The tables and foreign keys of the schema, including implicit many-to-many tables. */
  readonly catalog: SchemaCatalog
  readonly #children = new Map<TableId, Set<TableId>>()
  readonly #rowKeys = new Map<CatalogTable, RowKey>()

  /**
   * @throws SluiceError `SLUICE_INVALID_CATALOG` if the data has a different version or an unsupported
   * provider, or contradicts itself.
   */
  constructor(
    readonly data: PrismaSchemaData,
    { database, defaultSchema }: PrismaSchemaOptions = {},
  ) {
    this.dialect = checkedDialect(data)
    this.defaultSchema = defaultSchema ?? defaultSchemaOf(this.dialect, database)
    this.models = buildModels(
      data,
      (schema, table) => tableId(this.dialect, schema, table, this.defaultSchema),
      database,
    )
    const own = new SchemaCatalog(catalogDataOf(data, this))
    this.catalog = database === undefined ? own : database.union(own)
    for (const { table, references } of this.catalog.foreignKeys) {
      this.#children.set(references, (this.#children.get(references) ?? new Set()).add(table))
    }
  }

  /** The key that identifies the rows of a table, as far as the schema and the joined database contain it. */
  rowKey(id: TableId): RowKey | undefined {
    const table = this.catalog.baseTable(id)
    let key = table && this.#rowKeys.get(table)
    if (table === undefined || key !== undefined) return key
    key = rowKeyOf(table, this.dialect)
    if (key !== undefined) this.#rowKeys.set(table, key)
    return key
  }

  /** The tables whose foreign keys refer to a table. */
  childrenOf(table: TableId): Iterable<TableId> {
    return this.#children.get(table) ?? []
  }
}

function checkedDialect(data: PrismaSchemaData): Dialect {
  if (typeof data !== 'object' || data === null || data.version !== 1 || !Array.isArray(data.models)) {
    throw new SluiceError(
      'SLUICE_INVALID_CATALOG',
      'Prisma schema: expected data of version 1. Run `prisma generate` again.',
    )
  }
  const dialect = dialectOf(data.provider)
  if (dialect === undefined) {
    const providers = 'postgresql, cockroachdb, sqlite or mysql'
    throw new SluiceError(
      'SLUICE_INVALID_CATALOG',
      `Prisma schema: expected the provider ${providers}, got "${data.provider}".`,
    )
  }
  return dialect
}

type IdOf = (schema: string | undefined, table: string) => TableId

function buildModels(
  { models }: PrismaSchemaData,
  idOf: IdOf,
  database: SchemaCatalog | undefined,
): Map<string, PrismaModel> {
  const relations = new Map(models.map(({ name }) => [name, new Map<string, PrismaRelation>()]))
  const built = new Map(
    models.map((model) => {
      const table = idOf(model.schema, model.table)
      const known = relations.get(model.name) ?? new Map<string, PrismaRelation>()
      return [
        model.name,
        new PrismaModel(model, table, known, columnTypes(model, database?.tables.get(table))),
      ]
    }),
  )
  const byName = new Map(models.map((model) => [model.name, model]))
  for (const model of models) {
    for (const field of model.fields) {
      if (field.kind !== 'object') continue
      const other = byName.get(field.type)
      const relation = other && buildRelation(model, field, other, built, idOf)
      // Composite types exist only on MongoDB, so a type that is not a model is an error.
      if (relation === undefined) throw invalidRelation(model, field)
      relations.get(model.name)?.set(field.name, relation)
    }
  }
  return built
}

/** Types of the columns that the database reports, by field name. */
function columnTypes({ fields }: PrismaModelData, table: CatalogTable | undefined): Map<string, ColumnType> {
  const types = new Map(table?.columns.map(({ name, type }) => [name, type]))
  return new Map(
    fields.flatMap(({ name, column, kind }) => {
      const type = kind === 'object' ? undefined : types.get(column)
      return type === undefined ? [] : [[name, type] as const]
    }),
  )
}

function buildRelation(
  modelData: PrismaModelData,
  field: PrismaFieldData,
  targetData: PrismaModelData,
  models: ReadonlyMap<string, PrismaModel>,
  idOf: IdOf,
): PrismaRelation | undefined {
  const model = models.get(modelData.name)
  const target = models.get(targetData.name)
  const { relation } = field
  if (model === undefined || target === undefined || relation === undefined) return undefined
  const opposite = targetData.fields.find(
    (other) => other.relation?.name === relation.name && other !== field,
  )
  const foreignKeyHere = relation.fromFields.length > 0
  const back = opposite?.relation
  const isJoined = field.list && opposite?.list === true && !foreignKeyHere && back?.fromFields.length === 0
  const ambiguous = relation.ambiguous === true || (!foreignKeyHere && !isJoined && !back?.fromFields.length)
  const holder = foreignKeyHere ? model : target
  const keyFields = foreignKeyHere ? relation.fromFields : (back?.fromFields ?? [])
  const keyColumns = keyFields.map((name) => holder.column(name))
  if (!keyColumns.every((column) => column !== undefined)) return undefined
  const [first] = [modelData, targetData].sort(byModelName)
  return {
    field: field.name,
    name: relation.name,
    model,
    target,
    list: field.list,
    required: field.required,
    oneToOne: !field.list && opposite?.list !== true,
    foreignKeyHere,
    fromFields: foreignKeyHere ? relation.fromFields : (back?.toFields ?? []),
    toFields: foreignKeyHere ? relation.toFields : (back?.fromFields ?? []),
    keyColumns,
    joinTable: isJoined && !ambiguous ? idOf(first?.schema, `_${relation.name}`) : undefined,
    ambiguous,
  }
}

function byModelName(left: PrismaModelData, right: PrismaModelData): number {
  return left.name < right.name ? -1 : 1
}

function invalidRelation(model: PrismaModelData, field: PrismaFieldData): SluiceError {
  const where = `${model.name}.${field.name}`
  return new SluiceError(
    'SLUICE_INVALID_CATALOG',
    `Prisma schema: expected ${where} to be a relation to a known model by known fields.`,
  )
}
