import fc from 'fast-check'
import type { PrismaSchema } from '../../packages/prisma/src/schema/prisma-schema.ts'
import { Random } from '../support/random.ts'
import { type RandomOperation, RandomOperations, type Row } from '../support/random-operations.ts'
import { BIG_IDS, COMMENT_IDS, COUNTRY_CODES, emails, handles, type Keys, labels, ODD_BIG_IDS, ODD_CODES, range, someOf } from './keys.ts'
import { hole, type Loop, type Order, type PrismaCall } from './program.ts'

type Args = Readonly<Record<string, unknown>>

/** A field, or several, by which a model is asked. */
interface Lookup {
  readonly model: string
  readonly where: Args
  readonly isUnique: boolean
  readonly keys: Keys
}

interface ModelInfo {
  readonly selections: readonly Args[]
  /** Orders that leave no two rows in doubt. */
  readonly total: readonly unknown[]
  readonly partial: readonly unknown[]
  readonly filters: readonly Args[]
  readonly group: string
}

const byId = { orderBy: { id: 'asc' } }

const MODELS: Readonly<Record<string, ModelInfo>> = {
  Post: {
    selections: [
      {},
      {},
      { select: { title: true } },
      { select: { id: true, authorId: true, author: { select: { name: true } } } },
      { omit: { authorId: true, slug: true } },
      { include: { author: true, tags: byId } },
      { include: { comments: { ...byId, take: 2 }, _count: { select: { comments: true } } } },
    ],
    total: [{ id: 'asc' }, [{ views: 'desc' }, { id: 'asc' }], { slug: 'desc' }, [{ editor: { name: 'asc' } }, { id: 'desc' }]],
    partial: [undefined, { views: 'desc' }, { editorId: 'asc' }],
    filters: [{ views: { gt: 3 } }, { author: { active: true } }, { tags: { some: { id: { lt: 3 } } } }, { comments: { none: {} } }],
    group: 'views',
  },
  Author: {
    selections: [
      {},
      { select: { name: true, followers: true } },
      { select: { posts: byId } },
      { omit: { email: true } },
      { include: { country: true, profile: { include: { badge: true } } } },
      { include: { memberships: { orderBy: { orgId: 'asc' } }, _count: true } },
    ],
    total: [{ id: 'desc' }, { email: 'asc' }],
    partial: [undefined, { countryCode: 'asc' }],
    filters: [{ followers: { gte: 3000n } }, { posts: { some: { views: 3 } } }, { profile: null }, { rating: { not: null } }],
    group: 'active',
  },
  Comment: {
    selections: [{}, { select: { body: true } }, { include: { post: { include: { tags: byId } }, author: true } }],
    total: [{ id: 'asc' }, [{ score: 'asc' }, { id: 'desc' }]],
    partial: [undefined, { score: 'asc' }],
    filters: [{ score: { gt: 1 } }, { post: { views: { lt: 5 } } }],
    group: 'score',
  },
  Tag: {
    selections: [{}, { include: { posts: byId } }, { select: { label: true } }, { include: { _count: true } }],
    total: [{ id: 'asc' }, { label: 'desc' }],
    partial: [undefined],
    filters: [{ posts: { some: {} } }, { posts: { every: { views: 0 } } }],
    group: 'label',
  },
  Profile: {
    selections: [{}, { include: { badge: true, author: true } }, { select: { bio: true } }],
    total: [{ id: 'asc' }],
    partial: [undefined, { bio: 'asc' }],
    filters: [{ badge: null }, { author: { active: true } }],
    group: 'bio',
  },
  Membership: {
    selections: [{}, { include: { org: true, user: true } }, { select: { role: true } }, { include: { assigned: byId } }],
    total: [[{ orgId: 'asc' }, { userId: 'asc' }]],
    partial: [undefined, { orgId: 'asc' }],
    filters: [{ user: { active: true } }, { assigned: { some: {} } }],
    group: 'role',
  },
  Task: {
    selections: [{}, { include: { owner: { include: { org: true } } } }, { select: { done: true } }],
    total: [{ id: 'asc' }],
    partial: [undefined, { title: 'asc' }],
    filters: [{ done: false }, { owner: { role: 'member' } }],
    group: 'title',
  },
  Country: {
    selections: [{}, { include: { authors: byId } }, { select: { name: true } }],
    total: [{ code: 'asc' }],
    partial: [undefined],
    filters: [{ authors: { some: {} } }],
    group: 'name',
  },
  Employee: {
    selections: [
      {},
      { include: { manager: true, reports: byId } },
      { include: { friends: byId, friendOf: byId } },
      { select: { name: true } },
    ],
    total: [{ id: 'asc' }, [{ grade: 'desc' }, { id: 'asc' }]],
    partial: [undefined, { grade: 'asc' }],
    filters: [{ grade: { gt: 0 } }, { friends: { some: {} } }, { mentor: null }],
    group: 'grade',
  },
  Device: {
    selections: [{}, { include: { readings: byId } }, { select: { name: true } }],
    total: [{ id: 'asc' }],
    partial: [undefined],
    filters: [{ readings: { some: { value: { gt: 1 } } } }],
    group: 'name',
  },
  Reading: {
    selections: [{}, { include: { device: true } }, { select: { value: true } }],
    total: [{ id: 'asc' }, [{ value: 'desc' }, { id: 'asc' }]],
    partial: [undefined, { value: 'desc' }],
    filters: [{ value: { lt: 1.5 } }],
    group: 'value',
  },
}

