import fc from 'fast-check'
import { listing } from './prisma-listing.ts'
import { type Args, byId, LOOKUPS, type Lookup, MODELS, type ModelInfo, WALKS } from './prisma-models.ts'
import type { Loop, Order, PrismaCall } from './program.ts'

function call(model: string, action: string, args: unknown, order: Order): PrismaCall {
  return { orm: 'prisma', model, action, args, order }
}

/** The call that a loop repeats, with a hole for its key. */
function callOf(lookup: Lookup): fc.Arbitrary<PrismaCall> {
  const info = MODELS[lookup.model]
  if (info === undefined) throw new Error(`Expected a model that is described, got "${lookup.model}".`)
  const lists = fc.oneof(
    { weight: 6, arbitrary: listing(lookup.model, filterOf(lookup, info), info) },
    { weight: 2, arbitrary: first(lookup, info) },
    { weight: 2, arbitrary: number(lookup, info) },
  )
  if (!lookup.isUnique) return lists
  const next = FLUENT[lookup.model]
  const alone = { weight: 5, arbitrary: unique(lookup, info) }
  return next === undefined
    ? fc.oneof(alone, lists)
    : fc.oneof(alone, { weight: 1, arbitrary: fluent(lookup, next) }, lists)
}

function unique({ model, where }: Lookup, { selections, filters }: ModelInfo): fc.Arbitrary<PrismaCall> {
  return fc
    .record({
      action: fc.constantFrom('findUnique', 'findUnique', 'findUniqueOrThrow'),
      selection: fc.constantFrom(...selections),
      extra: fc.oneof(
        { weight: 6, arbitrary: fc.constant({}) },
        { weight: 1, arbitrary: fc.constantFrom(...filters) },
      ),
    })
    .map(({ action, selection, extra }) =>
      call(model, action, { where: { ...where, ...extra }, ...selection }, 'none'),
    )
}

/** As a filter, a compound key is written as separate fields. */
function flat(where: Args): Args {
  const [inner] = Object.values(where)
  return typeof inner === 'object' && inner !== null && '$key' in inner ? where : (inner as Args)
}

function filterOf({ where, isUnique }: Lookup, { filters }: ModelInfo): fc.Arbitrary<Args> {
  const by = isUnique ? flat(where) : where
  const [[field, value] = ['', undefined]] = Object.entries(by)
  const forms = fc.oneof(
    { weight: 8, arbitrary: fc.constant(by) },
    { weight: 1, arbitrary: fc.constant({ ...by, [field]: { equals: value } }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        { AND: [by] },
        { AND: by },
        { AND: [{}, by, { NOT: { AND: [by, { NOT: by }] } }] },
        { AND: [by, { [field]: { equals: value } }, { OR: [by] }] },
        { NOT: by },
        { ...by, [field]: { in: [value] } },
        { ...by, [field]: { not: value } },
      ),
    },
  )
  return fc.oneof(
    { weight: 4, arbitrary: forms },
    {
      weight: 1,
      arbitrary: fc.tuple(forms, fc.constantFrom(...filters)).map(([form, extra]) => ({ ...form, ...extra })),
    },
  )
}

function first(lookup: Lookup, info: ModelInfo): fc.Arbitrary<PrismaCall> {
  const action = fc.constantFrom('findFirst', 'findFirst', 'findFirstOrThrow')
  const parts = { where: filterOf(lookup, info), selection: fc.constantFrom(...info.selections), action }
  const ordered = fc
    .record({ ...parts, orderBy: fc.constantFrom(...info.total) })
    .map(({ where, orderBy, selection, action: name }) =>
      call(lookup.model, name, { where, orderBy, ...selection }, 'total'),
    )
  const doubtful = fc
    .record({ ...parts, orderBy: fc.constantFrom(...info.partial) })
    .map(({ where, orderBy, selection, action: name }) =>
      call(
        lookup.model,
        name,
        { where, ...(orderBy === undefined ? {} : { orderBy }), ...selection },
        'doubtful',
      ),
    )
  return fc.oneof({ weight: 1, arbitrary: ordered }, { weight: 1, arbitrary: doubtful })
}

