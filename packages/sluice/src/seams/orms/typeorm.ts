import type { EqualitySelect } from '@sluice/core/adapter'
import { LivingObjects } from './living-objects.ts'
import { orderOf, simpleLookup } from './simple-lookup.ts'

interface ColumnMetadata {
  readonly databaseName: string
  readonly propertyPath: string
}

interface RelationMetadata {
  readonly propertyPath: string
  readonly isManyToOne: boolean
  readonly isOneToOneOwner: boolean
  readonly entityMetadata: EntityMetadata
  readonly inverseEntityMetadata: EntityMetadata
  readonly inverseRelation?: RelationMetadata
  readonly joinColumns: readonly ColumnMetadata[]
}

interface EntityMetadata {
  readonly name: string
  readonly tableName: string
  readonly columns: readonly ColumnMetadata[]
  readonly primaryColumns: readonly ColumnMetadata[]
  readonly relations: readonly RelationMetadata[]
}

interface DataSource {
  readonly entityMetadatas: readonly EntityMetadata[]
}

const dataSources = new LivingObjects<DataSource>()

/** Findings name the entities of a data source. */
export function rememberDataSource(dataSource: object): void {
  dataSources.add(dataSource as DataSource)
}

/** Remembers each data source for its metadata: findings name its entities and their relations. */
export function patchTypeorm(exports: unknown): unknown {
  const { DataSource } = exports as {
    readonly DataSource: { readonly prototype: { initialize(...args: unknown[]): unknown } }
  }
  const { initialize } = DataSource.prototype
  DataSource.prototype.initialize = function (this: DataSource, ...args) {
    dataSources.add(this)
    return initialize.apply(this, args)
  }
  return exports
}

/**
 * TypeORM code that runs a repeated select by key once, and a relation that loads the same rows with their
 * parents.
 *
 * @returns `undefined` if no entity of the table is known, or the select has more than a key.
 */
export function typeormFix(select: EqualitySelect): string | undefined {
  const lookup = simpleLookup(select)
  if (lookup === undefined) return undefined
  for (const { entityMetadatas } of dataSources) {
    const entity = entityMetadatas.find(({ tableName }) => tableName === lookup.table)
    const key = entity?.columns.find(({ databaseName }) => databaseName === lookup.key)
    if (entity === undefined || key === undefined) continue
    const where = whereOf(entity, key)
    const order = orderOf(
      lookup,
      (column) => entity.columns.find(({ databaseName }) => databaseName === column)?.propertyPath,
      (property, direction) => `${property}: '${direction}'`,
    )
    if (order === undefined) return undefined
    const ordered = order.length === 0 ? '' : `, order: { ${order.join(', ')} }`
    const code = `dataSource.getRepository(${entity.name}).find({ where: ${where}${ordered} })`
    const loaded = loadedWith(entity, key)
    return loaded === undefined
      ? code
      : `${code}   or relations: { ${loaded.propertyPath}: true } in the query of ${loaded.entityMetadata.name}`
  }
  return undefined
}

/** A column of a relation is not a property itself. */
function whereOf(entity: EntityMetadata, key: ColumnMetadata): string {
  const relation = entity.relations.find(
    ({ propertyPath, joinColumns: [column, ...others] }) =>
      others.length === 0 && column?.databaseName === key.databaseName && propertyPath === key.propertyPath,
  )
  const [primary] = relation?.inverseEntityMetadata.primaryColumns ?? []
  return relation === undefined || primary === undefined
    ? `{ ${key.propertyPath}: In(keys) }`
    : `{ ${relation.propertyPath}: { ${primary.propertyPath}: In(keys) } }`
}

/** The only relation whose rows are found by this key. */
function loadedWith(entity: EntityMetadata, { databaseName }: ColumnMetadata): RelationMetadata | undefined {
  const isPrimary =
    entity.primaryColumns.length === 1 && entity.primaryColumns[0]?.databaseName === databaseName
  const relations = isPrimary
    ? [...dataSources].flatMap(({ entityMetadatas }) =>
        entityMetadatas.flatMap(({ relations }) =>
          relations.filter(
            ({ isManyToOne, isOneToOneOwner, inverseEntityMetadata }) =>
              (isManyToOne || isOneToOneOwner) && inverseEntityMetadata === entity,
          ),
        ),
      )
    : entity.relations
        .filter(({ joinColumns: [column] }) => column?.databaseName === databaseName)
        .map(({ inverseRelation }) => inverseRelation)
  return relations.length === 1 ? relations[0] : undefined
}