const missing = [99, 1001]
const odd = [null, undefined, 2 ** 40, 3.5]

const LOOKUPS: readonly Lookup[] = [
  { model: 'Post', where: { id: hole() }, isUnique: true, keys: someOf([...range(1, 14), ...missing], odd) },
  { model: 'Post', where: { authorId: hole() }, isUnique: false, keys: someOf([...range(1, 12), 99], odd) },
  { model: 'Post', where: { authorId: hole() }, isUnique: false, keys: someOf(range(1, 10)) },
  { model: 'Post', where: { editorId: hole() }, isUnique: false, keys: someOf([...range(1, 6), null], [undefined]) },
  { model: 'Post', where: { author: { id: hole() } }, isUnique: false, keys: someOf(range(1, 6)) },
  { model: 'Post', where: { tags: { some: { id: hole() } } }, isUnique: false, keys: someOf(range(1, 5)) },
  { model: 'Author', where: { id: hole() }, isUnique: true, keys: someOf([...range(1, 12), ...missing], odd) },
  { model: 'Author', where: { email: hole() }, isUnique: true, keys: emails },
  { model: 'Author', where: { countryCode: hole() }, isUnique: false, keys: someOf(COUNTRY_CODES, ODD_CODES) },
  { model: 'Author', where: { active: hole() }, isUnique: false, keys: someOf([true, false]) },
  { model: 'Author', where: { followers: hole() }, isUnique: false, keys: someOf([0n, 1000n, 2000n, 5000, 3n]) },
  { model: 'Country', where: { code: hole() }, isUnique: true, keys: someOf(COUNTRY_CODES, ODD_CODES) },
  { model: 'Comment', where: { id: hole() }, isUnique: true, keys: someOf(COMMENT_IDS) },
  { model: 'Comment', where: { postId: hole() }, isUnique: false, keys: someOf(range(1, 14)) },
  { model: 'Comment', where: { authorId: hole() }, isUnique: false, keys: someOf([...range(1, 7), null]) },
  { model: 'Comment', where: { parentId: hole() }, isUnique: false, keys: someOf([null, ...COMMENT_IDS.slice(0, 3)]) },
  { model: 'Tag', where: { id: hole() }, isUnique: true, keys: someOf([...range(1, 5), ...missing]) },
  { model: 'Tag', where: { label: hole() }, isUnique: true, keys: labels },
  { model: 'Profile', where: { authorId: hole() }, isUnique: true, keys: someOf(range(1, 5), [null]) },
  { model: 'Profile', where: { handle: hole() }, isUnique: true, keys: handles },
  {
    model: 'Membership',
    where: { orgId_userId: { orgId: hole(0), userId: hole(1) } },
    isUnique: true,
    keys: someOf(
      [
        ['o1', 1],
        ['o1', 2],
        ['o2', 1],
        ['o2', 3],
      ],
      [
        ['o2', 2],
        ['O1', 1],
        ['o1', null],
        ['o1', 99],
      ],
    ),
  },
  { model: 'Membership', where: { orgId: hole() }, isUnique: false, keys: someOf(['o1', 'o2'], ['O1', 'o3']) },
  { model: 'Membership', where: { userId: hole() }, isUnique: false, keys: someOf(range(1, 4)) },
  {
    model: 'Task',
    where: { titleInOrg: { orgId: hole(0), title: hole(1) } },
    isUnique: true,
    keys: someOf(
      [
        ['o1', 'sweep'],
        ['o1', 'mop'],
        ['o2', 'sweep'],
      ],
      [
        ['o1', 'Sweep'],
        [null, 'sweep'],
      ],
    ),
  },
  { model: 'Task', where: { orgId: hole() }, isUnique: false, keys: someOf(['o1', 'o2', null]) },
  { model: 'Employee', where: { id: hole() }, isUnique: true, keys: someOf([...range(1, 6), ...missing]) },
  { model: 'Employee', where: { managerId: hole() }, isUnique: false, keys: someOf([1, 2, 3, null]) },
  { model: 'Device', where: { id: hole() }, isUnique: true, keys: someOf(BIG_IDS, ODD_BIG_IDS) },
  { model: 'Reading', where: { deviceId: hole() }, isUnique: false, keys: someOf(BIG_IDS, [...ODD_BIG_IDS, 2]) },
]

