import fc from 'fast-check'
import type { PrismaModel, PrismaRelation } from '../../../packages/prisma/src/schema/prisma-model.ts'
import type { PrismaFieldData } from '../../../packages/prisma/src/schema/prisma-schema-data.ts'
import { listing } from '../prisma-listing.ts'
import { hole, type Loop, type Order, type PrismaCall } from '../program.ts'
import type { Subject } from './subjects.ts'
import { isInKey } from './values.ts'

type Args = Readonly<Record<string, unknown>>
type OrderBy = Readonly<Record<string, unknown>>

/** Arguments of calls on a model in addition to their key. */
interface ModelArgs {
  readonly selections: readonly Args[]
  /** Total orders. */
  readonly total: readonly (readonly OrderBy[])[]
  readonly partial: readonly (OrderBy | readonly OrderBy[] | undefined)[]
  readonly filters: readonly Args[]
  /** A field with few distinct values. */
  readonly group: string
}

function call(model: PrismaModel, action: string, args: unknown, order: Order): PrismaCall {
  return { orm: 'prisma', model: model.name, action, args, order }
}

function byKey(model: PrismaModel, direction: 'asc' | 'desc' = 'asc'): readonly OrderBy[] {
  return model.primaryKey.map((name) => ({ [name]: direction }))
}

function scalarsOf(model: PrismaModel): readonly PrismaFieldData[] {
  return [...model.fields.values()].filter(({ kind }) => kind !== 'object')
}

/** Comparable fields that are not part of a key. */
function plainFields(model: PrismaModel): readonly PrismaFieldData[] {
  return scalarsOf(model).filter(({ name, type }) => !isInKey(model, name) && type !== 'Bytes')
}

/** A call by the subject's key, with a hole for each of its values. */
export function prismaCall(subject: Subject): fc.Arbitrary<PrismaCall> {
  const { model, selector } = subject
  const args = argsOf(model)
  const lists = fc.oneof(
    { weight: 6, arbitrary: listing(model.name, wheres(subject, args), args) },
    { weight: 2, arbitrary: first(subject, args) },
    { weight: 2, arbitrary: number(subject, args) },
  )
  if (selector === undefined) return lists
  const relations = [...model.relations.values()]
  const alone = { weight: 5, arbitrary: unique(subject, selector, args) }
  if (relations.length === 0) return fc.oneof(alone, { weight: 3, arbitrary: lists })
  const fluent = fc.constantFrom(...relations).map(
    (relation): PrismaCall => ({
      ...call(model, 'findUnique', { where: uniqueWhere(subject, selector) }, 'none'),
      fluent: {
        field: relation.field,
        ...(relation.list ? { args: { orderBy: byKey(relation.target) } } : {}),
      },
    }),
  )
  return fc.oneof(alone, { weight: 1, arbitrary: fluent }, { weight: 3, arbitrary: lists })
}

/** A listing of a model's rows in a total order, which loops follow. */
export function prismaListing(model: PrismaModel): fc.Arbitrary<PrismaCall> {
  const { total, filters, selections } = argsOf(model)
  return fc
    .record({
      where: fc.oneof(
        { weight: 3, arbitrary: fc.constant({}) },
        { weight: 1, arbitrary: fc.constantFrom({}, ...filters) },
      ),
      orderBy: fc.constantFrom(...total),
      selection: fc.oneof(
        { weight: 3, arbitrary: fc.constant({}) },
        { weight: 1, arbitrary: fc.constantFrom(...selections) },
      ),
      window: fc.constantFrom({}, {}, { take: 8 }, { take: 12, skip: 1 }),
    })
    .map(({ where, orderBy, selection, window }) =>
      call(model, 'findMany', { where, orderBy, ...selection, ...window }, 'total'),
    )
}

/** A whole table with its relations. */
export function prismaViews(models: readonly PrismaModel[]): fc.Arbitrary<Loop> {
  const views = models.flatMap((model) => [
    call(model, 'findMany', { orderBy: byKey(model) }, 'total'),
    call(model, 'findMany', { orderBy: byKey(model), ...includeOf([...model.relations.values()]) }, 'total'),
    call(model, 'findMany', { orderBy: byKey(model), ...countsOf(model) }, 'total'),
    call(model, 'count', {}, 'none'),
  ])
  return fc.constantFrom(...views).map((view): Loop => ({ call: view, keys: [0] }))
}

