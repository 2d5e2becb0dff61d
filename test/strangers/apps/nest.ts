import type { Random } from '../../support/random.ts'
import type { AppRequest, RealApp } from './real-app.ts'
import { weighted } from './weighted.ts'

const get = (kind: string, path: (random: Random) => string) => (random: Random) => ({
  kind,
  method: 'GET',
  path: path(random),
})
const write = (kind: string, method: string, path: string, body: object): AppRequest => ({
  kind,
  method,
  path,
  body,
})

const BOOKS = 300
const AUTHORS = 60
const upTo = (random: Random, count: number) => 1 + random.below(count)

/** 85% read. */
const request = weighted([
  [20, get('books', (random) => `/books?page=${random.below(20)}`)],
  [15, get('one book', (random) => `/books/${upTo(random, BOOKS + 10)}`)],
  [12, get('cheap books', (random) => `/books/cheap?below=${100 + random.below(5) * 80}`)],
  [8, get('joined books', (random) => `/books/joined?page=${random.below(20)}`)],
  [15, get('authors', (random) => `/authors?page=${random.below(6)}`)],
  [15, get('one author', (random) => `/authors/${upTo(random, AUTHORS)}`)],
  [
    5,
    (random, at) =>
      write('create a book', 'POST', '/books', {
        title: `New ${at}`,
        authorId: upTo(random, AUTHORS),
        tagIds: [upTo(random, 20), upTo(random, 20)],
      }),
  ],
  [5, (random, at) => write('update a book', 'PATCH', `/books/${upTo(random, BOOKS)}`, { price: 1000 + at })],
  [
    5,
    (random, at) =>
      write('review a book', 'POST', `/books/${upTo(random, BOOKS)}/reviews`, {
        text: `Review ${at}`,
        stars: upTo(random, 5),
      }),
  ],
])

/** An app of NestJS on TypeORM with lazy relations, as its documentation shows them. */
export const nest: RealApp = {
  name: 'nest',
  dialect: 'postgresql',
  packages: ['@sluice/core'],
  modes: ['bare', 'register-observe', 'register-optimize', 'register-cache'],
  prepare: [],
  seed: ['--import', 'tsx', 'src/seed.ts'],
  start: ['--import', 'tsx', 'src/server.ts'],
  ready: { kind: 'ready', method: 'GET', path: '/authors' },
  request,
  normalized: (body) => body,
}
