import type { PrismaModel, PrismaRelation } from '../../packages/prisma/src/schema/prisma-model.ts'
import type { PrismaSchema } from '../../packages/prisma/src/schema/prisma-schema.ts'
import type { PrismaFieldData } from '../../packages/prisma/src/schema/prisma-schema-data.ts'
import type { Random } from './random.ts'

export type Row = Readonly<Record<string, unknown>>
type Fields = Record<string, unknown>

export interface RandomOperation {
  readonly model: string
  readonly action: string
  readonly args: Readonly<Record<string, unknown>>
}

/**
 * Creates operations that Prisma accepts, with relations in every place where the arguments may have them.
 */
export class RandomOperations {
  #fresh = 1_000

  /** @param rows - The present rows of each model: most operations refer to existing rows. */
  constructor(
    private readonly schema: PrismaSchema,
    private readonly random: Random,
    private readonly rows: ReadonlyMap<string, readonly Row[]>,
  ) {}

  read(): RandomOperation {
    const { random } = this
    const model = this.#model()
    const action = random.pick([
      'findUnique',
      'findFirst',
      'findMany',
      'findMany',
      'count',
      'aggregate',
      'groupBy',
    ])
    const where = random.chance(0.4) ? this.#pin(model) : this.#where(model, 2)
    const orderBy = random.chance(0.4) ? { orderBy: this.#orderBy(model, 2) } : {}
    if (action === 'findUnique')
      return {
        model: model.name,
        action,
        args: {
          where: { ...this.#unique(model), AND: [this.#where(model, 1)] },
          ...this.#selection(model, 2),
        },
      }
    if (action === 'count') return { model: model.name, action, args: { where } }
    if (action === 'aggregate')
      return { model: model.name, action, args: { where, _count: true, ...orderBy } }
    if (action === 'groupBy') {
      const field = random.pick(model.primaryKey)
      return {
        model: model.name,
        action,
        args: { by: [field], where, _count: true, orderBy: { [field]: 'asc' } },
      }
    }
    return {
      model: model.name,
      action,
      args: { where, ...orderBy, ...this.#selection(model, 2), ...(random.chance(0.3) ? { take: 2 } : {}) },
    }
  }

  /** A read that refers to rows by their primary key, if it is a number. */
  readByKey(): RandomOperation {
    const { random } = this
    const model = random.pick(
      [...this.schema.models.values()].filter(({ table }) => this.schema.rowKey(table) !== undefined),
    )
    const action = random.pick(['findUnique', 'findFirst', 'findMany', 'findMany'])
    const selection = random.chance(0.4) ? this.#selection(model, 1) : {}
    if (action === 'findUnique')
      return { model: model.name, action, args: { where: this.#primaryKey(model), ...selection } }
    const orderBy = random.chance(0.3) ? { orderBy: this.#orderBy(model, 2) } : {}
    return { model: model.name, action, args: { where: this.#pin(model), ...orderBy, ...selection } }
  }

  write(): RandomOperation {
    const { random } = this
    const model = this.#model()
    const isFew = this.#rowsOf(model).length < 4
    const returning = this.schema.dialect === 'mysql' ? [] : ['createManyAndReturn', 'updateManyAndReturn']
    const actions = [
      'create',
      'update',
      'update',
      'update',
      'upsert',
      'delete',
      'deleteMany',
      'createMany',
      'updateMany',
      ...returning,
    ]
    const action = this.#canBeFlat(model)
      ? random.pick(isFew ? ['create', 'create', 'createMany', 'upsert'] : actions)
      : 'create'
    return { model: model.name, action, args: this.#writeArgs(model, action) }
  }

  #writeArgs(model: PrismaModel, action: string): Fields {
    switch (action) {
      case 'create':
        return { data: this.#create(model, 2), ...this.#selection(model, 1) }
      case 'createMany':
      case 'createManyAndReturn':
        return { data: [this.#flat(model), this.#flat(model)] }
      case 'update':
        return { where: this.#unique(model), data: this.#update(model, 2), ...this.#selection(model, 1) }
      case 'updateMany':
      case 'updateManyAndReturn':
        return {
          where: this.random.chance(0.5) ? this.#pin(model) : this.#where(model, 1),
          data: this.#update(model, 0),
        }
      case 'upsert':
        return {
          where: this.#unique(model),
          update: this.#update(model, 2),
          create: this.#create(model, 1),
          ...this.#selection(model, 1),
        }
      case 'delete':
        return { where: this.#unique(model), ...this.#selection(model, 1) }
      default:
        return {
          where: this.random.chance(0.5)
            ? this.#pin(model)
            : { AND: [this.#where(model, 1), this.#unique(model, true)] },
        }
    }
  }

  #model(): PrismaModel {
    return this.random.pick([...this.schema.models.values()])
  }

  #rowsOf(model: PrismaModel): readonly Row[] {
    return this.rows.get(model.name) ?? []
  }

  #values(model: PrismaModel): readonly PrismaFieldData[] {
    return [...model.fields.values()].filter(({ kind }) => kind === 'scalar')
  }

  /** Whether there are rows for its required foreign keys to refer to. */
  #canBeFlat(model: PrismaModel): boolean {
    return [...model.relations.values()].every(
      ({ foreignKeyHere, required, target }) =>
        !(foreignKeyHere && required) || this.#rowsOf(target).length > 0,
    )
  }

  /** Fields that contain a foreign key are set through their relation. */
  #isKeyField(model: PrismaModel, field: string): boolean {
    return [...model.relations.values()].some(
      ({ foreignKeyHere, fromFields }) => foreignKeyHere && fromFields.includes(field),
    )
  }

  #isUnique({ id, unique, name }: PrismaFieldData, model: PrismaModel): boolean {
    return id === true || unique === true || model.primaryKey.includes(name)
  }

  #value(field: PrismaFieldData, model: PrismaModel): unknown {
    const { random } = this
    const number = this.#isUnique(field, model) ? ++this.#fresh : random.below(6)
    switch (field.type) {
      case 'Int':
      case 'Float':
      case 'Decimal':
        return number
      case 'BigInt':
        return BigInt(number)
      case 'Boolean':
        return random.chance(0.5)
      case 'DateTime':
        return new Date(Date.UTC(2024, 0, 1 + number))
      case 'Bytes':
        return Uint8Array.of(number % 256)
      default:
        return `s${number}`
    }
  }

  /**
   * A where that refers to one row, mostly an existing one. As a plain filter, compound keys are written as
   * separate fields.
   */
  #unique(model: PrismaModel, asFilter = false): Fields {
    const { random } = this
    const rows = this.#rowsOf(model)
    const row = rows.length > 0 && random.chance(0.93) ? random.pick(rows) : undefined
    const read = (name: string) => {
      const field = model.fields.get(name)
      return row?.[name] ?? (field === undefined ? undefined : this.#value(field, model))
    }
    const usable = [...model.uniqueSelectors].filter(([, fields]) =>
      fields.every((name) => row === undefined || row[name] !== null),
    )
    const [selector, fields] = random.pick(usable)
    const values = Object.fromEntries(fields.map((name) => [name, read(name)]))
    return fields.length === 1 || asFilter ? values : { [selector]: values }
  }

  /** A filter by the primary key, in one of its notations, or in one that only looks like it. */
  #pin(model: PrismaModel, depth = 1): Fields {
    const { random } = this
    const row = () => this.#primaryKey(model)
    const [field = ''] = model.primaryKey
    const value = () => row()[field]
    const others = this.#where(model, depth)
    const forms: (() => Fields)[] = [
      () => ({ ...others, ...row() }),
      () => ({ AND: [others, row()] }),
      () => ({ AND: row(), NOT: others }),
      () => ({ ...row(), OR: [others, row()] }),
      () => ({ OR: [row(), others] }),
      () => ({ NOT: row() }),
    ]
    if (model.primaryKey.length === 1) {
      forms.push(
        () => ({ ...others, [field]: { in: [value(), value()] } }),
        () => ({ [field]: { in: [value(), value(), value()] } }),
        () => ({ ...others, [field]: { equals: value() } }),
        () => ({ [field]: { notIn: [value()] } }),
        () => ({ [field]: { equals: undefined } }),
        () => ({ ...others, [field]: { gte: value() } }),
      )
    }
    return random.pick(forms)()
  }

  /** The primary key of a row, mostly of an existing one. */
  #primaryKey(model: PrismaModel): Fields {
    const rows = this.#rowsOf(model)
    const row = rows.length > 0 && this.random.chance(0.9) ? this.random.pick(rows) : undefined
    return Object.fromEntries(
      model.primaryKey.map((name) => {
        const field = model.fields.get(name)
        return [name, row?.[name] ?? (field === undefined ? undefined : this.#value(field, model))]
      }),
    )
  }

  #where(model: PrismaModel, depth: number): Fields {
    const { random } = this
    const where: Fields = {}
    if (random.chance(0.5)) {
      const field = random.pick(
        this.#values(model).filter(({ type }) => ['Int', 'String', 'Boolean', 'BigInt'].includes(type)),
      )
      const value = this.#value({ ...field, id: false, unique: false }, model)
      if (!field.required && random.chance(0.3)) where[field.name] = null
      else if (field.type === 'Int')
        where[field.name] = random.pick([{ gt: value }, { not: value }, { lt: 3 }])
      else where[field.name] = random.chance(0.5) ? value : { not: value }
    }
    if (depth === 0) return where
    for (const relation of model.relations.values())
      if (random.chance(0.2)) where[relation.field] = this.#filter(relation, depth - 1)
    if (random.chance(0.2)) {
      const both = [this.#where(model, depth - 1), this.#where(model, depth - 1)]
      where[random.pick(['AND', 'OR', 'NOT'])] = both
    }
    return where
  }

  #filter({ list, required, target }: PrismaRelation, depth: number): unknown {
    const { random } = this
    if (list) return { [random.pick(['some', 'every', 'none'])]: this.#where(target, depth) }
    if (!required && random.chance(0.2)) return random.pick([null, { is: null }])
    return random.chance(0.5)
      ? { [random.pick(['is', 'isNot'])]: this.#where(target, depth) }
      : this.#where(target, depth)
  }

  #orderBy(model: PrismaModel, depth: number): Fields {
    const { random } = this
    const relation =
      model.relations.size > 0 && depth > 0 && random.chance(0.6)
        ? random.pick([...model.relations.values()])
        : undefined
    if (relation === undefined) return { [random.pick(model.primaryKey)]: random.pick(['asc', 'desc']) }
    return { [relation.field]: relation.list ? { _count: 'asc' } : this.#orderBy(relation.target, depth - 1) }
  }

  #selection(model: PrismaModel, depth: number): Fields {
    const { random } = this
    if (depth === 0 || model.relations.size === 0 || random.chance(0.3)) return {}
    const chosen: Fields = {}
    const relations = [...model.relations.values()]
    for (const relation of relations)
      if (random.chance(0.4)) chosen[relation.field] = this.#selected(relation, depth - 1)
    const lists = relations.filter(({ list }) => list)
    if (lists.length > 0 && random.chance(0.3)) {
      const { field, target } = random.pick(lists)
      chosen._count = random.pick([
        true,
        { select: { [field]: true } },
        { select: { [field]: { where: this.#where(target, 1) } } },
      ])
    }
    if (Object.keys(chosen).length === 0) return {}
    return { [random.pick(['select', 'include'])]: chosen }
  }

  #selected({ list, required, target }: PrismaRelation, depth: number): unknown {
    const { random } = this
    if (random.chance(0.4)) return true
    const args: Fields = this.#selection(target, depth)
    if ((list || !required) && random.chance(0.4)) args.where = this.#where(target, 1)
    if (list && random.chance(0.3)) args.orderBy = this.#orderBy(target, 1)
    return args
  }

  /** Scalar values of a new row. */
  #scalars(model: PrismaModel): Fields {
    const data: Fields = {}
    for (const field of this.#values(model)) {
      if (this.#isKeyField(model, field.name)) continue
      const isGenerated = field.id === true && field.type === 'Int'
      if (isGenerated ? this.random.chance(0.1) : field.required || this.random.chance(0.5))
        data[field.name] = this.#value(field, model)
    }
    return data
  }

  /** A new row with its foreign keys as scalars. */
  #flat(model: PrismaModel, skip?: PrismaRelation): Fields {
    const data = this.#scalars(model)
    for (const {
      foreignKeyHere,
      fromFields,
      toFields,
      required,
      target,
      field,
      oneToOne,
    } of model.relations.values()) {
      const rows = this.#rowsOf(target)
      if (
        !foreignKeyHere ||
        field === skip?.field ||
        oneToOne ||
        rows.length === 0 ||
        !(required || this.random.chance(0.5))
      )
        continue
      const row = this.random.pick(rows)
      for (const [at, name] of fromFields.entries()) data[name] = row[toFields[at] ?? '']
    }
    return data
  }

  /** A new row with its relations, except for `skip`, the one through which it is created. */
  #create(model: PrismaModel, depth: number, skip?: PrismaRelation): Fields {
    const { random } = this
    if (skip === undefined && random.chance(0.1) && this.#canBeFlat(model)) return this.#flat(model)
    const data = this.#scalars(model)
    for (const relation of model.relations.values()) {
      if (relation.field === skip?.field) continue
      const isNeeded = relation.foreignKeyHere && relation.required
      if (!isNeeded && (depth === 0 || !random.chance(0.25))) continue
      const step =
        depth === 0
          ? 'connect'
          : random.pick([
              'connect',
              'connect',
              'create',
              'connectOrCreate',
              ...(canCreateMany(relation) && this.#canBeFlat(relation.target) ? ['createMany'] : []),
            ])
      data[relation.field] = { [step]: this.#stepOf(relation, step, depth - 1) }
    }
    return withCheckedId(data, model)
  }

  #update(model: PrismaModel, depth: number, skip?: PrismaRelation): Fields {
    const { random } = this
    const data: Fields = {}
    for (const field of this.#values(model)) {
      if (this.#isKeyField(model, field.name)) continue
      const isUnique = this.#isUnique(field, model)
      if (depth === 0 && isUnique) continue
      if (!random.chance(isUnique ? 0.15 : 0.3)) continue
      const value = this.#value(field, model)
      data[field.name] = field.required && random.chance(0.3) ? { set: value } : value
    }
    if (depth === 0) return data
    for (const relation of model.relations.values()) {
      if (relation.field === skip?.field || !random.chance(0.3)) continue
      const step = random.pick(
        stepsOf(relation).filter((name) => name !== 'createMany' || this.#canBeFlat(relation.target)),
      )
      data[relation.field] = { [step]: this.#stepOf(relation, step, depth - 1) }
    }
    return withCheckedId(data, model)
  }

  #stepOf(relation: PrismaRelation, step: string, depth: number): unknown {
    const { random } = this
    const { target, list, required } = relation
    const back = [...target.relations.values()].find(
      ({ name, field }) => name === relation.name && (target !== relation.model || field !== relation.field),
    )
    const create = () => this.#create(target, Math.max(depth, 0), back)
    const update = () => this.#update(target, Math.max(depth, 0), back)
    switch (step) {
      case 'create':
        // Prisma validates a list as a whole, so none of its rows may have fields that only some may have.
        return list && random.chance(0.5)
          ? [create(), create()].map((row) => withoutGenerated(row, target))
          : create()
      case 'createMany':
        return { data: [this.#flat(target, back)] }
      case 'connectOrCreate':
        return { where: this.#unique(target), create: create() }
      case 'connect':
      case 'set':
        return list ? [this.#unique(target)] : this.#unique(target)
      case 'disconnect':
      case 'delete':
        if (list) return [this.#unique(target)]
        return random.chance(0.7) ? true : this.#where(target, 0)
      case 'deleteMany':
        return random.chance(0.3) ? this.#pin(target, 0) : this.#where(target, 0)
      case 'updateMany':
        return {
          where: random.chance(0.3) ? this.#pin(target, 0) : this.#where(target, 0),
          data: this.#update(target, 0),
        }
      case 'upsert':
        return { ...(list ? { where: this.#unique(target) } : {}), update: update(), create: create() }
      default:
        if (list) return { where: this.#unique(target), data: update() }
        if (required || random.chance(0.5)) return update()
        return { where: random.chance(0.3) ? this.#pin(target) : this.#where(target, 0), data: update() }
    }
  }
}

/** Prisma accepts a generated id only together with foreign keys as scalars. */
function withCheckedId(data: Fields, model: PrismaModel): Fields {
  const hasParent = [...model.relations.values()].some(
    ({ field, foreignKeyHere }) => foreignKeyHere && data[field] !== undefined,
  )
  return hasParent ? withoutGenerated(data, model) : data
}

function withoutGenerated(data: Fields, model: PrismaModel): Fields {
  return Object.fromEntries(
    Object.entries(data).filter(
      ([name]) => model.fields.get(name)?.id !== true || model.fields.get(name)?.type !== 'Int',
    ),
  )
}

function canCreateMany({ list, joinTable }: PrismaRelation): boolean {
  return list && joinTable === undefined
}

function stepsOf(relation: PrismaRelation): readonly string[] {
  const { list, required, foreignKeyHere } = relation
  const always = ['create', 'connect', 'connectOrCreate', 'update', 'upsert']
  if (list) {
    const back = [...relation.target.relations.values()].find(
      ({ name, field }) => name === relation.name && field !== relation.field,
    )
    const parting = back?.list === true || back?.required === false ? ['disconnect', 'set'] : []
    return [
      ...always,
      ...parting,
      'delete',
      'updateMany',
      'deleteMany',
      ...(canCreateMany(relation) ? ['createMany'] : []),
    ]
  }
  return required && foreignKeyHere ? always : [...always, 'disconnect', 'delete']
}