function argsOf(model: PrismaModel): ModelArgs {
  const scalars = scalarsOf(model)
  const relations = [...model.relations.values()]
  const plain = plainFields(model)
  const group =
    plain.find(({ name }) => name === 'plain')?.name ?? plain[0]?.name ?? model.primaryKey[0] ?? ''
  const someFields = Object.fromEntries(plain.slice(0, 2).map(({ name }) => [name, true]))
  const [firstRelation] = relations
  const uniques = scalars.filter(({ unique, required }) => unique === true && required)
  const nested = relations.map((relation) => ({
    include: {
      [relation.field]: inner(relation, includeOf([...relation.target.relations.values()].slice(0, 2))),
    },
  }))
  return {
    selections: [
      {},
      {},
      { select: someFields },
      {
        select: {
          ...Object.fromEntries(scalars.map(({ name }) => [name, true])),
          ...selectOf(firstRelation),
        },
      },
      { omit: Object.fromEntries(scalars.slice(0, 2).map(({ name }) => [name, true])) },
      ...(relations.length === 0 ? [] : [includeOf(relations.slice(0, 2)), countsOf(model)]),
      ...nested.slice(0, 3),
    ],
    total: [
      byKey(model),
      [{ [group]: 'desc' }, ...byKey(model)],
      byKey(model, 'desc'),
      ...uniques.map(({ name }) => [{ [name]: 'desc' }]),
      ...relations
        .filter(({ list }) => !list)
        .map(({ field, target }) => [...byKey(target).map((order) => ({ [field]: order })), ...byKey(model)]),
    ],
    partial: [
      undefined,
      { [group]: 'asc' },
      ...plain.map(({ name }, at) => ({ [name]: at % 2 === 0 ? 'desc' : 'asc' })),
      plain.slice(0, 2).map(({ name }) => ({ [name]: { sort: 'desc' } })),
    ],
    filters: [...plain.slice(0, 2).map(filterOf), ...relations.slice(0, 3).map(relationFilterOf)],
    group,
  }
}

function filterOf({ name, type, kind, required }: PrismaFieldData): Args {
  if (!required) return { [name]: { not: null } }
  if (kind === 'enum') return { [name]: 'calm' }
  if (type === 'Boolean') return { [name]: true }
  if (type === 'String') return { [name]: { contains: 'a' } }
  return { [name]: type === 'DateTime' ? { gt: new Date(Date.UTC(2000, 0, 1)) } : { gte: 1 } }
}

function relationFilterOf({ field, list, required, target }: PrismaRelation): Args {
  if (list) return { [field]: { some: {} } }
  const [plain] = plainFields(target)
  return required
    ? { [field]: { is: plain === undefined ? {} : filterOf(plain) } }
    : { [field]: { isNot: null } }
}

function inner({ list, target }: PrismaRelation, args: Args): unknown {
  const own = { ...(list ? { orderBy: byKey(target) } : {}), ...args }
  return Object.keys(own).length === 0 ? true : own
}

function selectOf(relation: PrismaRelation | undefined): Args {
  return relation === undefined ? {} : { [relation.field]: inner(relation, {}) }
}

function includeOf(relations: readonly PrismaRelation[]): Args {
  if (relations.length === 0) return {}
  return { include: Object.fromEntries(relations.map((relation) => [relation.field, inner(relation, {})])) }
}

function countsOf(model: PrismaModel): Args {
  return [...model.relations.values()].some(({ list }) => list) ? { include: { _count: true } } : {}
}

function uniqueWhere({ fields }: Subject, selector: string): Args {
  if (fields.length === 1) return { [fields[0] ?? '']: hole() }
  return { [selector]: Object.fromEntries(fields.map((name, at) => [name, hole(at)])) }
}