/** Rows of one model whose field is the key of another: what 1 + N loops walk over. */
const WALKS: readonly { readonly from: string; readonly field: string; readonly to: Lookup }[] = [
  { from: 'Author', field: 'id', to: plain('Post', { authorId: hole() }, false) },
  { from: 'Post', field: 'authorId', to: plain('Author', { id: hole() }, true) },
  { from: 'Post', field: 'editorId', to: plain('Author', { id: hole() }, true) },
  { from: 'Post', field: 'id', to: plain('Comment', { postId: hole() }, false) },
  { from: 'Author', field: 'countryCode', to: plain('Country', { code: hole() }, true) },
  { from: 'Comment', field: 'parentId', to: plain('Comment', { parentId: hole() }, false) },
  { from: 'Device', field: 'id', to: plain('Reading', { deviceId: hole() }, false) },
  { from: 'Author', field: 'email', to: plain('Author', { email: hole() }, true) },
]

function plain(model: string, where: Args, isUnique: boolean): Lookup {
  return { model, where, isUnique, keys: fc.constant([]) }
}

function call(model: string, action: string, args: unknown, order: Order): PrismaCall {
  return { orm: 'prisma', model, action, args, order }
}

/** The call that a loop repeats, with a hole for its key. */
function callOf(lookup: Lookup): fc.Arbitrary<PrismaCall> {
  const info = MODELS[lookup.model]
  if (info === undefined) throw new Error(`Expected a model that is described, got "${lookup.model}".`)
  const lists = fc.oneof(
    { weight: 6, arbitrary: listing(lookup, info) },
    { weight: 2, arbitrary: first(lookup, info) },
    { weight: 2, arbitrary: number(lookup, info) },
  )
  if (!lookup.isUnique) return lists
  const next = FLUENT[lookup.model]
  const alone = { weight: 5, arbitrary: unique(lookup, info) }
  return next === undefined ? fc.oneof(alone, lists) : fc.oneof(alone, { weight: 1, arbitrary: fluent(lookup, next) }, lists)
}

