import type { Dialect } from '@sluice/core'
import fc from 'fast-check'
import type { Call, KnexCall, PrismaCall } from './program.ts'

type Args = Readonly<Record<string, unknown>>

function prisma(model: string | undefined, action: string, args: unknown): PrismaCall {
  return { orm: 'prisma', ...(model === undefined ? {} : { model }), action, args, order: 'none' }
}

function knex(table: string | undefined, chain: KnexCall['chain'], isVague = false): KnexCall {
  return { orm: 'knex', ...(table === undefined ? {} : { table }), chain, order: 'none', isVague }
}

const updatedAt = new Date(Date.UTC(2026, 0, 2))
const newPost = (id: number): Args => ({
  id,
  slug: `post-${id}`,
  title: `New ${id}`,
  createdAt: updatedAt,
  authorId: (id % 9) + 1,
})

/**
 * Writes near the keys that programs read by: rows are inserted, updated and deleted, or move to another key,
 * alone or with others.
 */
export function prismaWrite(): fc.Arbitrary<PrismaCall> {
  const post = fc.integer({ min: 1, max: 12 })
  const author = fc.integer({ min: 1, max: 13 })
  const tag = fc.integer({ min: 1, max: 6 })
  const text = fc.constantFrom('changed', 'Changed', '')
  return fc.oneof(
    fc.tuple(post, text).map(([id, title]) => prisma('Post', 'update', { where: { id }, data: { title } })),
    fc
      .tuple(post, author)
      .map(([id, authorId]) => prisma('Post', 'update', { where: { id }, data: { authorId } })),
    fc.tuple(post, author).map(([id, editorId]) =>
      prisma('Post', 'updateMany', {
        where: { authorId: id },
        data: { editorId, views: { increment: 1 } },
      }),
    ),
    post.map((id) => prisma('Post', 'delete', { where: { id } })),
    fc.constantFrom(3, 41, 42, 99).map((id) => prisma('Post', 'create', { data: newPost(id) })),
    fc
      .constantFrom(3, 41, 99)
      .map((id) => prisma('Post', 'upsert', { where: { id }, create: newPost(id), update: { views: 7 } })),
    author.map((authorId) => prisma('Post', 'deleteMany', { where: { authorId } })),
    author.map((id) => prisma('Author', 'delete', { where: { id } })),
    fc
      .tuple(author, fc.constantFrom('a1@example.org', 'z2@example.org', 'new@example.org'))
      .map(([id, email]) => prisma('Author', 'update', { where: { id }, data: { email } })),
    fc
      .tuple(author, fc.constantFrom(99, 100))
      .map(([id, next]) => prisma('Author', 'update', { where: { id }, data: { id: next } })),
    fc.constantFrom('FR', 'DE', 'XX').map((code) => prisma('Country', 'delete', { where: { code } })),
    fc
      .constantFrom('FR', 'DE')
      .map((code) => prisma('Country', 'update', { where: { code }, data: { code: 'XX' } })),
    fc
      .tuple(post, tag, fc.constantFrom('connect', 'disconnect', 'set'))
      .map(([id, tagId, step]) =>
        prisma('Post', 'update', { where: { id }, data: { tags: { [step]: [{ id: tagId }] } } }),
      ),
    tag.map((id) => prisma('Tag', 'delete', { where: { id } })),
    fc.constantFrom('tag 1', 'tag 9', 'TAG 1').map((label) => prisma('Tag', 'create', { data: { label } })),
    author.map((id) =>
      prisma('Author', 'update', {
        where: { id },
        data: { profile: { upsert: { create: { bio: 'b' }, update: { handle: `h${id}` } } } },
      }),
    ),
    fc
      .constantFrom('Ann', 'ben')
      .map((handle) => prisma('Profile', 'update', { where: { handle }, data: { handle: 'renamed' } })),
    fc.constantFrom('Ann', 'ben').map((handle) => prisma('Profile', 'delete', { where: { handle } })),
    fc.constantFrom('o1', 'o2').map((id) => prisma('Organization', 'delete', { where: { id } })),
    author.map((id) =>
      prisma(undefined, '$executeRawUnsafe', [`UPDATE posts SET title = 'raw' WHERE author_id = ${id}`]),
    ),
    author.map((id) =>
      prisma(undefined, '$queryRawUnsafe', [`SELECT id, title FROM posts WHERE author_id = ${id}`]),
    ),
    fc
      .constantFrom('DELETE FROM comments WHERE score = 1', 'UPDATE nowhere SET x = 1')
      .map((sql) => prisma(undefined, '$executeRawUnsafe', [sql])),
  )
}

