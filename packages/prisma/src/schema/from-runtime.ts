import { SluiceError } from '@sluice/core'
import type { CatalogTable, ForeignKeyInfo, SchemaCatalog, TableId } from '@sluice/core/adapter'
import type { RuntimeDataModel } from '../internals.ts'
import { defaultSchemaOf, PrismaSchema } from './prisma-schema.ts'
import type { PrismaFieldData, PrismaModelData, PrismaRelationData } from './prisma-schema-data.ts'

interface RuntimeField {
  readonly name: string
  readonly kind: PrismaFieldData['kind']
  readonly type: string
  readonly relationName?: string
  readonly dbName?: string | null
}

interface RuntimeModel {
  readonly name: string
  readonly fields: readonly RuntimeField[]
  readonly id: TableId
  readonly tableName: string
  readonly schema: string | undefined
  /** `undefined` if the database has no such table. */
  readonly table: CatalogTable | undefined
}

/**
 * The schema of a client without generated data: names and types come from the client, keys from the
 * database.
 *
 * If the foreign keys of the database do not determine which one belongs to a relation (of a model to itself,
 * or one of several between two models), the relation is `ambiguous`. A model without a table counts as a
 * view. Which fields are `@updatedAt` is unknown, so every `DateTime` may be.
 *
 * @param defaultSchema - The schema of models without one, as configured in the adapter.
 * @throws SluiceError `SLUICE_INVALID_CATALOG` if the client's data model differs from that of the supported
 * Prisma versions.
 */
export function schemaFromRuntime(
  runtime: RuntimeDataModel,
  database: SchemaCatalog,
  defaultSchema?: string,
): PrismaSchema {
  const seen = database.withDefault(defaultSchema ?? defaultSchemaOf(database.dialect, database))
  const models = Object.entries(runtime.models).map(([name, model]) => readModel(name, model, seen))
  const relations = new RelationFinder(models, seen)
  const data = models.map((model) => modelOf(model, relations))
  const relationMode = relations.hasUnkeyed ? 'prisma' : 'foreignKeys'
  return new PrismaSchema(
    { version: 1, provider: database.dialect, relationMode, models: data },
    { database, defaultSchema },
  )
}

function readModel(name: string, model: unknown, database: SchemaCatalog): RuntimeModel {
  const { dbName, schema, fields } = (model ?? {}) as {
    readonly [key in 'dbName' | 'schema' | 'fields']?: unknown
  }
  if (!Array.isArray(fields) || !fields.every(isRuntimeField)) {
    throw new SluiceError(
      'SLUICE_INVALID_CATALOG',
      `Prisma client: expected model ${name} to list its fields by name, kind and type.`,
    )
  }
  const tableName = typeof dbName === 'string' ? dbName : name
  const ownSchema = typeof schema === 'string' ? schema : undefined
  const id = database.idOf(ownSchema === undefined ? [tableName] : [ownSchema, tableName])
  return { name, fields, id, tableName, schema: ownSchema, table: database.tables.get(id) }
}

function isRuntimeField(field: unknown): field is RuntimeField {
  if (typeof field !== 'object' || field === null) return false
  const { name, kind, type, relationName } = field as Record<string, unknown>
  if (typeof name !== 'string' || typeof type !== 'string') return false
  return kind === 'object'
    ? typeof relationName === 'string'
    : kind === 'scalar' || kind === 'enum' || kind === 'unsupported'
}

function modelOf(model: RuntimeModel, relations: RelationFinder): PrismaModelData {
  const { name, tableName, schema, table, fields } = model
  const key = (columns: readonly string[]) => fieldsOf(model, columns) ?? []
  return {
    name,
    table: tableName,
    ...(schema === undefined ? {} : { schema }),
    ...(table?.kind === 'table' ? {} : { view: true }),
    fields: fields.map((field) =>
      field.kind === 'object' ? relations.fieldOf(model, field) : scalarOf(field, table),
    ),
    primaryKey: { fields: key(table?.primaryKey ?? []) },
    uniqueKeys: (table?.uniqueKeys ?? [])
      .map((columns) => ({ fields: key(columns) }))
      .filter((unique) => unique.fields.length > 0),
  }
}

function scalarOf(
  { name, kind, type, dbName }: RuntimeField,
  table: CatalogTable | undefined,
): PrismaFieldData {
  const column = dbName ?? name
  const required = table?.columns.find((known) => known.name === column)?.nullable === false
  const isAlone = (columns: readonly string[] | undefined) => columns?.length === 1 && columns[0] === column
  return {
    name,
    column,
    type,
    kind,
    list: false,
    required,
    ...(isAlone(table?.primaryKey) ? { id: true } : {}),
    ...(table?.uniqueKeys.some(isAlone) ? { unique: true } : {}),
    ...(type === 'DateTime' ? { updatedAt: true } : {}),
  }
}

