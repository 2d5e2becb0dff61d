import type { Random } from '../../support/random.ts'
import { canonicalJson } from './canonical-json.ts'
import { jsonWebToken } from './json-web-token.ts'
import type { AppRequest, RealApp } from './real-app.ts'
import { weighted } from './weighted.ts'

const HOST = 'localhost:2368'
const startedAt = Date.now()

/** A visitor of the website. */
const visit = (kind: string, path: string): AppRequest => ({
  kind,
  method: 'GET',
  path,
  headers: { host: HOST },
})

/** A program with a key of the Content API. */
const content = (kind: string, path: string): AppRequest => ({
  kind: `content: ${kind}`,
  method: 'GET',
  path: `/ghost/api/content/${path}${path.includes('?') ? '&' : '?'}key=${'cd'.repeat(13)}`,
  headers: { host: HOST, 'accept-version': 'v6.0' },
})

/** A program with a key of the Admin API. */
const admin = (
  kind: string,
  path: string,
  { method = 'GET', ...request }: Partial<AppRequest> = {},
): AppRequest => ({
  kind: `admin: ${kind}`,
  method,
  path: `/ghost/api/admin/${path}`,
  headers: { host: HOST, 'accept-version': 'v6.0', authorization: `Ghost ${adminToken()}` },
  ...request,
})

/** A token that is valid for 5 minutes. */
function adminToken(): string {
  const now = Math.floor(Date.now() / 1000)
  const payload = { iat: now, exp: now + 300, aud: '/admin/' }
  return jsonWebToken(payload, Buffer.from('ab'.repeat(32), 'hex'), { kid: 'a'.repeat(24) })
}

/** A public post. */
const post = (random: Random) => `post-${3 * (1 + random.below(100))}`
const tag = (random: Random) => `tag-${1 + random.below(30)}`
const page = (random: Random, pages: number) => `page=${1 + random.below(pages)}`
const first = (body: string, list: 'posts' | 'members', at = 0) => JSON.parse(body)[list][at]
/** How many written rows later requests know. */
const SAVED = 3

/** A write of a post, which saves its id and the version that the next write of it states. */
const savesPost = (at: number) => ({
  [`post${at}`]: (body: string) => first(body, 'posts').id,
  [`version${at}`]: (body: string) => first(body, 'posts').updated_at,
})

