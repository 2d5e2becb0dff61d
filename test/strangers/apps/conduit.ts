import type { Random } from '../../support/random.ts'
import { jsonWebToken } from './json-web-token.ts'
import type { AppRequest, RealApp } from './real-app.ts'
import { weighted } from './weighted.ts'

const USERS = 200

type Rest = Pick<AppRequest, 'saves' | 'body'>

/** A request of a user, or of a visitor. */
function request(kind: string, method: string, path: string, user?: number, rest: Rest = {}): AppRequest {
  const authorization = `Token ${jsonWebToken({ id: user }, 'secret')}`
  return {
    kind,
    method,
    path: `/api/${path}`,
    ...(user !== undefined && { headers: { authorization } }),
    ...rest,
  }
}

const user = (random: Random) => 1 + random.below(USERS)
/** 67% of the readers are users. */
const reader = (random: Random) => (random.below(3) > 0 ? user(random) : undefined)
/** Mostly one of the articles that many read. */
const article = (random: Random) => `article-${1 + random.below(random.below(3) > 0 ? 40 : 600)}`
/** One of the articles that the requests create, which belongs to the user with its number. */
const own = (random: Random) => 1 + random.below(20)

const list = (kind: string, query: (random: Random) => string) => (random: Random) =>
  request(kind, 'GET', `articles?${query(random)}`, reader(random))

const change = (kind: string, method: string, path: (random: Random) => string) => (random: Random) =>
  request(kind, method, path(random), user(random))

/** 82% read. */
const mix = weighted([
  [18, list('articles', (random) => `limit=${random.pick([5, 10, 20])}&offset=${random.below(5) * 10}`)],
  [6, list('by tag', (random) => `tag=tag${1 + random.below(50)}`)],
  [6, list('by author', (random) => `author=user${1 + random.below(60)}`)],
  [4, list('by favorite', (random) => `favorited=user${1 + random.below(60)}`)],
  [8, (random) => request('feed', 'GET', 'articles/feed?limit=10', user(random))],
  [15, (random) => request('article', 'GET', `articles/${article(random)}`, reader(random))],
  [10, (random) => request('comments', 'GET', `articles/${article(random)}/comments`, reader(random))],
  [6, (random) => request('profile', 'GET', `profiles/user${1 + random.below(210)}`, reader(random))],
  [5, () => request('tags', 'GET', 'tags')],
  [3, (random) => request('user', 'GET', 'user', user(random))],
  [
    3,
    (random, at) => {
      const author = own(random)
      const body = {
        title: `New ${at}`,
        description: 'Description',
        body: `Body ${at}`,
        tagList: [`tag${1 + random.below(60)}`, `new${random.below(20)}`],
      }
      return request('create an article', 'POST', 'articles', author, {
        body: { article: body },
        saves: { [`slug${author}`]: (received) => JSON.parse(received).article.slug },
      })
    },
  ],
  [
    2,
    (random, at) => {
      const author = own(random)
      const body = { description: `Changed ${at}`, tagList: ['tag1', `new${random.below(9)}`] }
      return request('update an article', 'PUT', `articles/{slug${author}}`, author, {
        body: { article: body },
      })
    },
  ],
  [
    1,
    (random) => {
      const author = own(random)
      return request('delete an article', 'DELETE', `articles/{slug${author}}`, author)
    },
  ],
  [
    3,
    (random, at) =>
      request('create a comment', 'POST', `articles/${article(random)}/comments`, user(random), {
        body: { comment: { body: `Body ${at}` } },
      }),
  ],
  [3, change('favorite', 'POST', (random) => `articles/${article(random)}/favorite`)],
  [2, change('unfavorite', 'DELETE', (random) => `articles/${article(random)}/favorite`)],
  [2, change('follow', 'POST', (random) => `profiles/user${user(random)}/follow`)],
  [1, change('unfollow', 'DELETE', (random) => `profiles/user${user(random)}/follow`)],
  [
    1,
    (random, at) =>
      request('update the user', 'PUT', 'user', user(random), { body: { user: { bio: `Bio ${at}` } } }),
  ],
  [
    1,
    (random) => request('no title', 'POST', 'articles', user(random), { body: { article: { title: '' } } }),
  ],
])

export const conduit: RealApp = {
  name: 'conduit',
  dialect: 'postgresql',
  packages: ['@sluice/core', '@sluice/express', '@sluice/prisma'],
  prepare: [['npx', 'prisma', 'generate']],
  start: ['--import', 'tsx', 'src/server.ts'],
  ready: request('ready', 'GET', 'tags'),
  request: mix,
  // Rows that the requests create.
  normalized: (body) =>
    body
      .replace(/"(createdAt|updatedAt)":"(?!2024-0[12])[^"]*"/g, '"$1":"date"')
      .replace(/"token":"[^"]*"/g, '"token":"token"'),
}