/** The fields of columns, or `undefined` if a column does not belong to a field of the model. */
function fieldsOf({ fields }: RuntimeModel, columns: readonly string[]): readonly string[] | undefined {
  const names = columns.map(
    (column) =>
      fields.find(({ kind, name, dbName }) => kind !== 'object' && (dbName ?? name) === column)?.name,
  )
  return names.every((name) => name !== undefined) ? names : undefined
}

/** Finds the database's foreign key for a relation. */
class RelationFinder {
  /** Whether a relation has no foreign key in the database: Prisma may then emulate it. */
  readonly hasUnkeyed: boolean
  readonly #models: ReadonlyMap<string, RuntimeModel>
  readonly #tables: ReadonlySet<TableId>

  constructor(
    models: readonly RuntimeModel[],
    private readonly database: SchemaCatalog,
  ) {
    this.#models = new Map(models.map((model) => [model.name, model]))
    this.#tables = new Set(models.map(({ id }) => id))
    this.hasUnkeyed = models.some((model) =>
      model.fields.some((field) => field.kind === 'object' && this.#isUnkeyed(model, field)),
    )
  }

  fieldOf(model: RuntimeModel, field: RuntimeField): PrismaFieldData {
    const { name, type, relationName = '' } = field
    const target = this.#models.get(type)
    const base = { name, column: name, type, kind: 'object' as const, required: false }
    const unkeyed: PrismaRelationData = { name: relationName, fromFields: [], toFields: [] }
    if (target === undefined) return { ...base, list: true, relation: { ...unkeyed, ambiguous: true } }
    if (this.#hasJoinTable(model, target, relationName)) return { ...base, list: true, relation: unkeyed }
    const key = this.#foreignKey(model, target)
    const holder = key?.table === model.id ? model : target
    const fromFields = key && fieldsOf(holder, key.columns)
    const toFields = key && fieldsOf(holder === model ? target : model, key.referencedColumns)
    if (key === undefined || fromFields === undefined || toFields === undefined) {
      return { ...base, list: true, relation: { ...unkeyed, ambiguous: true } }
    }
    if (holder === target)
      return { ...base, list: !this.database.isUniqueKey(key.table, key.columns), relation: unkeyed }
    const required = key.columns.every(
      (column) => model.table?.columns.find((known) => known.name === column)?.nullable === false,
    )
    const { onDelete, onUpdate } = key
    return {
      ...base,
      list: false,
      required,
      relation: { ...unkeyed, fromFields, toFields, onDelete, onUpdate },
    }
  }

  /** Prisma stores an implicit many-to-many relation in a table named after it. */
  #hasJoinTable(model: RuntimeModel, target: RuntimeModel, relationName: string): boolean {
    const first = model.name < target.name ? model : target
    const id = this.database.idOf(
      first.schema === undefined ? [`_${relationName}`] : [first.schema, `_${relationName}`],
    )
    const columns = this.database.tables.get(id)?.columns.map(({ name }) => name)
    return !this.#tables.has(id) && columns?.length === 2 && columns.includes('A') && columns.includes('B')
  }

  /**
   * The only possible key: the single foreign key between two different models with one keyed relation
   * between them.
   */
  #foreignKey(model: RuntimeModel, target: RuntimeModel): ForeignKeyInfo | undefined {
    const keys = this.#keysBetween(model, target)
    return model !== target && keys.length === 1 && this.#keyedRelations(model, target).length === 1
      ? keys[0]
      : undefined
  }

  /** The relation fields from one model to another that need a foreign key on either side. */
  #keyedRelations(model: RuntimeModel, target: RuntimeModel): readonly RuntimeField[] {
    const leads = ({ kind, type }: RuntimeField) => kind === 'object' && type === target.name
    return model.fields.filter(
      (field) => leads(field) && !this.#hasJoinTable(model, target, field.relationName ?? ''),
    )
  }

  #keysBetween({ id }: RuntimeModel, target: RuntimeModel): readonly ForeignKeyInfo[] {
    const joins = ({ table, references }: ForeignKeyInfo) =>
      (table === id && references === target.id) || (table === target.id && references === id)
    return this.database.foreignKeys.filter(joins)
  }

  #isUnkeyed(model: RuntimeModel, { type }: RuntimeField): boolean {
    const target = this.#models.get(type)
    if (target === undefined) return false
    const fields = this.#keyedRelations(model, target).length
    // For a self-relation, the model contains both sides of each relation.
    const relations = model === target ? fields / 2 : fields
    return this.#keysBetween(model, target).length < relations
  }
}
