import type { Random } from '../../support/random.ts'
import { canonicalJson } from './canonical-json.ts'
import type { AppRequest, RealApp } from './real-app.ts'
import { weighted } from './weighted.ts'

const COUNTS = { comments: 200, posts: 100, tags: 15, users: 20 }
const id = (table: keyof typeof COUNTS, random: Random) => 1 + random.below(COUNTS[table])

/** A read by a visitor. */
const get = (kind: string, path: string): AppRequest => ({
  kind,
  method: 'GET',
  path: encodeURI(`/api/${path}`),
})

/** A request by the user that logged in first. */
const asUser = (kind: string, method: string, path: string, body?: unknown): AppRequest => ({
  ...get(kind, path),
  method,
  headers: { authorization: 'JWT {token}' },
  ...(body !== undefined && { body }),
})

/** 82% read. */
const request = weighted([
  [20, (random) => get('posts', `posts?sort=id&depth=1&limit=20&page=${1 + random.below(5)}`)],
  [14, (random) => get('posts, deep', `posts?sort=id&depth=2&limit=20&page=${1 + random.below(5)}`)],
  [10, (random) => get('one post, deep', `posts/${id('posts', random)}?depth=2`)],
  [7, (random) => get('one post', `posts/${id('posts', random)}?depth=0`)],
  [7, () => get('tags', 'tags?sort=id&depth=1')],
  [7, (random) => get('comments', `comments?sort=id&depth=2&limit=20&page=${1 + random.below(8)}`)],
  [6, (random) => get('by author', `posts?sort=id&depth=0&where[author][equals]=${id('users', random)}`)],
  [
    4,
    (random) =>
      get('by name', `posts?sort=id&depth=0&where[author.name][equals]=User ${id('users', random)}`),
  ],
  [3, () => get('users', 'users?sort=id')],
  [2, () => asUser('me', 'GET', 'users/me')],
  [1, (random) => asUser('as a user', 'GET', `posts/${id('posts', random)}?depth=1`)],
  [1, () => get('no post', 'posts/99999')],
  [
    5,
    (random, at) =>
      asUser('create a comment', 'POST', 'comments', {
        body: `New ${at}`,
        post: id('posts', random),
        author: id('users', random),
      }),
  ],
  [
    6,
    (random, at) =>
      asUser('update a post', 'PATCH', `posts/${id('posts', random)}`, {
        views: 1000 + at,
        tags: [id('tags', random)],
      }),
  ],
  [
    3,
    (random, at) =>
      asUser('update posts', 'PATCH', `posts?where[author][equals]=${id('users', random)}&depth=0`, {
        views: 2000 + at,
      }),
  ],
  [
    3,
    (random, at) =>
      asUser('create a post', 'POST', 'posts', {
        title: `New ${at}`,
        author: id('users', random),
        tags: [id('tags', random)],
        blocks: [{ blockType: 'quote', text: 'A quote', by: 1 }],
      }),
  ],
  [1, (random) => asUser('delete a comment', 'DELETE', `comments/${id('comments', random)}?depth=0`)],
])

export const payload: RealApp = {
  name: 'payload',
  dialect: 'postgresql',
  packages: ['@sluice/core', '@sluice/drizzle'],
  prepare: [],
  seed: ['seed.js'],
  start: ['server.js'],
  ready: {
    kind: 'login',
    method: 'POST',
    path: '/api/users/login',
    body: { email: 'user1@example.org', password: 'Passw0rd' },
    saves: { token: (body) => JSON.parse(body).token as string },
  },
  request,
  // The order of keys differs between two runs without Sluice, and so do generated ids, the login, and the
  // times of rows that the requests create or change.
  normalized: (body) =>
    canonicalJson(body)
      .replace(/"(?:[0-9a-f]{24}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"/g, '"id"')
      .replace(/"(exp|iat)":\d+/g, '"$1":"time"')
      .replace(/"token":"[^"]+"/, '"token":"token"')
      .replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, (found) => (found.startsWith('"2020-01-0') ? found : '"time"')),
}
