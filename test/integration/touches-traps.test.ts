import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { touches } from '../../packages/prisma/src/touches/touches.ts'
import { CachedReads } from '../support/cached-reads.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import type { RandomOperation } from '../support/random-operations.ts'
import { WatchedClient } from '../support/watched-client.ts'

type Trap = readonly [fact: string, read: RandomOperation, write: RandomOperation]

const operation = (model: string, action: string, args: RandomOperation['args']): RandomOperation => ({
  model,
  action,
  args,
})
const all = (model: string) => operation(model, 'findMany', {})
const one = (model: string, id: unknown, more: object = {}) =>
  operation(model, 'findUnique', { where: { id }, ...more })
const update = (model: string, id: unknown, data: object) =>
  operation(model, 'update', { where: { id }, data })
const remove = (model: string, id: unknown) => operation(model, 'delete', { where: { id } })

/** Reads whose result a write changes in an easily overlooked way. */
const traps: readonly Trap[] = [
  [
    'a filter on another row of the own table',
    one('Employee', 1, { where: { id: 1, manager: { grade: 0 } } }),
    update('Employee', 2, { grade: 5 }),
  ],
  [
    'a filtered count of the own table',
    one('Employee', 2, { include: { _count: { select: { reports: { where: { grade: 0 } } } } } }),
    update('Employee', 1, { grade: 5 }),
  ],
  ['a key cleared in the own table with a deleted row', one('Employee', 1), remove('Employee', 2)],
  [
    'a row let go by the row that had it',
    one('Employee', 1),
    update('Employee', 2, { reports: { set: [] } }),
  ],
  [
    'one of two rows that was not there',
    operation('Employee', 'findMany', { where: { id: { in: [1, 99] } } }),
    operation('Employee', 'create', { data: { id: 99, name: 'new' } }),
  ],
  [
    'a row that is no longer the first',
    operation('Employee', 'findFirst', { where: { id: { in: [1, 99] } }, orderBy: { id: 'desc' } }),
    operation('Employee', 'create', { data: { id: 99, name: 'new' } }),
  ],
  [
    'a row that an upsert updates',
    one('Employee', 1),
    operation('Employee', 'upsert', { where: { id: 1 }, update: { grade: 9 }, create: { name: 'x' } }),
  ],
  [
    'rows of a filter that only looks like one by key',
    one('Employee', 1),
    operation('Employee', 'updateMany', { where: { id: { notIn: [2] } }, data: { grade: 9 } }),
  ],
  [
    'rows of either of two filters',
    one('Employee', 1),
    operation('Employee', 'updateMany', { where: { OR: [{ id: 2 }, { id: 1 }] }, data: { grade: 9 } }),
  ],
  [
    'rows of a key that is undefined',
    one('Employee', 1),
    operation('Employee', 'updateMany', { where: { id: undefined }, data: { grade: 9 } }),
  ],
  [
    'a row that was not there',
    one('Employee', 99),
    operation('Employee', 'create', { data: { id: 99, name: 'new' } }),
  ],
  ['a renamed key', one('Employee', 99), update('Employee', 3, { id: 99 })],
  [
    'an empty to-one relation',
    one('Author', 3, { include: { profile: true } }),
    operation('Profile', 'create', { data: { authorId: 3 } }),
  ],
  [
    'a one-to-one relation taken over',
    one('Profile', 1),
    update('Profile', 2, { author: { connect: { id: 1 } } }),
  ],
  [
    'a one-to-one relation taken over from the other side',
    one('Profile', 1),
    update('Author', 1, { profile: { connect: { id: 2 } } }),
  ],
  [
    'a one-to-one relation taken over by a new row',
    one('Profile', 1),
    operation('Profile', 'create', { data: { author: { connect: { id: 1 } } } }),
  ],
  [
    'a one-to-one relation taken over by the row that an upsert creates',
    one('Profile', 1),
    operation('Profile', 'upsert', {
      where: { id: 77 },
      update: {},
      create: { author: { connect: { id: 1 } } },
    }),
  ],
  [
    'a one-to-one relation taken over by a created child',
    one('Profile', 1),
    update('Author', 1, { profile: { create: { bio: 'new' } } }),
  ],
  [
    'a child that a new parent takes',
    one('Profile', 1),
    operation('Author', 'create', { data: { email: 'x', name: 'x', profile: { connect: { id: 1 } } } }),
  ],
  [
    'a one-to-one relation of a model to itself',
    one('Employee', 1),
    update('Employee', 3, { mentor: { connect: { id: 2 } } }),
  ],
  ['rows deleted with their parent', all('Post'), remove('Author', 1)],
  ['rows deleted with the parent of their parent', all('Comment'), remove('Author', 1)],
  ['keys cleared with a deleted parent', all('Post'), remove('Author', 2)],
  ['keys cleared by default', all('Author'), operation('Country', 'delete', { where: { code: 'is' } })],
  ['many-to-many links deleted with a row', one('Post', 1, { include: { _count: true } }), remove('Tag', 1)],
  [
    'many-to-many links of a renamed row',
    one('Post', 1, { include: { tags: { select: { id: true } } } }),
    update('Tag', 1, { id: 99 }),
  ],
  [
    'many-to-many links made from the other side',
    one('Post', 2, { select: { _count: { select: { tags: true } } } }),
    update('Tag', 1, { posts: { connect: { id: 2 } } }),
  ],
  [
    'a filter through many-to-many links',
    operation('Post', 'findMany', { where: { tags: { none: {} } } }),
    update('Tag', 1, { posts: { set: [] } }),
  ],
  ['keys that follow a renamed parent', all('Post'), update('Author', 1, { id: 99 })],
  [
    'compound keys that follow a renamed parent of their parent',
    all('Task'),
    operation('Organization', 'update', { where: { id: 'org' }, data: { id: 'new' } }),
  ],
  ['keys that follow a unique field', all('Badge'), update('Profile', 1, { handle: 'new' })],
  [
    'a field called data',
    one('Badge', 1),
    update('Author', 1, { profile: { update: { data: { set: 'x' }, badge: { update: { text: 'new' } } } } }),
  ],
  [
    'data within data',
    one('Badge', 1),
    update('Author', 1, { profile: { update: { data: { badge: { update: { text: 'new' } } } } } }),
  ],
  [
    'a nested updateMany',
    one('Post', 1),
    update('Author', 1, { posts: { updateMany: { where: {}, data: { views: 9 } } } }),
  ],
  ['a nested deleteMany', all('Comment'), update('Author', 1, { posts: { deleteMany: {} } })],
  ['children let go', all('Post'), update('Author', 2, { edited: { set: [] } })],
  ['a deleted parent of a row that stays', all('Author'), update('Profile', 1, { author: { delete: true } })],
  [
    '@updatedAt of a row whose relation changes',
    one('Author', 1),
    update('Author', 1, { country: { disconnect: true } }),
  ],
  [
    'a filter three relations away',
    operation('Country', 'findMany', {
      where: { authors: { some: { posts: { some: { comments: { some: { score: 0 } } } } } } },
    }),
    operation('Comment', 'updateMany', { data: { score: 5 } }),
  ],
  [
    'an order by the count of a relation',
    operation('Author', 'findMany', { orderBy: { posts: { _count: 'desc' } }, take: 1 }),
    operation('Post', 'deleteMany', { where: { authorId: 1 } }),
  ],
  [
    'an order by a field of a relation',
    operation('Post', 'findFirst', { orderBy: { author: { name: 'asc' } } }),
    update('Author', 1, { name: 'z' }),
  ],
]