function unique(
  subject: Subject,
  selector: string,
  { selections, filters }: ModelArgs,
): fc.Arbitrary<PrismaCall> {
  const where = uniqueWhere(subject, selector)
  // Prisma rejects an empty selection in a single call, and accepts it when it batches the call with others
  // of its tick.
  const answered = selections.filter(
    ({ omit }) =>
      omit === undefined || scalarsOf(subject.model).some(({ name }) => !(name in (omit as Args))),
  )
  return fc
    .record({
      action: fc.constantFrom('findUnique', 'findUnique', 'findUniqueOrThrow'),
      selection: fc.constantFrom(...answered),
      extra: fc.oneof(
        { weight: 6, arbitrary: fc.constant({}) },
        { weight: 1, arbitrary: fc.constantFrom({}, ...filters) },
      ),
    })
    .map(({ action, selection, extra }) =>
      call(subject.model, action, { where: { ...extra, ...where }, ...selection }, 'none'),
    )
}

/** The key as a filter; sometimes through the relation, or together with another filter. */
function wheres({ model, fields }: Subject, { filters }: ModelArgs): fc.Arbitrary<Args> {
  const by: Args = Object.fromEntries(fields.map((name, at) => [name, hole(at)]))
  const [[field, value] = ['', undefined]] = Object.entries(by)
  const along = [...model.relations.values()]
    .filter(({ foreignKeyHere, fromFields }) => foreignKeyHere && fromFields.join() === fields.join())
    .map(({ field: relation, toFields }) => ({
      [relation]: Object.fromEntries(toFields.map((name, at) => [name, hole(at)])),
    }))
  const forms = fc.oneof(
    { weight: 8, arbitrary: fc.constant(by) },
    { weight: 1, arbitrary: fc.constant({ ...by, [field]: { equals: value } }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Args>(
        { AND: [by] },
        { AND: by },
        { AND: [{}, by, { NOT: { AND: [by, { NOT: by }] } }] },
        { AND: [by, { [field]: { equals: value } }, { OR: [by] }] },
        { NOT: by },
        { ...by, [field]: { in: [value] } },
        { ...by, [field]: { not: value } },
        ...along,
      ),
    },
  )
  return fc.oneof(
    { weight: 4, arbitrary: forms },
    {
      weight: 1,
      arbitrary: fc
        .tuple(forms, fc.constantFrom({}, ...filters))
        .map(([form, extra]) => ({ ...extra, ...form })),
    },
  )
}

function first(subject: Subject, args: ModelArgs): fc.Arbitrary<PrismaCall> {
  const { total, partial, selections } = args
  const parts = {
    where: wheres(subject, args),
    selection: fc.constantFrom(...selections),
    action: fc.constantFrom('findFirst', 'findFirst', 'findFirstOrThrow'),
  }
  const ordered = fc
    .record({ ...parts, orderBy: fc.constantFrom(...total) })
    .map(({ where, orderBy, selection, action }) =>
      call(subject.model, action, { where, orderBy, ...selection }, 'total'),
    )
  const doubtful = fc
    .record({ ...parts, orderBy: fc.constantFrom(...partial) })
    .map(({ where, orderBy, selection, action }) =>
      call(
        subject.model,
        action,
        { where, ...(orderBy === undefined ? {} : { orderBy }), ...selection },
        'doubtful',
      ),
    )
  return fc.oneof({ weight: 3, arbitrary: ordered }, { weight: 2, arbitrary: doubtful })
}

function number(subject: Subject, args: ModelArgs): fc.Arbitrary<PrismaCall> {
  const { group } = args
  const { model } = subject
  return fc
    .tuple(
      wheres(subject, args),
      fc.constantFrom('count', 'count', 'count', 'count select', 'aggregate', 'groupBy'),
    )
    .map(([where, action]) => {
      if (action === 'count') return call(model, action, { where }, 'none')
      if (action === 'count select')
        return call(model, 'count', { where, select: { _all: true, [group]: true } }, 'none')
      if (action === 'aggregate')
        return call(model, action, { where, _count: true, _max: { [group]: true } }, 'none')
      return call(model, action, { by: [group], where, _count: true, orderBy: { [group]: 'asc' } }, 'none')
    })
}