function unique({ model, where }: Lookup, { selections, filters }: ModelInfo): fc.Arbitrary<PrismaCall> {
  return fc
    .record({
      action: fc.constantFrom('findUnique', 'findUnique', 'findUniqueOrThrow'),
      selection: fc.constantFrom(...selections),
      extra: fc.oneof({ weight: 6, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.constantFrom(...filters) }),
    })
    .map(({ action, selection, extra }) => call(model, action, { where: { ...where, ...extra }, ...selection }, 'none'))
}

/** As a filter, a compound key is written out. */
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
      arbitrary: fc.constantFrom({ AND: [by] }, { NOT: by }, { ...by, [field]: { in: [value] } }, { ...by, [field]: { not: value } }),
    },
  )
  return fc.oneof(
    { weight: 4, arbitrary: forms },
    { weight: 1, arbitrary: fc.tuple(forms, fc.constantFrom(...filters)).map(([form, extra]) => ({ ...form, ...extra })) },
  )
}

function listing(lookup: Lookup, info: ModelInfo): fc.Arbitrary<PrismaCall> {
  const { total, partial, selections } = info
  const window = fc.constantFrom({}, {}, {}, { take: 2 }, { skip: 1, take: 2 }, { take: -2 }, { distinct: [info.group] })
  const ordered = fc
    .record({ where: filterOf(lookup, info), orderBy: fc.constantFrom(...total), selection: fc.constantFrom(...selections), window })
    .map(({ where, orderBy, selection, window: part }) =>
      call(lookup.model, 'findMany', { where, orderBy, ...selection, ...part }, 'total'),
    )
  const unordered = fc
    .record({ where: filterOf(lookup, info), orderBy: fc.constantFrom(...partial), selection: fc.constantFrom(...selections) })
    .map(({ where, orderBy, selection }) =>
      call(lookup.model, 'findMany', { where, ...(orderBy === undefined ? {} : { orderBy }), ...selection }, 'none'),
    )
  return fc.oneof({ weight: 2, arbitrary: ordered }, { weight: 1, arbitrary: unordered })
}

function first(lookup: Lookup, info: ModelInfo): fc.Arbitrary<PrismaCall> {
  const action = fc.constantFrom('findFirst', 'findFirst', 'findFirstOrThrow')
  const parts = { where: filterOf(lookup, info), selection: fc.constantFrom(...info.selections), action }
  const ordered = fc
    .record({ ...parts, orderBy: fc.constantFrom(...info.total) })
    .map(({ where, orderBy, selection, action: name }) => call(lookup.model, name, { where, orderBy, ...selection }, 'total'))
  const doubtful = fc
    .record({ ...parts, orderBy: fc.constantFrom(...info.partial) })
    .map(({ where, orderBy, selection, action: name }) =>
      call(lookup.model, name, { where, ...(orderBy === undefined ? {} : { orderBy }), ...selection }, 'doubtful'),
    )
  return fc.oneof({ weight: 2, arbitrary: ordered }, { weight: 1, arbitrary: doubtful })
}

