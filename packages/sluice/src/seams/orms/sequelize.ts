import type { EqualitySelect } from '@sluice/core/adapter'
import { LivingObjects } from './living-objects.ts'
import { orderOf, simpleLookup } from './simple-lookup.ts'

interface Attribute {
  readonly field?: string
}

interface Association {
  readonly as: string
  readonly source: Model
  readonly target: Model
  readonly foreignKey: string
  readonly associationType: string
}

interface Model {
  readonly name: string
  readonly primaryKeyAttribute?: string
  getTableName(): string | { readonly tableName: string }
  getAttributes(): Readonly<Record<string, Attribute>>
  readonly associations: Readonly<Record<string, Association>>
}

interface SequelizeInstance {
  readonly models: Readonly<Record<string, Model>>
}

const instances = new LivingObjects<SequelizeInstance>()

/** Findings name the models of an instance. */
export function rememberSequelize(sequelize: object): void {
  instances.add(sequelize as SequelizeInstance)
}

/** Remembers each instance for its models: findings name them and their associations. */
export function patchSequelize(exports: unknown): unknown {
  const sequelize = exports as {
    addHook(name: 'afterInit', hook: (instance: SequelizeInstance) => void): unknown
  }
  sequelize.addHook('afterInit', (instance) => instances.add(instance))
  return exports
}

/**
 * Sequelize code that runs a repeated select by key once, and an association that loads the same rows with
 * their parents.
 *
 * @returns `undefined` if no model of the table is known, or the select has more than a key.
 */
export function sequelizeFix(select: EqualitySelect): string | undefined {
  const lookup = simpleLookup(select)
  if (lookup === undefined) return undefined
  for (const { models } of instances) {
    const all = Object.values(models)
    const model = all.find((one) => tableOf(one) === lookup.table)
    const key = model && attributeOf(model, lookup.key)
    if (model === undefined || key === undefined) continue
    const order = orderOf(
      lookup,
      (column) => attributeOf(model, column),
      (attribute, direction) => `['${attribute}', '${direction}']`,
    )
    if (order === undefined) return undefined
    const ordered = order.length === 0 ? '' : `, order: [${order.join(', ')}]`
    const code = `${model.name}.findAll({ where: { ${key}: keys }${ordered} })`
    const [loaded, ...others] = all.flatMap(({ associations }) =>
      Object.values(associations).filter((one) => loads(one, model, key)),
    )
    return loaded === undefined || others.length > 0
      ? code
      : `${code}   or include: '${loaded.as}' in the query of ${loaded.source.name}`
  }
  return undefined
}

/** Whether an association finds rows of a model by a key. */
function loads({ associationType, target, foreignKey }: Association, model: Model, key: string): boolean {
  if (target !== model) return false
  return associationType === 'BelongsTo'
    ? key === model.primaryKeyAttribute
    : (associationType === 'HasMany' || associationType === 'HasOne') && key === foreignKey
}

function tableOf(model: Model): string {
  const table = model.getTableName()
  return typeof table === 'string' ? table : table.tableName
}

function attributeOf(model: Model, column: string): string | undefined {
  return Object.entries(model.getAttributes()).find(([name, { field = name }]) => field === column)?.[0]
}