/** The same through Knex. */
export function knexWrite(dialect: Dialect): fc.Arbitrary<KnexCall> {
  const post = fc.integer({ min: 1, max: 12 })
  const author = fc.integer({ min: 1, max: 13 })
  const row = (id: number): Args => ({
    id,
    slug: `post-${id}`,
    title: `New ${id}`,
    created_at: updatedAt,
    author_id: (id % 9) + 1,
  })
  const upserts = dialect === 'mysql' || dialect === 'sqlite'
  return fc.oneof(
    post.map((id) =>
      knex('posts', [
        ['where', 'id', id],
        ['update', { title: 'from Knex' }],
      ]),
    ),
    fc.tuple(post, author).map(([id, next]) =>
      knex('posts', [
        ['where', { id }],
        ['update', { author_id: next }],
      ]),
    ),
    author.map((id) =>
      knex('posts', [
        ['where', 'author_id', id],
        ['increment', 'views', 2],
      ]),
    ),
    author.map((id) => knex('posts', [['where', 'author_id', id], ['del']])),
    fc.constantFrom(3, 41, 42).map((id) => knex('posts', [['insert', row(id)]])),
    fc.constantFrom(3, 41).map((id) => knex('posts', [['insert', [row(id), row(id + 50)]]])),
    fc.constantFrom(3, 41).map((id) =>
      knex(
        'posts',
        [
          ['insert', row(id)],
          ['onConflict', 'id'],
          ['merge', ['title']],
        ],
        upserts,
      ),
    ),
    author.map((id) => knex('authors', [['where', 'id', id], ['del']])),
    fc
      .tuple(author, fc.constantFrom('a1@example.org', 'z2@example.org', 'k@example.org'))
      .map(([id, email]) =>
        knex('authors', [
          ['where', 'id', id],
          ['update', { email }],
        ]),
      ),
    fc.constantFrom('FR', 'DE').map((code) =>
      knex('countries', [
        ['where', 'code', code],
        ['update', { code: 'YY' }],
      ]),
    ),
    fc.constantFrom('FR', 'DE').map((code) => knex('countries', [['where', 'code', code], ['del']])),
    fc.constantFrom('tag 1', 'tag 8').map((label) => knex('Tag', [['insert', { label }]])),
    fc.integer({ min: 1, max: 5 }).map((id) => knex('Tag', [['where', 'id', id], ['del']])),
    fc
      .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5 }))
      .map(([A, B]) => knex('_PostToTag', [['insert', { A, B }]], true)),
    fc.constantFrom(1, 2).map((A) => knex('_PostToTag', [['where', { A }], ['del']])),
    author.map((id) =>
      knex(
        undefined,
        [['raw', 'UPDATE posts SET title = ?, editor_id = NULL WHERE author_id = ?', ['raw', id]]],
        true,
      ),
    ),
    fc.constantFrom('o1', 'o2').map((id) => knex('memberships', [['where', 'org_id', id], ['del']])),
    author.map((id) =>
      knex('posts', [['insert', { slug: `of-${id}`, title: 't', created_at: updatedAt, author_id: id }]]),
    ),
    fc.constantFrom('Ann', 'ben').map((handle) =>
      knex('profiles', [
        ['where', { handle }],
        ['update', { handle: 'kx' }],
      ]),
    ),
  )
}

/** Writes to tables that no other step in a program's transactions writes to. */
export function distantWrite(): fc.Arbitrary<Call> {
  const id = fc.constantFrom(1n, 2n, 9007199254740995n, 9007199254740996n)
  return fc.oneof<fc.Arbitrary<Call>[]>(
    id.map((key) => prisma('Device', 'update', { where: { id: key }, data: { name: 'distant' } })),
    id.map((key) => prisma('Device', 'delete', { where: { id: key } })),
    id.map((key) =>
      prisma('Device', 'update', {
        where: { id: key },
        data: { readings: { create: { id: 77, at: updatedAt } } },
      }),
    ),
    id.map((key) => knex('readings', [['where', 'device_id', String(key)], ['del']])),
    fc.constantFrom(1, 2, 3).map((key) => knex('Employee', [['where', 'id', key], ['del']])),
    fc
      .constantFrom(1, 2, 3)
      .map((key) =>
        prisma('Employee', 'update', { where: { id: key }, data: { friends: { connect: { id: 6 } } } }),
      ),
  )
}