/** 84% read. */
const request = weighted([
  [10, (random) => visit('home', random.chance(0.5) ? '/' : `/page/${2 + random.below(4)}/`)],
  [12, (random) => visit('post', `/${post(random)}/`)],
  [5, (random) => visit('tag', `/tag/${tag(random)}/`)],
  [4, (random) => visit('author', `/author/author-${1 + random.below(8)}/`)],
  [2, () => visit('feed', '/rss/')],
  [1, (_, at) => visit('no page', `/none-${at}/`)],
  [8, (random) => content('posts', `posts/?include=tags,authors&limit=15&${page(random, 6)}`)],
  [
    4,
    (random) => content('posts by tag', `posts/?include=tags&filter=tag:${tag(random)}&fields=id,title,slug`),
  ],
  [4, (random) => content('post', `posts/slug/${post(random)}/?include=tags,authors`)],
  [3, () => content('tags', 'tags/?include=count.posts&limit=all')],
  [3, () => content('authors', 'authors/?include=count.posts')],
  [2, () => content('settings', 'settings/')],
  [2, () => content('tiers', 'tiers/?include=benefits,monthly_price,yearly_price')],
  // Ghost's own order of drafts depends on the second in which they were updated.
  [6, (random) => admin('posts', `posts/?limit=30&formats=html&order=id%20desc&${page(random, 5)}`)],
  [4, (random) => admin('post', `posts/slug/${post(random)}/?formats=lexical,html`)],
  [
    5,
    (random) => {
      const at = random.below(50)
      return admin('members', `members/?limit=50&${page(random, 5)}`, {
        saves: { [`listed${at % SAVED}`]: (body) => first(body, 'members', at).id },
      })
    },
  ],
  [3, (random) => admin('member', `members/{listed${random.below(SAVED)}}/`)],
  [2, () => admin('tags', 'tags/?include=count.posts&limit=30')],
  [2, () => admin('users', 'users/?include=count.posts,roles')],
  [2, () => admin('comments', 'comments/?limit=30')],
  [1, () => admin('newsletters', 'newsletters/?include=count.active_members,count.posts')],
  [1, () => admin('site', 'site/')],
  [
    4,
    (random, at) =>
      admin('create a post', 'posts/?source=html', {
        method: 'POST',
        saves: savesPost(random.below(SAVED)),
        body: {
          posts: [
            {
              title: `New ${at}`,
              html: `<p>Text ${at}</p>`,
              status: random.chance(0.5) ? 'published' : 'draft',
              tags: [{ slug: tag(random) }, { name: `New ${random.below(5)}` }],
            },
          ],
        },
      }),
  ],
  [
    4,
    (random, at) => {
      const saved = random.below(SAVED)
      return admin('update a post', `posts/{post${saved}}/`, {
        method: 'PUT',
        saves: savesPost(saved),
        body: { posts: [{ title: `Title ${at}`, updated_at: `{version${saved}}` }] },
      })
    },
  ],
  [1, (random) => admin('delete a post', `posts/{post${random.below(SAVED)}}/`, { method: 'DELETE' })],
  [
    3,
    (random, at) =>
      admin('create a member', 'members/', {
        method: 'POST',
        saves: { [`member${random.below(SAVED)}`]: (body) => first(body, 'members').id },
        body: {
          members: [
            {
              email: `m${at}@example.org`,
              name: `Member ${at}`,
              labels: [{ name: `Label ${random.below(3)}` }],
            },
          ],
        },
      }),
  ],
  [
    3,
    (random, at) =>
      admin('update a member', `members/{member${random.below(SAVED)}}/`, {
        method: 'PUT',
        body: { members: [{ name: `Name ${at}`, note: 'Note' }] },
      }),
  ],
  [1, (_, at) => admin('create a tag', 'tags/', { method: 'POST', body: { tags: [{ name: `Tag ${at}` }] } })],
])

/** Dates of JSON, and of the feed. */
const DATE = /\b\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)|\b\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT/g

/** Whether a time is after the start of the run: the requests create those rows. */
const isNew = (at: number) => at >= startedAt - 1000

export const ghost: RealApp = {
  name: 'ghost',
  tarball: 'ghost@6.65.0',
  dialect: 'mysql',
  packages: ['@sluice/core', '@sluice/express', '@sluice/knex'],
  prepare: [],
  seed: ['seed.cjs'],
  start: ['start.cjs'],
  environment: (port, url) => {
    const { hostname, port: databasePort, username, password, pathname } = new URL(url)
    return {
      url: `http://${HOST}`,
      server__port: String(port),
      database__client: 'mysql2',
      database__connection__host: hostname,
      database__connection__port: databasePort,
      database__connection__user: username,
      database__connection__password: password,
      database__connection__database: pathname.slice(1),
      // Sends nothing to other servers, and no statements between the requests.
      privacy__useTinfoil: 'true',
      backgroundJobs__emailAnalytics: 'false',
      logging__transports: '[]',
    }
  },
  ready: visit('ready', '/'),
  request,
  // The order of keys depends on which of several parallel reads ends first, without Sluice too.
  normalized: (body) =>
    canonicalJson(body)
      .replace(/\b[0-9a-f]{24}\b/g, (id) => (isNew(Number.parseInt(id.slice(0, 8), 16) * 1000) ? 'id' : id))
      .replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'uuid')
      .replace(DATE, (date) => (isNew(Date.parse(date)) ? 'date' : date))
      .replace(/key=[0-9a-f]{64}/g, 'key'),
}