function number(lookup: Lookup, info: ModelInfo): fc.Arbitrary<PrismaCall> {
  const { group } = info
  return fc
    .tuple(filterOf(lookup, info), fc.constantFrom('count', 'count', 'count', 'count select', 'aggregate', 'groupBy'))
    .map(([where, action]) => {
      if (action === 'count') return call(lookup.model, action, { where }, 'none')
      if (action === 'count select') return call(lookup.model, 'count', { where, select: { _all: true, [group]: true } }, 'none')
      if (action === 'aggregate') return call(lookup.model, action, { where, _count: true, _max: { [group]: true } }, 'none')
      return call(lookup.model, action, { by: [group], where, _count: true, orderBy: { [group]: 'asc' } }, 'none')
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

function fluent({ model, where }: Lookup, next: readonly NonNullable<PrismaCall['fluent']>[]): fc.Arbitrary<PrismaCall> {
  return fc.constantFrom(...next).map((step) => ({ ...call(model, 'findUnique', { where }, 'none'), fluent: step }))
}

/** Loops over given keys, and over what a listing found. */
export function prismaLoop(): fc.Arbitrary<Loop> {
  const keyed = fc.constantFrom(...LOOKUPS).chain((lookup) => fc.record({ call: callOf(lookup), keys: lookup.keys }))
  const walking = fc.constantFrom(...WALKS).chain(({ from, field, to }) => {
    const listed = fc
      .constantFrom({ id: { lte: 5 } }, { id: { gt: 8, lte: 16 } }, {})
      .map((where) =>
        call(
          from,
          'findMany',
          from === 'Comment' || from === 'Device' ? { take: 6, orderBy: { id: 'asc' } } : { where, take: 8, orderBy: { id: 'asc' } },
          'total',
        ),
      )
    return fc.record({ call: callOf(to), keys: listed.map((listingCall) => ({ listing: listingCall, field })) })
  })
  return fc.oneof({ weight: 4, arbitrary: keyed }, { weight: 1, arbitrary: walking })
}

const VIEWS: readonly Loop[] = [
  view('Post', { orderBy: { id: 'asc' }, include: { author: true, tags: byId } }),
  view('Post', { where: { comments: { some: {} } }, orderBy: { id: 'asc' }, include: { _count: { select: { comments: true } } } }),
  view('Author', { orderBy: { id: 'asc' }, include: { profile: { include: { badge: true } }, country: true } }),
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

/** Whole tables with what belongs to them: hardly a write goes by them. */
export function prismaView(): fc.Arbitrary<Loop> {
  return fc.constantFrom(...VIEWS)
}

/** A read with relations in every place, as the models allow them. */
export function prismaRandomRead(schema: PrismaSchema, rows: ReadonlyMap<string, readonly Row[]>): fc.Arbitrary<Loop> {
  return randomOperation(schema, rows, (operations) => operations.read()).map(({ model, action, args }) => {
    const orderBy = (schema.models.get(model)?.primaryKey ?? []).map((field) => ({ [field]: 'asc' }))
    const { take, ...rest } = args
    if (action === 'findFirst') return { call: call(model, action, { ...rest, orderBy }, 'none'), keys: [0] }
    return { call: call(model, action, take === undefined ? args : { ...args, orderBy }, 'none'), keys: [0] }
  })
}

/** A write with nested writes of every kind. */
export function prismaRandomWrite(
  schema: PrismaSchema,
  rows: ReadonlyMap<string, readonly Row[]>,
  isAllowed: (model: string) => boolean,
): fc.Arbitrary<PrismaCall> {
  return randomOperation(schema, rows, (operations) => {
    for (;;) {
      const operation = operations.write()
      if (isAllowed(operation.model)) return operation
    }
  }).map(({ model, action, args }) =>
    call(model, action, action.startsWith('createMany') ? { ...args, data: alike(args.data as Args[]) } : args, 'none'),
  )
}

/** In which order Prisma inserts rows of different fields is chance, and with it their ids. */
function alike([first = {}, ...others]: readonly Args[]): readonly Args[] {
  const fields = Object.keys(first).join()
  return [first, ...others.filter((other) => Object.keys(other).join() === fields)]
}

function randomOperation(
  schema: PrismaSchema,
  rows: ReadonlyMap<string, readonly Row[]>,
  make: (operations: RandomOperations) => RandomOperation,
): fc.Arbitrary<RandomOperation> {
  return fc.nat(2 ** 31 - 1).map((chance) => make(new RandomOperations(schema, new Random(chance), rows)))
}