/**
 * Author 1 has the posts, profile and country; author 2 edits post 1; author 3 has the membership; employee 1
 * reports to 2, who mentors it.
 */
async function seed(client: TestPrismaClient): Promise<void> {
  await client.country.create({ data: { code: 'is', name: 'Iceland' } })
  await client.author.createMany({
    data: [1, 2, 3].map((id) => ({
      id,
      email: `${id}`,
      name: `n${id}`,
      countryCode: id === 1 ? 'is' : null,
    })),
  })
  const post = (id: number, authorId: number, editorId: number | null) => ({
    id,
    slug: `${id}`,
    title: 't',
    authorId,
    editorId,
  })
  await client.post.createMany({ data: [post(1, 1, 2), post(2, 1, null), post(3, 2, null)] })
  await client.comment.create({ data: { id: 'c1', body: 'b', postId: 1 } })
  await client.tag.create({ data: { id: 1, label: 'l', posts: { connect: { id: 1 } } } })
  await client.profile.createMany({
    data: [
      { id: 1, handle: 'h1', authorId: 1 },
      { id: 2, handle: 'h2' },
    ],
  })
  await client.badge.create({ data: { id: 1, text: 't', profileHandle: 'h1' } })
  await client.organization.create({ data: { id: 'org', name: 'o' } })
  await client.membership.create({ data: { orgId: 'org', userId: 3 } })
  await client.task.create({ data: { title: 't', orgId: 'org', ownerId: 3 } })
  await client.employee.createMany({
    data: [2, 1, 3].map((id) => ({
      id,
      name: `${id}`,
      managerId: id === 1 ? 2 : null,
      mentorId: id === 1 ? 2 : null,
    })),
  })
}

describe('touches of writes that change', () => {
  let watched: WatchedClient

  beforeEach(async () => {
    watched = await WatchedClient.open('sqlite')
    await seed(watched.client)
  })

  afterEach(() => watched.close())

  it.each(traps)('%s', async (_, read, write) => {
    const { schema } = watched
    const cached = new CachedReads()
    const before = await watched.run(read)
    await cached.keep(watched.known(read))
    await watched.run(write)
    expect(await watched.run(read)).not.toEqual(before)
    const { reads } = touches(schema, read.model, read.action, read.args)
    const { changes, opaque } = touches(schema, write.model, write.action, write.args)
    expect(opaque).toBe(false)
    await cached.written('the write', schema.catalog.effectOf(changes), reads)
    expect(cached.stale).toEqual([])
  })
})
