import type { EqualitySelect } from '@sluice/core/adapter'
import { guarded } from '../../guarded.ts'
import { LivingObjects } from './living-objects.ts'
import { orderOf, simpleLookup } from './simple-lookup.ts'

interface EntityProperty {
  readonly name: string
  readonly kind: string
  readonly fieldNames?: readonly string[]
  readonly inversedBy?: string
  readonly owner?: boolean
  readonly targetMeta?: EntityMetadata
}

interface EntityMetadata {
  readonly className: string
  readonly tableName: string
  readonly primaryKeys: readonly string[]
  readonly props: readonly EntityProperty[]
}

interface MikroORM {
  getMetadata(): Iterable<EntityMetadata>
}

const orms = new LivingObjects<MikroORM>()

/** Findings name the entities of an instance, whose metadata is known. */
export function rememberMikroOrm(orm: object): void {
  orms.add(orm as MikroORM)
}

/** Remembers each instance for its metadata, and returns the class: findings name its entities. */
export function mikroOrmClass(MikroORM: unknown): unknown {
  guarded('MikroORM', () => {
    const { prototype } = MikroORM as { readonly prototype: { createEntityManager(): unknown } }
    const { createEntityManager } = prototype
    if (typeof createEntityManager !== 'function')
      throw new Error('This version of MikroORM has no createEntityManager.')
    // It is called when the metadata is known.
    prototype.createEntityManager = function (this: MikroORM) {
      orms.add(this)
      return createEntityManager.call(this)
    }
  })
  return MikroORM
}

/** The same for the CommonJS module of version 6. */
export function patchMikroOrm(exports: unknown): unknown {
  mikroOrmClass((exports as { readonly MikroORM: unknown }).MikroORM)
  return exports
}

/**
 * MikroORM code that runs a repeated select by key once, and a relation that loads the same rows with their
 * parents.
 *
 * @returns `undefined` if no entity of the table is known, or the select has more than a key.
 */
export function mikroOrmFix(select: EqualitySelect): string | undefined {
  const lookup = simpleLookup(select)
  if (lookup === undefined) return undefined
  for (const orm of orms) {
    const all = [...orm.getMetadata()]
    const entity = all.find(({ tableName }) => tableName === lookup.table)
    const key = entity && propertyOf(entity, lookup.key)
    if (entity === undefined || key === undefined) continue
    const order = orderOf(
      lookup,
      (column) => propertyOf(entity, column)?.name,
      (name, direction) => `${name}: '${direction.toLowerCase()}'`,
    )
    if (order === undefined) return undefined
    const ordered = order.length === 0 ? '' : `, { orderBy: { ${order.join(', ')} } }`
    const code = `em.find(${entity.className}, { ${key.name}: { $in: keys } }${ordered})`
    const loaded = loadedWith(all, entity, key)
    return loaded === undefined
      ? code
      : `${code}   or populate: ['${loaded.property}'] in the query of ${loaded.parent.className}`
  }
  return undefined
}

function propertyOf({ props }: EntityMetadata, column: string): EntityProperty | undefined {
  return props.find(({ fieldNames }) => fieldNames?.length === 1 && fieldNames[0] === column)
}

interface Loaded {
  readonly property: string
  readonly parent: EntityMetadata
}

/** The only relation whose rows are found by this key. */
function loadedWith(
  all: readonly EntityMetadata[],
  entity: EntityMetadata,
  key: EntityProperty,
): Loaded | undefined {
  const { inversedBy, targetMeta } = key
  if (targetMeta !== undefined)
    return inversedBy === undefined ? undefined : { property: inversedBy, parent: targetMeta }
  if (entity.primaryKeys.length !== 1 || entity.primaryKeys[0] !== key.name) return undefined
  const [loaded, ...others] = all.flatMap((parent) =>
    parent.props
      .filter(
        ({ kind, owner, targetMeta }) =>
          targetMeta?.className === entity.className && (kind === 'm:1' || (kind === '1:1' && owner)),
      )
      .map(({ name }) => ({ property: name, parent })),
  )
  return others.length === 0 ? loaded : undefined
}
