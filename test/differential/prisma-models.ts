import fc from 'fast-check'
import {
  BIG_IDS,
  COMMENT_IDS,
  COUNTRY_CODES,
  emails,
  handles,
  type Keys,
  labels,
  ODD_BIG_IDS,
  ODD_CODES,
  range,
  someOf,
} from './keys.ts'
import { hole } from './program.ts'

export type Args = Readonly<Record<string, unknown>>

/** One or more fields by which a model is queried. */
export interface Lookup {
  readonly model: string
  readonly where: Args
  readonly isUnique: boolean
  readonly keys: Keys
}

export interface ModelInfo {
  readonly selections: readonly Args[]
  /** Total orders. */
  readonly total: readonly unknown[]
  readonly partial: readonly unknown[]
  readonly filters: readonly Args[]
  readonly group: string
}

export const byId = { orderBy: { id: 'asc' } }

export const MODELS: Readonly<Record<string, ModelInfo>> = {
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
    total: [
      { id: 'asc' },
      [{ views: 'desc' }, { id: 'asc' }],
      { slug: 'desc' },
      [{ editor: { name: 'asc' } }, { id: 'desc' }],
    ],
    partial: [
      undefined,
      { views: 'desc' },
      { editorId: 'asc' },
      { createdAt: 'desc' },
      { title: 'asc' },
      [{ createdAt: 'asc' }, { price: 'desc' }, { views: 'asc' }],
    ],
    filters: [
      { views: { gt: 3 } },
      { author: { active: true } },
      { tags: { some: { id: { lt: 3 } } } },
      { comments: { none: {} } },
    ],
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
    partial: [
      undefined,
      { countryCode: 'asc' },
      { born: 'desc' },
      { name: 'asc' },
      [{ active: 'asc' }, { followers: 'desc' }],
      { rating: { sort: 'desc' } },
    ],
    filters: [
      { followers: { gte: 3000n } },
      { posts: { some: { views: 3 } } },
      { profile: null },
      { rating: { not: null } },
    ],
    group: 'active',
  },
  Comment: {
    selections: [
      {},
      { select: { body: true } },
      { include: { post: { include: { tags: byId } }, author: true } },
    ],
    total: [{ id: 'asc' }, [{ score: 'asc' }, { id: 'desc' }]],
    partial: [undefined, { score: 'asc' }],
    filters: [{ score: { gt: 1 } }, { post: { views: { lt: 5 } } }],
    group: 'score',
  },
  Tag: {
    selections: [
      {},
      { include: { posts: byId } },
      { select: { label: true } },
      { include: { _count: true } },
    ],
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
    selections: [
      {},
      { include: { org: true, user: true } },
      { select: { role: true } },
      { include: { assigned: byId } },
    ],
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

export const LOOKUPS: readonly Lookup[] = [
  { model: 'Post', where: { id: hole() }, isUnique: true, keys: someOf([...range(1, 14), ...missing], odd) },
  { model: 'Post', where: { authorId: hole() }, isUnique: false, keys: someOf([...range(1, 12), 99], odd) },
  { model: 'Post', where: { authorId: hole() }, isUnique: false, keys: someOf(range(1, 10)) },
  {
    model: 'Post',
    where: { editorId: hole() },
    isUnique: false,
    keys: someOf([...range(1, 6), null], [undefined]),
  },
  { model: 'Post', where: { author: { id: hole() } }, isUnique: false, keys: someOf(range(1, 6)) },
  { model: 'Post', where: { tags: { some: { id: hole() } } }, isUnique: false, keys: someOf(range(1, 5)) },
  {
    model: 'Post',
    where: { AND: [{ AND: [] }, { author: { is: { id: { equals: hole() } } } }] },
    isUnique: false,
    keys: someOf(range(1, 6)),
  },
  {
    model: 'Post',
    where: { id: { in: [hole()] } },
    isUnique: false,
    keys: someOf([...range(1, 14), ...missing]),
  },
  { model: 'Tag', where: { posts: { some: { id: hole() } } }, isUnique: false, keys: someOf(range(1, 14)) },
  {
    model: 'Author',
    where: { id: hole() },
    isUnique: true,
    keys: someOf([...range(1, 12), ...missing], odd),
  },
  { model: 'Author', where: { email: hole() }, isUnique: true, keys: emails },
  {
    model: 'Author',
    where: { countryCode: hole() },
    isUnique: false,
    keys: someOf(COUNTRY_CODES, ODD_CODES),
  },
  { model: 'Author', where: { active: hole() }, isUnique: false, keys: someOf([true, false]) },
  {
    model: 'Author',
    where: { followers: hole() },
    isUnique: false,
    keys: someOf([0n, 1000n, 2000n, 5000, 3n]),
  },
  { model: 'Country', where: { code: hole() }, isUnique: true, keys: someOf(COUNTRY_CODES, ODD_CODES) },
  { model: 'Comment', where: { id: hole() }, isUnique: true, keys: someOf(COMMENT_IDS) },
  { model: 'Comment', where: { postId: hole() }, isUnique: false, keys: someOf(range(1, 14)) },
  { model: 'Comment', where: { authorId: hole() }, isUnique: false, keys: someOf([...range(1, 7), null]) },
  {
    model: 'Comment',
    where: { parentId: hole() },
    isUnique: false,
    keys: someOf([null, ...COMMENT_IDS.slice(0, 3)]),
  },
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
  {
    model: 'Membership',
    where: { orgId: hole() },
    isUnique: false,
    keys: someOf(['o1', 'o2'], ['O1', 'o3']),
  },
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
  {
    model: 'Reading',
    where: { deviceId: hole() },
    isUnique: false,
    keys: someOf(BIG_IDS, [...ODD_BIG_IDS, 2]),
  },
]

/** Rows of one model whose field is the key of another: the parents of 1 + N loops. */
export const WALKS: readonly { readonly from: string; readonly field: string; readonly to: Lookup }[] = [
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
