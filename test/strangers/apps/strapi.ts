import type { Random } from '../../support/random.ts'
import type { AppRequest, RealApp } from './real-app.ts'
import { weighted } from './weighted.ts'

const COUNTS = { articles: 100, authors: 40, tags: 20 }
const id = (table: keyof typeof COUNTS, random: Random) =>
  table.slice(0, 2) + String(1 + random.below(COUNTS[table])).padStart(22, '0')

/** A read by a visitor, with the permissions of the role Public. */
const get = (kind: string, path: string): AppRequest => ({
  kind,
  method: 'GET',
  path: encodeURI(`/api/${path}`),
})

/** A request by a program, with an API token. */
const write = (kind: string, method: string, path: string, data?: unknown): AppRequest => ({
  kind,
  method,
  path: `/api/${path}`,
  headers: { authorization: 'Bearer token' },
  ...(data !== undefined && { body: { data } }),
})

/** A read of the administration panel. */
const manage = (kind: string, path: string): AppRequest => ({
  kind,
  method: 'GET',
  path: `/content-manager/collection-types/api::article.article${path}`,
  headers: { authorization: 'Bearer {admin}' },
})

const page = (random: Random, pages: number, size: number) =>
  `sort=id&pagination[page]=${1 + random.below(pages)}&pagination[pageSize]=${size}`

const EVERYTHING =
  'populate[author]=true&populate[tags][sort]=id&populate[comments][sort]=id&populate[comments][populate]=author&populate[blocks][populate]=*&populate[seo]=true'

/** 82% read. */
const request = weighted([
  [18, (random) => get('articles', `articles?${page(random, 5, 20)}`)],
  [16, (random) => get('articles with everything', `articles?${page(random, 5, 20)}&${EVERYTHING}`)],
  [10, (random) => get('one article', `articles/${id('articles', random)}?populate=*`)],
  [8, (random) => get('authors', `authors?${page(random, 4, 10)}&populate[articles][populate]=tags`)],
  [
    6,
    (random) =>
      get('by tag', `articles?sort=id&filters[tags][name][$eq]=Tag ${random.below(20)}&populate=author`),
  ],
  [6, (random) => get('by author', `articles?sort=id&filters[author][name][$eq]=Author ${random.below(40)}`)],
  [5, () => get('tags', 'tags?sort=id&pagination[pageSize]=50&populate=articles')],
  [5, (random) => get('one author', `authors/${id('authors', random)}`)],
  [4, (random) => manage('manage articles', `?page=${1 + random.below(10)}&pageSize=10&sort=title:ASC`)],
  [3, (random) => manage('manage an article', `/${id('articles', random)}`)],
  [1, () => get('no article', 'articles/none')],
  [
    6,
    (random, at) =>
      write('create a comment', 'POST', 'comments', {
        body: `New ${at}`,
        article: id('articles', random),
        author: id('authors', random),
      }),
  ],
  [
    4,
    (random, at) =>
      write('update an article', 'PUT', `articles/${id('articles', random)}`, {
        views: 1000 + at,
        tags: [id('tags', random), id('tags', random)],
        blocks: [{ __component: 'shared.text', body: `Text ${at}` }],
      }),
  ],
  [
    4,
    (random, at) => ({
      ...write('create an article', 'POST', 'articles', {
        title: `New ${at}`,
        slug: `new-${at}`,
        author: id('authors', random),
        tags: [id('tags', random)],
        seo: { title: 'Title' },
      }),
      saves: { article: (body) => JSON.parse(body).data.documentId as string },
    }),
  ],
  [
    2,
    (random, at) =>
      write('update an author', 'PUT', `authors/${id('authors', random)}`, { name: `Author ${at}` }),
  ],
  [2, () => write('delete an article', 'DELETE', 'articles/{article}')],
])

export const strapi: RealApp = {
  name: 'strapi',
  dialect: 'postgresql',
  packages: ['@sluice/core', '@sluice/knex'],
  prepare: [['node', 'write-types.mjs']],
  seed: ['seed.js'],
  start: ['node_modules/@strapi/strapi/bin/strapi.js', 'start'],
  ready: {
    kind: 'login',
    method: 'POST',
    path: '/admin/login',
    body: { email: 'admin@example.org', password: 'Passw0rd' },
    saves: { admin: (body) => JSON.parse(body).data.token as string },
  },
  request,
  // The ids and times of rows that the requests create or change.
  normalized: (body) =>
    body
      .replace(/"[a-z][a-z0-9]{23}"/g, (found) => (/^"[a-z]{2}0+\d+"$/.test(found) ? found : '"id"'))
      .replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, (found) => (found.startsWith('"2020-01-0') ? found : '"time"')),
}
