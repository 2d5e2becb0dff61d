import type { Random } from '../../support/random.ts'
import type { AppRequest, RealApp } from './real-app.ts'
import { weighted } from './weighted.ts'

const id = (letter: string, random: Random, count: number) =>
  letter + String(1 + random.below(count)).padStart(24, '0')

function graphql(kind: string, query: string, variables: object = {}): AppRequest {
  return { kind, method: 'POST', path: '/api/graphql', body: { query, variables } }
}

const POST = 'title author { name } tags(orderBy: { name: asc }) { name }'

/**
 * Each request and its weight: 80% of them read. Rows are ordered by fields that the requests set, since
 * generated ids have another order in each run.
 */
const request = weighted([
  [
    20,
    (random) =>
      graphql(
        'posts with authors',
        'query ($skip: Int!) { posts(take: 20, skip: $skip, orderBy: { views: asc }) { id title author { id name } } }',
        { skip: random.below(10) * 20 },
      ),
  ],
  [
    20,
    (random) =>
      graphql(
        'posts with everything',
        `query ($skip: Int!) {
          posts(take: 15, skip: $skip, orderBy: { views: asc }, where: { status: { equals: "published" } }) {
            id ${POST} comments(orderBy: { body: asc }) { body author { name } } commentsCount tagsCount
          }
        }`,
        { skip: random.below(10) * 15 },
      ),
  ],
  [
    10,
    (random) =>
      graphql(
        'users with posts',
        `query ($skip: Int!) {
          users(take: 20, skip: $skip, orderBy: { email: asc }) {
            name postsCount posts(take: 3, orderBy: { views: desc }) { title commentsCount }
          }
        }`,
        { skip: random.below(4) * 20 },
      ),
  ],
  [
    10,
    (random) =>
      graphql(
        'one post',
        `query ($id: ID!) {
          post(where: { id: $id }) { content ${POST} comments(orderBy: { body: asc }) { body author { name } } }
        }`,
        { id: id('p', random, 400) },
      ),
  ],
  [
    10,
    (random) =>
      graphql(
        'comments',
        `query ($skip: Int!) {
          comments(take: 30, skip: $skip, orderBy: { body: asc }) { body author { name } post { title author { name } } }
        }`,
        { skip: random.below(20) * 30 },
      ),
  ],
  [
    5,
    () =>
      graphql(
        'tags',
        'query { tags(orderBy: { name: asc }) { name postsCount(where: { status: { equals: "published" } }) } }',
      ),
  ],
  [5, () => graphql('counts', 'query { postsCount usersCount commentsCount }')],
  [
    6,
    (random, at) =>
      graphql(
        'update a post',
        'mutation ($id: ID!, $data: PostUpdateInput!) { updatePost(where: { id: $id }, data: $data) { id title author { name } } }',
        {
          id: id('p', random, 400),
          data: { title: `Title ${at}`, author: { connect: { id: id('u', random, 100) } } },
        },
      ),
  ],
  [
    5,
    (random, at) =>
      graphql(
        'update posts',
        'mutation ($data: [PostUpdateArgs!]!) { updatePosts(data: $data) { id title author { name } } }',
        {
          data: Array.from({ length: 5 }, () => ({
            where: { id: id('p', random, 400) },
            data: { content: `Content ${at}` },
          })),
        },
      ),
  ],
  [
    4,
    (random, at) =>
      graphql(
        'create a comment',
        `mutation ($data: CommentCreateInput!) {
          createComment(data: $data) { body hidden post { title commentsCount } author { name } }
        }`,
        {
          data: {
            body: `Body ${at}`,
            post: { connect: { id: id('p', random, 400) } },
            author: { connect: { id: id('u', random, 100) } },
          },
        },
      ),
  ],
  [
    3,
    (random, at) =>
      graphql(
        'create posts',
        `mutation ($data: [PostCreateInput!]!) { createPosts(data: $data) { ${POST} } }`,
        {
          data: Array.from({ length: 3 }, (_, nth) => ({
            title: `New ${at} ${nth}`,
            views: 1000 + at * 10 + nth,
            author: { connect: { id: id('u', random, 100) } },
            tags: { connect: [{ id: id('t', random, 30) }] },
          })),
        },
      ),
  ],
  [
    2,
    (random) =>
      graphql('delete a comment', 'mutation ($id: ID!) { deleteComment(where: { id: $id }) { body } }', {
        id: id('c', random, 1500),
      }),
  ],
])

export const keystone: RealApp = {
  name: 'keystone',
  dialect: 'postgresql',
  packages: ['@sluice/core', '@sluice/express', '@sluice/graphql', '@sluice/prisma'],
  // The first build generates Sluice's schema, and the second one contains it.
  prepare: [
    ['npx', 'keystone', 'build', '--no-ui', '--no-frozen'],
    ['npx', 'keystone', 'build', '--no-ui', '--no-frozen'],
  ],
  start: ['node_modules/@keystone-6/core/bin/cli.js', 'start', '--no-ui'],
  ready: graphql('ready', 'query { __typename }'),
  request,
  // The ids of rows that the requests create.
  normalized: (body) =>
    body.replace(/\bc[a-z0-9]{24}\b/g, (found) => (/^c0+\d+$/.test(found) ? found : 'id')),
}