function number(lookup: Lookup, info: ModelInfo): fc.Arbitrary<PrismaCall> {
  const { group } = info
  return fc
    .tuple(
      filterOf(lookup, info),
      fc.constantFrom('count', 'count', 'count', 'count select', 'aggregate', 'groupBy'),
    )
    .map(([where, action]) => {
      if (action === 'count') return call(lookup.model, action, { where }, 'none')
      if (action === 'count select')
        return call(lookup.model, 'count', { where, select: { _all: true, [group]: true } }, 'none')
      if (action === 'aggregate')
        return call(lookup.model, action, { where, _count: true, _max: { [group]: true } }, 'none')
      return call(
        lookup.model,
        action,
        { by: [group], where, _count: true, orderBy: { [group]: 'asc' } },
        'none',
      )
    })
}

const FLUENT: Readonly<Record<string, readonly NonNullable<PrismaCall['fluent']>[]>> = {
  Post: [
    { field: 'author' },
    { field: 'comments', args: byId },
    { field: 'tags', args: byId },
    { field: 'author', args: { select: { name: true } } },
  ],
  Author: [
    { field: 'posts', args: byId },
    { field: 'posts', args: { ...byId, select: { title: true } } },
    { field: 'profile' },
    { field: 'country' },
  ],
  Tag: [{ field: 'posts', args: byId }],
  Employee: [{ field: 'reports', args: byId }, { field: 'manager' }, { field: 'friends', args: byId }],
  Device: [{ field: 'readings', args: byId }],
}

function fluent(
  { model, where }: Lookup,
  next: readonly NonNullable<PrismaCall['fluent']>[],
): fc.Arbitrary<PrismaCall> {
  return fc
    .constantFrom(...next)
    .map((step) => ({ ...call(model, 'findUnique', { where }, 'none'), fluent: step }))
}

/** Loops over given keys, and over the results of a listing. */
export function prismaLoop(): fc.Arbitrary<Loop> {
  const keyed = fc
    .constantFrom(...LOOKUPS)
    .chain((lookup) => fc.record({ call: callOf(lookup), keys: lookup.keys }))
  const walking = fc.constantFrom(...WALKS).chain(({ from, field, to }) => {
    const listed = fc
      .constantFrom({ id: { lte: 5 } }, { id: { gt: 8, lte: 16 } }, {})
      .map((where) =>
        call(
          from,
          'findMany',
          from === 'Comment' || from === 'Device'
            ? { take: 6, orderBy: { id: 'asc' } }
            : { where, take: 8, orderBy: { id: 'asc' } },
          'total',
        ),
      )
    return fc.record({
      call: callOf(to),
      keys: listed.map((listingCall) => ({ listing: listingCall, field })),
    })
  })
  return fc.oneof({ weight: 4, arbitrary: keyed }, { weight: 1, arbitrary: walking })
}

const VIEWS: readonly Loop[] = [
  view('Post', { orderBy: { id: 'asc' }, include: { author: true, tags: byId } }),
  view('Post', {
    where: { comments: { some: {} } },
    orderBy: { id: 'asc' },
    include: { _count: { select: { comments: true } } },
  }),
  view('Author', {
    orderBy: { id: 'asc' },
    include: { profile: { include: { badge: true } }, country: true },
  }),
  view('Tag', { orderBy: { id: 'asc' }, include: { posts: { ...byId, select: { id: true } } } }),
  view('Tag', { where: { posts: { some: { authorId: { lt: 4 } } } }, orderBy: { id: 'asc' } }),
  view('Comment', { orderBy: { id: 'asc' } }),
  view('Badge', { orderBy: { id: 'asc' } }),
  view('Membership', { orderBy: [{ orgId: 'asc' }, { userId: 'asc' }], include: { assigned: byId } }),
  view('Task', { orderBy: { id: 'asc' } }),
  view('Country', { orderBy: { code: 'asc' }, include: { _count: true } }),
]

function view(model: string, args: Args): Loop {
  return { call: call(model, 'findMany', args, 'total'), keys: [0] }
}

/** Whole tables with their relations, which almost every write invalidates. */
export function prismaView(): fc.Arbitrary<Loop> {
  return fc.constantFrom(...VIEWS)
}
